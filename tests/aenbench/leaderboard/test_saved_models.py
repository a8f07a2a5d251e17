"""Trained networks of entries: from a folder, from a stand-in for the Hub, and what is refused.

`small_board` was made by the code of this repository:
    aenbench run --baseline p4cnn --dataset g-digits --config c4 --budget quick --seeds 1 --out small_board \
        --weights small_board
It has to be made again where a change of the package makes networks whose weights have other names or shapes.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import aenbench
from aenbench.cli import main as cli
from aenbench.errors import EntryError, InvalidArgumentError, WeightsError
from aenbench.leaderboard.entry_folder import MAX_KEPT_WEIGHTS, read_description, read_entry
from aenbench.leaderboard.saved_models import load_model, tag_of
from aenbench.leaderboard.verify import verify, verify_weights
from aenbench.models.aen import Architecture
from aenbench.models.weights import encode_weights, rebuild
from aenbench.models.weights import read_description as read_about
from aenbench.nn import check_equivariance
from aenbench.tasks.images import Images, Normalization
from aenbench.training.fit import compute_logits, predict
from gdatasets import Group, load_arrays
from gdatasets.errors import HubError, UnknownNameError

BOARD = Path(__file__).with_name("small_board")
NAME = "g-digits/c4/p4cnn-quick"
FILE = "seed-0.safetensors"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BOARD, tmp_path / "board"))


def restate(board: Path, **changes: Any) -> None:
    """Write other facts, or other weights, into the entry."""
    file = board / NAME / "entry.json"
    about = json.loads(file.read_text())
    for name, value in changes.items():
        (about["seeds"][0] if name in about["seeds"][0] else about)[name] = value
    file.write_text(json.dumps(about))


def put_weights(board: Path, content: bytes) -> None:
    """Weights that the entry names."""
    (board / NAME / FILE).write_bytes(content)
    restate(board, weights_sha256=hashlib.sha256(content).hexdigest())


def test_the_network_of_an_entry_predicts_what_the_entry_holds() -> None:
    model = aenbench.load_model(NAME, seed=0, weights=BOARD)
    entry, predictions = read_entry(BOARD / NAME)
    test = Images(entry.task).test()
    assert not model.training
    assert np.array_equal(predict(model, test.images).numpy(), predictions[0])
    pixels = load_arrays("g-digits", "c4", "test").images
    assert torch.equal(model.normalization.apply(pixels), test.images)
    other = predict(model, torch.from_numpy(pixels[:, None].astype(np.float32)))  # not normalized
    assert not np.array_equal(other.numpy(), predictions[0])


def test_a_loaded_network_is_as_invariant_as_its_family() -> None:
    model = load_model(NAME, weights=BOARD)
    assert check_equivariance(model, Group(["rotation"], 28)).passed
    assert not check_equivariance(model, Group(["hflip"], 28)).passed


@pytest.mark.parametrize("content", ["a byte changed", "cut", "empty", "longer"])
def test_what_the_entry_does_not_name_is_refused_before_it_is_parsed(
    board: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = board / NAME / FILE
    whole = file.read_bytes()
    changed = {
        "a byte changed": whole[:-1] + bytes([whole[-1] ^ 1]),
        "cut": whole[:-100],
        "empty": b"",
        "longer": whole + b"x",
    }
    file.write_bytes(changed[content])
    monkeypatch.setattr("aenbench.models.weights.read_description", lambda *_: pytest.fail("it was parsed"))
    with pytest.raises(WeightsError, match="not what the entry states: its SHA-256 differs"):
        load_model(NAME, weights=board)
    with pytest.raises(EntryError, match="was changed"):
        read_entry(board / NAME)


def test_weights_of_another_architecture_are_refused(board: Path) -> None:
    restate(board, group="d4", parameters=26_757)
    with pytest.raises(WeightsError, match="of another network than the entry states"):
        load_model(NAME, weights=board)
    restate(board, group="c4", parameters=24_620)
    load_model(NAME, weights=board)
    content = (board / NAME / FILE).read_bytes()
    about = read_about(content, "here")
    tensors = {name: tensor.flatten() for name, tensor in safetensors.torch.load(content).items()}
    put_weights(board, safetensors.torch.save(tensors, {"aenbench": about.text}))
    with pytest.raises(WeightsError, match="weights of another network"):
        load_model(NAME, weights=board)


def test_a_file_that_an_entry_names_and_that_is_none_is_refused(board: Path) -> None:
    for content in (b"", b"\x80\x04K\x01.", bytes(100)):
        put_weights(board, content)
        with pytest.raises(WeightsError, match="is no file of weights"):
            load_model(NAME, weights=board)


@pytest.mark.parametrize("name", ["", "aen", "g-digits/c4", "../c4/aen", "a/b/c/d", "g-digits/c4/..", "/etc/passwd/x"])
def test_a_name_that_is_no_entry_s_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="<dataset>/<configuration>/<entry>"):
        load_model(name, weights=BOARD)


def test_what_is_not_there_is_said(board: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        load_model("g-digits/c4/aen", weights=board)
    with pytest.raises(UnknownNameError, match='Unknown seed of g-digits/c4/p4cnn-quick "7"'):
        load_model(NAME, 7, board)
    shutil.copytree(board / NAME, board / "g-digits/c4/other")
    with pytest.raises(WeightsError, match="holds the entry g-digits/c4/p4cnn-quick"):
        load_model("g-digits/c4/other", weights=board)
    (board / NAME / FILE).unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        load_model(NAME, weights=board)
    restate(board, weights_sha256=None)
    with pytest.raises(WeightsError, match="states no weights of seed 0"):
        load_model(NAME, weights=board)


def test_a_pipe_in_place_of_weights_is_not_waited_for(board: Path) -> None:
    (board / NAME / FILE).unlink()
    os.mkfifo(board / NAME / FILE)
    with pytest.raises(WeightsError, match="not a plain file"):
        load_model(NAME, weights=board)


def test_the_board_decides_which_weights_are_an_entry_s(board: Path, tmp_path: Path) -> None:
    theirs = Path(shutil.copytree(BOARD, tmp_path / "theirs"))
    load_model(NAME, weights=theirs, board=board)
    content = (theirs / NAME / FILE).read_bytes()
    other = load_model(NAME, weights=theirs)
    with torch.no_grad():
        next(other.parameters()).add_(1)
    put_weights(theirs, encode_weights(other, read_about(content, "here")))
    load_model(NAME, weights=theirs)  # as their own copy of the entry says
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        load_model(NAME, weights=theirs, board=board)


def test_a_module_of_one_s_own_is_filled() -> None:
    from aenbench.models.p4cnn import SevenLayerArchitecture

    mine = SevenLayerArchitecture("c4").build(torch.Generator().manual_seed(5))
    assert load_model(NAME, weights=BOARD, module=mine) is mine
    test = Images(read_description(BOARD / NAME).task).test().first(50)
    assert torch.equal(compute_logits(mine, test.images), compute_logits(load_model(NAME, weights=BOARD), test.images))
    with pytest.raises(WeightsError, match="weights of another network"):
        load_model(NAME, weights=BOARD, module=torch.nn.Linear(2, 2))


def test_verify_compares_what_weights_predict(board: Path) -> None:
    assert verify(board)[1] == []
    assert verify_weights(board, board) == (1, [])
    content = (board / NAME / FILE).read_bytes()
    model = load_model(NAME, weights=board)
    with torch.no_grad():
        model.last.bias[3] += 1.0
    put_weights(board, encode_weights(model, read_about(content, "here")))
    assert verify(board)[1] == []  # the files are those that the entry names
    compared, [line] = verify_weights(board, board)
    assert compared == 1
    assert "seed 0: its weights predict another class for" in line


def test_entries_without_weights_there_are_passed_over(board: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "weights"
    elsewhere.mkdir()
    assert verify_weights(board, elsewhere) == (0, [])
    (board / NAME / FILE).unlink()
    assert verify(board)[1] == []
    assert verify_weights(board, board) == (0, [])
    with pytest.raises(WeightsError, match="is not a folder"):
        verify_weights(board, tmp_path / "nowhere")


def test_an_entry_holds_its_own_small_weights_only(board: Path) -> None:
    folder = board / NAME
    content = (folder / FILE).read_bytes()
    (folder / "seed-1.safetensors").write_bytes(content)
    assert "has no weights_sha256 of that seed" in verify(board)[1][0]
    (folder / "seed-1.safetensors").rename(folder / "seed-00.safetensors")
    assert "which does not belong in an entry" in verify(board)[1][0]
    (folder / "seed-00.safetensors").unlink()
    (folder / FILE).write_bytes(content + bytes(MAX_KEPT_WEIGHTS))
    assert "is larger than 204,800 bytes" in verify(board)[1][0]
    (folder / FILE).write_bytes(content)
    assert verify(board)[1] == []
    restate(board, weights_sha256="0" * 63)
    assert "weights_sha256" in verify(board)[1][0]


def test_commands_take_weights(board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["aenbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    assert call("check", NAME, "--weights", str(board), "--group", "c4")[0] == 0
    assert call("check", NAME, "--weights", str(board), "--group", "d4")[0] == 1
    code, said = call("check", NAME, "--weights", str(board / "none"))
    assert (code, said.count("\n")) == (2, 1)
    code, said = call("verify", str(board), "--weights", str(board))
    assert (code, said) == (0, "1 entry verified.\nThe weights of 1 seed predict what the entries hold.\n")
    (board / NAME / FILE).write_bytes(b"x")
    assert call("verify", str(board), "--weights", str(board))[0] == 1


def test_check_takes_size_and_channels_from_the_weights(
    board: Path, run_program: Callable[..., tuple[int, str]]
) -> None:
    """3130c15 called every network on gray images of --size, so networks for color could not be checked."""
    content = (board / NAME / FILE).read_bytes()
    gray = read_about(content, "here")
    shape = replace(gray.shape, image_size=32, channels=3)
    color = replace(gray, shape=shape, normalization=Normalization((0.5,) * 3, (0.25,) * 3))
    put_weights(board, encode_weights(rebuild(color, 1 << 20, "here"), color))
    restate(board, image_size=32)
    words = ("check", NAME, "--weights", board, "--group", "c4")
    assert run_program("aenbench", *words) == (0, "")
    assert run_program("aenbench", *words, "--size", 32, "--channels", 3) == (0, "")
    for more in (("--size", 28), ("--channels", 1)):
        code, said = run_program("aenbench", *words, *more)
        assert (code, said.count("\n")) == (2, 1)
        assert "takes images (3, 32, 32), as its weights say; leave out --size and --channels." in said


def fault(where: str, what: int | str, times: int) -> Any:
    return sys.modules["hub_stand_in"].Fault(where, what, times)


@pytest.fixture
def published(hub: Any, board: Path) -> Callable[..., str]:
    """Puts a board's weights into aen/models, tagged as its entry is; gives the tag."""
    hub.repos["aen/models"] = []

    def publish(tag: str = "", **other: bytes) -> str:
        folder = board / NAME
        files = {f"{NAME}/{name}": (folder / name).read_bytes() for name in ("entry.json", FILE)}
        tag = tag or tag_of(read_description(folder))
        hub.tags[tag] = hub.commit("aen/models", files | other)
        return tag

    return publish


