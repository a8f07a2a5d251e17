"""Which revision of the code is running, with what, and on what."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from gdatasets import __version__

_SECONDS = 10


def code_revision(folder: Path | None = None) -> str:
    """The git commit of the code in a folder, `<40 hex digits>` or, where tracked files differ from it, `...+changes`.

    Args:
        folder: of the code; None for this package's own.

    Returns:
        The commit of the checkout that the folder is tracked in. Else, for this package, the commit that pip installed
        it from (PEP 610). An empty text where neither is known.
    """
    where = folder or Path(__file__).resolve().parent
    return _checked_out(where) or ("" if folder else _installed())


def hardware() -> str:
    """Such as `x86_64, 8 cores`."""
    return f"{platform.machine()}, {os.cpu_count()} cores"


def software(own_revision: bool = False) -> dict[str, str]:
    """Versions by name, of what the outcome of a training may depend on.

    Args:
        own_revision: add this package's `code_revision`, where it is known.
    """
    versions = {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "pillow", "torch")}}
    revision = code_revision() if own_revision else ""
    return {**versions, "aenbench": __version__, **({"aenbench revision": revision} if revision else {})}


def _checked_out(folder: Path) -> str:
    tracked = _git(folder, "ls-files", "--", ".")
    commit = _git(folder, "rev-parse", "HEAD") if tracked else ""
    if not commit:
        return ""
    return f"{commit}+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ":/") else commit


def _git(folder: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(
            [git, "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _installed() -> str:
    try:
        origin = json.loads(distribution("aenbench").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return ""
    return str(origin.get("vcs_info", {}).get("commit_id", ""))
