"""Several files, or a whole folder, replaced together: after a crash the next call completes or undoes it.

<base>/.<name>.journal/
├── .lock           held while somebody writes
├── new/            what is to be put in place
├── commit.json     from here on the replacement is completed, before it is undone; written last, whole
└── old/            folders that were replaced, until all is in place
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from gdatasets.errors import BusyError, IntegrityError, OutputError
from gdatasets.files import locked, make_folder, output_error, write_whole

_SUFFIX, _COMMIT, _NEW, _OLD = ".journal", "commit.json", "new", "old"


def replace_files(base: Path, name: str, contents: Mapping[str, bytes]) -> None:
    """Write files below a folder, all or none, replacing those that are there.

    Args:
        base: the folder.
        name: of the replacement, which tells its journal from others in the folder.
        contents: what to write, by relative path with `/`.

    Raises:
        OutputError: they could not be written, and none was; or somebody else is writing them.
    """
    for path in contents:
        if (base / path).is_dir() and not (base / path).is_symlink():
            raise OutputError(f"{base / path} is a folder, but a file has to be written there; move it away.")
    with _journal(base, name) as journal:
        for path, content in contents.items():
            make_folder((journal / _NEW / path).parent)
            write_whole(journal / _NEW / path, content)
        _commit(journal, list(contents))
        _put_in_place(base, journal)


def replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder that holds these files and nothing else, replacing one that is there.

    Raises:
        OutputError: it could not be written, and the older one is as it was; or somebody else is writing it.
    """
    with _journal(folder.parent, folder.name) as journal:
        whole = journal / _NEW / folder.name
        make_folder(whole)
        for name, content in contents.items():
            write_whole(whole / name, content)
        _commit(journal, [folder.name])
        _put_in_place(folder.parent, journal)


def recover(base: Path) -> None:
    """Complete or undo what a process that was killed left in a folder; what is being written now is left alone.

    Raises:
        OutputError: it cannot be completed, because the folder cannot be written to.
        IntegrityError: a journal names files outside the folder.
    """
    try:
        journals = sorted(path for path in base.iterdir() if is_journal(path.name) and not path.is_symlink())
    except OSError:
        return  # whoever reads the folder says why it cannot be read
    for journal in journals:
        with suppress(BusyError), _journal(base, journal.name.removeprefix(".").removesuffix(_SUFFIX)):
            pass


def is_journal(name: str) -> bool:
    """Whether a folder of this name holds a replacement that is being made."""
    return name.startswith(".") and name.endswith(_SUFFIX)


@contextmanager
def _journal(base: Path, name: str) -> Iterator[Path]:
    """A journal that is this process's alone and empty, once what was found in it is completed or undone."""
    journal = base / f".{name}{_SUFFIX}"
    with locked(journal):
        try:
            _complete(base, journal)
            yield journal
        except OSError as error:
            raise output_error(base, error) from error
        finally:
            if not (journal / _COMMIT).exists():
                shutil.rmtree(journal, ignore_errors=True)


def _commit(journal: Path, paths: list[str]) -> None:
    write_whole(journal / _COMMIT, json.dumps(paths).encode())


def _put_in_place(base: Path, journal: Path) -> None:
    """Complete a replacement that was just committed; where the disk refuses, undo it."""
    try:
        _complete(base, journal)
    except OSError:
        _undo(base, journal)
        raise


def _complete(base: Path, journal: Path) -> None:
    """Put a committed replacement in place; what was not committed goes away."""
    if (journal / _COMMIT).is_file():
        make_folder(journal / _OLD)
        for number, path in enumerate(_committed(journal)):
            staged, target, old = journal / _NEW / path, base / path, journal / _OLD / str(number)
            if not staged.exists():
                continue  # in place already
            make_folder(target.parent)
            if target.is_dir():
                target.rename(old)
            elif target.exists():
                shutil.copyfile(target, old)
            staged.replace(target)
        (journal / _COMMIT).unlink()
    for part in (_NEW, _OLD):
        shutil.rmtree(journal / part, ignore_errors=True)


def _undo(base: Path, journal: Path) -> None:
    """What was there before, as far as the disk allows; otherwise the next call completes the replacement."""
    with suppress(OSError):
        for number, path in enumerate(_committed(journal)):
            staged, target, old = journal / _NEW / path, base / path, journal / _OLD / str(number)
            if not staged.exists():
                target.rename(staged)
            if old.exists():
                old.replace(target)
        (journal / _COMMIT).unlink()


def _committed(journal: Path) -> list[str]:
    paths = json.loads((journal / _COMMIT).read_bytes())
    if not isinstance(paths, list) or not all(isinstance(path, str) and _is_inside(path) for path in paths):
        raise IntegrityError(f"{journal} is not a journal of this program; inspect and remove it.")
    return paths


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts and "\\" not in path