def same_as_here(model: torch.nn.Module) -> bool:
    here = load_model(NAME, weights=BOARD)
    return all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), here.state_dict().values(), strict=True))


def test_weights_come_from_the_hub_at_the_tag_of_the_entry(hub: Any, published: Callable[..., str]) -> None:
    assert published() == "g-digits--c4--p4cnn-quick--208f930298e2"[: len(tag_of(read_description(BOARD / NAME)))]
    assert same_as_here(load_model(NAME))
    assert any(line.endswith(f"resolve/{hub.commit_of('main')}/{NAME}/{FILE}") for line in hub.requests)
    assert same_as_here(load_model(NAME, revision=hub.commit_of("main")))
    assert same_as_here(load_model(NAME, board=BOARD))


def test_a_folder_of_that_name_comes_first(hub: Any, board: Path, tmp_path: Path) -> None:
    (tmp_path / "aen").mkdir()
    board.rename(tmp_path / "aen" / "models")
    assert same_as_here(load_model(NAME))
    assert hub.requests == []


def test_of_several_versions_one_has_to_be_named(published: Callable[..., str], board: Path) -> None:
    first = published()
    second = published("g-digits--c4--p4cnn-quick--0123456789ab")
    published("g-digits--c4--p4cnn-quick-large--0123456789ab")
    with pytest.raises(InvalidArgumentError, match=f"choose a revision: {second}, {first}"):
        load_model(NAME)
    assert same_as_here(load_model(NAME, revision=first))
    assert same_as_here(load_model(NAME, board=board))
    restate(board, predictions_sha256="f" * 64)
    with pytest.raises(HubError, match="no tag g-digits--c4--p4cnn-quick--ffffffffffff"):
        load_model(NAME, board=board)


