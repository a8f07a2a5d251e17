"""The Hugging Face Hub, as far as datasets and models need it: is it there, which tags, one file, one snapshot.

`HF_ENDPOINT` names another server, `HF_HUB_OFFLINE` or `HF_DATASETS_OFFLINE` forbid asking, as everywhere in the
Hugging Face libraries.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from gdatasets.errors import HubError
from gdatasets.folder.manifest import NAME, Manifest, parse_manifest
from gdatasets.network import any_reachable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_ATTEMPTS = 4
_WAIT_S = 2.0
_WAIT_MAX_S = 60.0
_YES = {"1", "true", "yes", "on"}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Hub:
    """A Hub and a repository on it.

    Attributes:
        repo: such as `aen/g-mnist`.
        endpoint: the server; by default `$HF_ENDPOINT` or huggingface.co.
        kind: of the repository.
    """

    repo: str
    endpoint: str = ""
    kind: Literal["dataset", "model"] = "dataset"

    @property
    def url(self) -> str:
        return (self.endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")

    @property
    def api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.url)

    def is_reachable(self) -> bool:
        """Whether the Hub answers within seconds and may be asked."""
        forbidden = any(os.environ.get(name, "").lower() in _YES for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))
        return not forbidden and any_reachable((self.url,))

    def tags(self) -> dict[str, str] | None:
        """The commit of every tag; None where the repository does not exist (or is hidden from us)."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            refs = patiently(
                "list the tags of " + self.repo, lambda: self.api.list_repo_refs(self.repo, repo_type=self.kind)
            )
        except RepositoryNotFoundError:
            return None
        return {tag.name: tag.target_commit for tag in refs.tags}

    def manifest(self, revision: str) -> Manifest:
        """The manifest at a revision; raises `HubError` or `IntegrityError`."""
        path = self.download(NAME, revision)
        return parse_manifest(path.read_bytes(), f"{self.repo}@{revision}/{NAME}")

    def download(self, path: str, revision: str, into: Path | None = None) -> Path:
        """One file, into the Hugging Face cache or a folder."""
        return Path(
            patiently(
                f"download {path} of {self.repo}",
                lambda: self.api.hf_hub_download(
                    self.repo, path, repo_type=self.kind, revision=revision, local_dir=into
                ),
            )
        )

    def size(self, path: str, revision: str) -> int | None:
        """Bytes of a file, as the Hub states them; None where it has no such file."""
        found = patiently(
            f"look for {path} in {self.repo}",
            lambda: self.api.get_paths_info(self.repo, [path], revision=revision, repo_type=self.kind),
        )
        return next((file.size for file in found if file.path == path and hasattr(file, "size")), None)

    def snapshot(self, revision: str, patterns: list[str]) -> Path:
        """The files that match, in the Hugging Face cache."""
        return Path(
            patiently(
                f"download {self.repo}",
                lambda: self.api.snapshot_download(
                    self.repo, repo_type=self.kind, revision=revision, allow_patterns=patterns
                ),
            )
        )


def patiently(what: str, call: Callable[[], Result]) -> Result:
    """Call; again after a pause where the server was busy, failed or was cut off.

    Args:
        what: the verb and its object, for the error.
        call: may be repeated without harm.

    Raises:
        HubError: the server refused, or failed every time.
        RepositoryNotFoundError: as it came, since callers differ in what it means.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    for attempt in range(_ATTEMPTS):
        try:
            return call()
        except RepositoryNotFoundError:
            raise
        except Exception as error:
            status = _status(error)
            if status is None and isinstance(error, _NOT_UNDERSTOOD):
                raise HubError(_misunderstood(what, error)) from error
            if status is None and not _is_network_error(error):
                raise
            passing = status is None or status == 429 or status >= 500
            if not passing or attempt == _ATTEMPTS - 1:
                raise HubError(_explain(what, status, error)) from error
            time.sleep(_pause(error, attempt))
    raise AssertionError("unreachable")


_NOT_UNDERSTOOD = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What huggingface_hub raises of an answer in another form than the Hub's: it reads them without a check."""


def _misunderstood(what: str, error: Exception) -> str:
    said = next(iter(str(error).splitlines()), "")[:200]
    return (
        f"Could not {what}: the answer is not one of the Hub's ({type(error).__name__}: {said}); see that HF_ENDPOINT "
        "and the network lead to the Hub, then run the same command again."
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what caused it; uploads wrap theirs in a RuntimeError."""
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    return chain


def _response(error: BaseException) -> object | None:
    return next(
        (response for cause in _causes(error) if (response := getattr(cause, "response", None)) is not None), None
    )


def _status(error: BaseException) -> int | None:
    status = getattr(_response(error), "status_code", None)
    return status if isinstance(status, int) else None


def _is_network_error(error: BaseException) -> bool:
    return any(
        isinstance(cause, ConnectionError | TimeoutError)
        or type(cause).__module__.partition(".")[0].startswith(("httpx", "httpcore", "requests", "urllib3"))
        or type(cause).__name__ == "LocalEntryNotFoundError"
        for cause in _causes(error)
    )


def _pause(error: BaseException, attempt: int) -> float:
    headers = getattr(_response(error), "headers", {})
    asked = str(headers.get("Retry-After", ""))
    return min(float(asked) if asked.isdigit() else _WAIT_S * 2**attempt, _WAIT_MAX_S)


def _explain(what: str, status: int | None, error: BaseException) -> str:
    advice = {
        401: "log in with `hf auth login`, or set HF_TOKEN",
        403: "your token may not write there; use one with write access to the repository",
        404: "check the name of the repository",
        409: "somebody changed the repository in the meantime; run the same command again",
        429: f"the Hub is still busy after {_ATTEMPTS} attempts; run the same command again later",
    }
    if status is None:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f"Could not {what}: the connection failed ({first}); run the same command again: it resumes."
    hint = advice.get(status, f"the Hub failed {_ATTEMPTS} times; run the same command again: it resumes")
    return f"Could not {what}: the Hub answered {status}; {hint}."
