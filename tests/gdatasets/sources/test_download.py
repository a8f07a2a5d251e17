"""Fetching, from a server on loopback."""

import gzip
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from gdatasets.errors import SourceError
from gdatasets.sources.published import load_source, source_is_local
from gdatasets.sources.source import Source, cache_folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/", folder
        served.shutdown()
        thread.join()


def serve_kmnist(publisher: Any, server: tuple[str, Path]) -> Source:
    address, folder = server
    publisher.publish("kmnist")
    for path in (publisher.root / "KMNIST" / "raw").iterdir():
        path.rename(folder / path.name)
    return publisher.serve("kmnist", urls=lambda file: (address + Path(file.path).name,))


def test_missing_files_are_fetched_into_the_cache_once(publisher: Any, server: tuple[str, Path]) -> None:
    dataset = serve_kmnist(publisher, server)
    assert len(load_source(dataset.name, "train", publisher.root).labels) == 10
    assert len(load_source(dataset.name, "test").labels) == 4
    assert source_is_local(dataset.name)
    for path in server[1].iterdir():
        path.unlink()
    assert len(load_source(dataset.name, "train").labels) == 10
    assert {path.name for path in cache_folder().iterdir()} == {"KMNIST"}


def serve_cifar(publisher: Any, server: tuple[str, Path]) -> None:
    address, folder = server
    with tarfile.open(folder / "batches.tar.gz", "w:gz") as archive:
        archive.add(publisher.root / CIFAR10.base_folder, CIFAR10.base_folder)
    archive_md5 = publisher.md5(folder / "batches.tar.gz")
    publisher.serve("cifar10", urls=lambda _file: (f"{address}batches.tar.gz",), archive_md5=lambda _file: archive_md5)


def test_an_archive_is_fetched_and_unpacked(publisher: Any, server: tuple[str, Path]) -> None:
    dataset = publisher.publish("cifar10")
    serve_cifar(publisher, server)
    assert len(load_source(dataset.name, "train").labels) == 10
    assert {path.name for path in cache_folder().iterdir()} == {CIFAR10.base_folder}


def test_an_archive_of_other_files_leaves_nothing_behind(publisher: Any, server: tuple[str, Path]) -> None:
    dataset = publisher.publish("cifar10")
    (publisher.first_file("cifar10").parent / "test_batch").write_bytes(b"another batch")
    serve_cifar(publisher, server)
    with pytest.raises(SourceError, match="test_batch is not the published file"):
        load_source(dataset.name, "train")
    assert not [path for path in cache_folder().rglob("*") if path.is_file()]


def test_another_file_than_the_published_one_leaves_nothing_behind(publisher: Any, server: tuple[str, Path]) -> None:
    dataset = serve_kmnist(publisher, server)
    path = server[1] / "train-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match="fetching failed") as caught:
        load_source(dataset.name, "train")
    assert "\n" not in str(caught.value)
    assert not [path for path in cache_folder().rglob("*") if path.is_file()]


def test_a_file_that_the_server_lacks_is_one_line(publisher: Any, server: tuple[str, Path]) -> None:
    dataset = serve_kmnist(publisher, server)
    (server[1] / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(SourceError, match=r"fetching failed \(HTTP Error 404"):
        load_source(dataset.name, "train")


def serve_mnist(publisher: Any, server: tuple[str, Path], mirrors: tuple[str, ...]) -> dict[str, str]:
    """Packed files on the server, pinned by their MD5; the unpacked ones are pinned already."""
    publisher.publish("mnist")
    digests = {}
    for path in (publisher.root / "MNIST" / "raw").iterdir():
        packed = server[1] / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        digests[path.name] = publisher.md5(packed)
        path.unlink()
    publisher.serve(
        "mnist",
        urls=lambda file: tuple(f"{mirror}{Path(file.path).name}.gz" for mirror in mirrors),
        archive_md5=lambda file: digests[Path(file.path).name],
    )
    return digests


def test_packed_files_are_unpacked_where_they_belong_from_the_first_mirror_that_has_them(
    publisher: Any, server: tuple[str, Path]
) -> None:
    contents = publisher.contents("mnist")
    names = serve_mnist(publisher, server, (f"{server[0]}absent/", server[0]))
    for split in ("train", "test"):
        images, labels = load_source("mnist", split)
        assert np.array_equal(images, contents[split].images)
        assert np.array_equal(labels, contents[split].labels)
    found = {path.relative_to(cache_folder()) for path in cache_folder().rglob("*") if path.is_file()}
    assert found == {Path("MNIST/raw") / name for name in names}


def test_a_packed_file_of_other_content_leaves_nothing_behind(publisher: Any, server: tuple[str, Path]) -> None:
    serve_mnist(publisher, server, (server[0],))
    path = server[1] / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(bytes(8_000)))
    with pytest.raises(SourceError, match="fetching failed"):
        load_source("mnist", "train")
    assert not [path for path in cache_folder().rglob("*") if path.is_file()]


def test_no_server_is_noticed_and_told_in_one_line(publisher: Any) -> None:
    publisher.serve("kmnist", urls=lambda _file: ("http://127.0.0.1:9/",))
    with pytest.raises(SourceError, match="no server answered") as caught:
        load_source("kmnist", "train", publisher.root)
    assert "\n" not in str(caught.value)


def test_what_needs_an_account_is_not_asked_for(publisher: Any) -> None:
    with pytest.raises(SourceError, match="it cannot be fetched without an account"):
        load_source("asl", "train", publisher.root)
