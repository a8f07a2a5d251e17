from pathlib import Path

import pytest

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted import files


@pytest.fixture(params=[True, False], ids=["by descriptor", "by path, as on Windows"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param and not files._HAS_DESCRIPTORS:
        pytest.skip("this system opens no folders")
    monkeypatch.setattr(files, "_HAS_DESCRIPTORS", request.param)
    (tmp_path / "plain").write_bytes(b"abc")
    (tmp_path / "folder").mkdir()
    return tmp_path


def read(folder: Path, name: str, limit: int = 10) -> bytes:
    with files.open_folder(folder) as place, files.open_plain(name, limit, name, files.NO_FOLLOW, place) as stream:
        return files.read_bounded(stream, limit, name)


def test_a_plain_file_is_read(folder: Path) -> None:
    assert read(folder, "plain") == b"abc"


def test_links_folders_and_large_files_are_refused(folder: Path) -> None:
    try:
        (folder / "link").symlink_to("plain")
        (folder / "linked").symlink_to("folder")
    except OSError:
        pytest.skip("this user may make no symbolic links")
    for name, problem in {
        "link": "is a symbolic link",
        "folder": "is not a plain file|cannot be read",
        "missing": "cannot be read",
    }.items():
        with pytest.raises(EntryError, match=problem):
            read(folder, name)
    with pytest.raises(EntryError, match="is larger than 2 bytes"):
        read(folder, "plain", 2)
    with pytest.raises(EntryError, match="is a symbolic link"):
        read(folder / "linked", "plain")
    with pytest.raises(EntryError, match="cannot be read"):
        read(folder / "nowhere", "plain")
