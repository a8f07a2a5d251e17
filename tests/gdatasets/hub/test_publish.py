"""Publishing, against a stand-in for the Hub on loopback (`hub_stand_in.py`): the Hub itself is not asked."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from gdatasets.cli import main as cli
from gdatasets.errors import HubError, IntegrityError, InvalidArgumentError
from gdatasets.folder.build import build_dataset
from gdatasets.hub.publish import publish

REPO = "aen/g-digits"

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's own


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publish") / "g-digits"
    build_dataset("g-digits", ["c4"], folder)
    return folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


def test_a_dry_run_asks_nobody(built: Path, hub: Any) -> None:
    planned = publish(built, REPO, dry_run=True)
    assert planned.tag == "v1.0.0"
    assert planned.files[-1] == "manifest.json"
    assert planned.bytes == sum(path.stat().st_size for path in built.rglob("*") if path.is_file())
    assert hub.requests == []


def test_publishing_uploads_every_file_and_tags_the_version(built: Path, hub: Any) -> None:
    done = publish(built, REPO)
    assert hub.tags == {"v1.0.0": done.commit}
    published = hub.commits[done.commit]
    local = {path.relative_to(built).as_posix(): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    assert {path: content for path, content in published.items() if path != ".gitattributes"} == local


def test_publishing_again_changes_nothing(built: Path, hub: Any) -> None:
    first = publish(built, REPO)
    commits = len(hub.commits)
    again = publish(built, REPO)
    assert again.already
    assert again.commit == first.commit
    assert len(hub.commits) == commits


def test_other_content_under_a_published_tag_is_refused(built: Path, copy: Path, hub: Any) -> None:
    publish(built, REPO)
    before = dict(hub.tags), len(hub.commits)
    build_dataset("g-digits", ["v4"], copy)
    with pytest.raises(IntegrityError, match="never changes"):
        publish(copy, REPO)
    assert (dict(hub.tags), len(hub.commits)) == before


def test_a_folder_that_does_not_verify_is_not_uploaded(copy: Path, hub: Any) -> None:
    (copy / "README.md").write_text("tampered")
    with pytest.raises(IntegrityError, match=r"README\.md"):
        publish(copy, REPO)
    assert hub.requests == []


def test_files_that_the_manifest_does_not_list_are_removed_from_the_repository(built: Path, hub: Any) -> None:
    hub.repos[REPO] = []
    hub.commit(REPO, {".gitattributes": b"", "old/train-00000-of-00001.parquet": b"x"})
    done = publish(built, REPO)
    assert "old/train-00000-of-00001.parquet" not in hub.commits[done.commit]


_STEPS = ["/repos/create", "/refs", "preupload", "objects/batch", "PUT /lfs", "/commit/", "/resolve/", "/tag/"]
_USUAL = {("/refs", 429), ("/commit/", 500), ("PUT /lfs", "cut")}


@pytest.mark.parametrize(
    ("where", "what"),
    [
        pytest.param(where, what, marks=() if (where, what) in _USUAL else pytest.mark.slow)
        for where in _STEPS
        for what in (429, 500, "cut")
    ],
)
def test_a_passing_fault_is_waited_out(built: Path, hub: Any, fault: Any, where: str, what: int | str) -> None:
    hub.faults.append(fault(where, what, times=2))
    done = publish(built, REPO)
    assert hub.faults[0].times == 0
    assert hub.tags == {"v1.0.0": done.commit}


_REFUSALS = {401: "log in", 403: "write access", 409: "in the meantime"}


@pytest.mark.parametrize(
    ("where", "status"),
    [
        pytest.param(where, status, marks=() if where == "/commit/" else pytest.mark.slow)
        for where in ("/repos/create", "preupload", "/commit/", "/tag/")
        for status in _REFUSALS
        if (where, status) != ("/repos/create", 409)  # there it means that the repository exists, which is fine
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(built: Path, hub: Any, fault: Any, where: str, status: int) -> None:
    hub.faults.append(fault(where, status, times=99))
    with pytest.raises(HubError, match=_REFUSALS[status]) as refused:
        publish(built, REPO)
    assert "\n" not in str(refused.value)
    assert hub.tags == {}


def test_an_upload_cut_for_good_resumes_where_it_stopped(built: Path, hub: Any, fault: Any) -> None:
    hub.faults.append(fault("PUT /lfs", "cut", times=0))
    stored = {"limit": 2}

    class Cut(type(hub.faults[0])):  # type: ignore[misc]
        """Lets two objects through, then cuts every upload."""

        @property
        def times(self) -> int:
            return 1 if len(hub.store) >= stored["limit"] else 0

        @times.setter
        def times(self, _: int) -> None:
            pass

    hub.faults[0] = Cut("PUT /lfs", "cut")
    with pytest.raises(HubError, match="resumes"):
        publish(built, REPO)
    assert len(hub.store) == 2
    assert hub.tags == {}
    kept = set(hub.store)
    hub.faults.clear()
    hub.requests.clear()
    publish(built, REPO)
    sent = {request.rpartition("/")[2] for request in hub.requests if request.startswith("PUT")}
    assert sent
    assert not sent & kept


def test_a_file_that_comes_back_other_than_sent_is_never_tagged(built: Path, hub: Any) -> None:
    hub.corrupt = "c4/train-00000-of-00001.parquet"
    with pytest.raises(IntegrityError, match="differs from what was uploaded"):
        publish(built, REPO)
    assert hub.tags == {}


@pytest.mark.parametrize(
    "repo",
    [
        *("g-digits", "a/b/c", "/x", "", "a b/c", "a/b ", "../b", "a/..", "a/b..c", "-a/b", "a/-b", ".a/b", "a/b.git"),
        *("a/b\n", "a/b\x1b[2J", "a/\x00", "ä/b", "a/b\u200b", "a/b\u202e", f"a/{'b' * 97}", "a//b", "a\\b/c"),
    ],
)
def test_a_malformed_repository_is_refused(built: Path, repo: str) -> None:
    """929b5b9: of these only the first four; the others passed `--dry-run` and were sent to the server."""
    with pytest.raises(InvalidArgumentError, match="ORGANIZATION/NAME"):
        publish(built, repo)


def test_usual_names_of_repositories_are_taken(built: Path) -> None:
    for repo in (REPO, "me/My.data_set-2", "a/b"):
        assert publish(built, repo, dry_run=True).repo == repo


_ANSWERS = ["page", "refusing page", "wrong page", "nothing", "no JSON", "deep JSON", "a list", "an object", "null"]
_ANSWERS += ["a redirect loop", "no text", "404"]
_PLACES = ["/repos/create", "/refs", "preupload", "/commit/", "/tag/", "/resolve/"]


@pytest.mark.parametrize(
    ("where", "what"),
    [
        pytest.param(where, what, marks=() if where == "/refs" or what in {"page", "nothing"} else pytest.mark.slow)
        for where in _PLACES
        for what in _ANSWERS
    ],
)
def test_what_a_server_says_that_is_no_hub_is_one_line(
    built: Path, hub: Any, fault: Any, where: str, what: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """929b5b9: an answer in another form ended in a traceback of JSONDecodeError, KeyError or TypeError."""
    hub.faults.append(fault(where, what, times=999))
    monkeypatch.setattr(sys, "argv", ["gdatasets", "publish", str(built), "--repo", REPO, "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    err = capsys.readouterr().err
    if ended.value.code == 0:  # what is answered to these is not needed
        assert where in {"/tag/", "preupload", "/repos/create"}
        assert what not in {"page", "refusing page", "404", "no text"}
        return
    *bars, said = err.splitlines()  # huggingface_hub's, which the command turns off where it is imported first
    assert ended.value.code == 2
    assert said.startswith("gdatasets: Could not ")
    assert said.isprintable()
    assert len(said) < 800
    assert all("%|" in line for line in bars if line), bars
    assert not hub.tags