def test_what_the_hub_lacks_or_spoils_is_said_in_one_line(
    hub: Any, published: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HubError, match="no tag g-digits--c4--p4cnn-quick--"):
        load_model(NAME)
    published()
    with pytest.raises(HubError, match="neither a folder nor a model repository aen/others"):
        load_model(NAME, weights="aen/others")
    with pytest.raises(HubError, match="answered 404"):
        load_model(NAME, revision="v9")
    with pytest.raises(WeightsError, match="is not there"):
        load_model("g-digits/c4/aen", revision="main")
    hub.faults.append(fault("refs", 500, 9))
    with pytest.raises(HubError, match="answered 500"):
        load_model(NAME)
    hub.faults.clear()
    hub.faults.append(fault("resolve", "cut", 1))
    assert same_as_here(load_model(NAME))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubError, match="no folder aen/models, and the Hub cannot be reached"):
        load_model(NAME)


def test_what_the_hub_changes_on_the_way_is_refused(hub: Any, published: Callable[..., str]) -> None:
    published()
    hub.corrupt = f"{NAME}/{FILE}"
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        load_model(NAME)


def test_a_file_of_the_hub_that_is_too_large_is_not_fetched(
    hub: Any, published: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published()
    monkeypatch.setattr("aenbench.models.weights.MAX_WEIGHTS_BYTES", 1_000)
    with pytest.raises(WeightsError, match="larger than 1,000 bytes"):
        load_model(NAME)
    assert not any("resolve" in line and FILE in line for line in hub.requests)


def test_a_loaded_network_is_exported() -> None:
    model = load_model(NAME, weights=BOARD)
    images = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.randn(7, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(exported.module()(more), model(more))


def test_an_own_entry_s_description_is_the_plain_network_s() -> None:
    """What an entry of the plain network states is all defaults; its weights are still told from others'."""
    about = read_about((BOARD / NAME / FILE).read_bytes(), "here")
    assert about.names("p4cnn", {"group": "c4"})
    assert not about.names("p4cnn", {"group": "d4"})
    assert not about.names("gcnn", {"group": "c4"})
    assert not about.names("aen", dict(Architecture(()).facts))
