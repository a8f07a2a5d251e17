"""Publishing a dataset folder on the Hugging Face Hub, under a tag that never changes.

1. The folder is verified, files and contents; nothing else is ever uploaded.
2. A tag of this version is there already: the same content means that all is done, other content is refused.
3. Every file is sent to the Hub's content-addressed store. What a former, interrupted run sent is not sent again.
4. One commit makes the files visible together, and removes those that the manifest does not list.
5. Every file is read back at that commit and its SHA-256 compared; only then is the tag set.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gdatasets.errors import HubError, IntegrityError, InvalidArgumentError
from gdatasets.files import matches
from gdatasets.folder.manifest import NAME, Manifest, read_manifest
from gdatasets.folder.verify import verify_folder
from gdatasets.hub.client import Hub, patiently

Progress = Callable[[str, int, int], None]
_KEPT = {".gitattributes"}


@dataclass(frozen=True)
class Publication:
    """What was, or would be, published.

    Attributes:
        repo: the dataset repository.
        tag: such as `v1.0.0`.
        files: paths, the manifest last.
        bytes: of all files together.
        commit: where the tag points; empty for a dry run.
        already: the tag was there, with this content.
    """

    repo: str
    tag: str
    files: tuple[str, ...]
    bytes: int
    commit: str = ""
    already: bool = False


def publish(
    folder: str | os.PathLike[str],
    repo: str,
    dry_run: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Publication:
    """Upload a finished build, read it back and tag it with its version; safe to run again after any failure.

    Args:
        folder: a finished build.
        repo: `organization/name`; made where it does not exist.
        dry_run: verify and report, ask nobody.
        progress: told of every file.

    Raises:
        IntegrityError: the folder does not verify, the tag holds other content, or what came back differs.
        HubError: the Hub refused or failed.
        InvalidArgumentError: the repository's name is malformed.
    """
    _check_name(repo)
    place = Path(folder)
    report = verify_folder(place, progress=progress)
    if not report.verified:
        raise IntegrityError(f"{place} failed verification ({report.findings[0]}); nothing was uploaded.")
    manifest = read_manifest(place)
    paths = (*(file.path for file in manifest.all_files()), NAME)
    size = sum((place / path).stat().st_size for path in paths)
    planned = Publication(repo, f"v{manifest.version}", paths, size)
    if dry_run:
        return planned
    hub = Hub(repo)
    patiently(f"create {repo}", lambda: hub.api.create_repo(repo, repo_type="dataset", exist_ok=True))
    tagged = (hub.tags() or {}).get(planned.tag)
    if tagged is not None:
        _refuse_other_content(hub.manifest(tagged), manifest, planned)
        return Publication(repo, planned.tag, paths, size, tagged, already=True)
    commit = _upload(hub, place, manifest, planned, progress)
    _read_back(hub, place, manifest, commit, progress)
    patiently(f"tag {repo}", lambda: hub.api.create_tag(repo, tag=planned.tag, revision=commit, repo_type="dataset"))
    return Publication(repo, planned.tag, paths, size, commit)


def _check_name(repo: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise InvalidArgumentError(
            f'Expected --repo ORGANIZATION/NAME of letters, digits, "-", "_" and ".", got "{repo:.200}".'
        ) from error
    if "/" not in repo:
        raise InvalidArgumentError(f'Expected --repo ORGANIZATION/NAME, got "{repo}".')


def _digests(manifest: Manifest) -> dict[str, dict[str, str]]:
    return {
        name: {split: record.content_sha256 for split, record in config.splits.items()}
        for name, config in manifest.configurations.items()
    }


def _refuse_other_content(theirs: Manifest, ours: Manifest, planned: Publication) -> None:
    if theirs.dataset != ours.dataset or _digests(theirs) != _digests(ours):
        raise IntegrityError(
            f"{planned.repo} has the tag {planned.tag} with other content; a published tag never changes. Give the "
            "dataset a new version: MAJOR where samples changed, MINOR where configurations were added."
        )


def _upload(hub: Hub, folder: Path, manifest: Manifest, planned: Publication, progress: Progress) -> str:
    """Send the files, make one commit of them; returns it."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    additions = [CommitOperationAdd(path, folder / path) for path in planned.files]
    for number, addition in enumerate(additions, 1):
        patiently(
            f"upload {addition.path_in_repo}",
            partial(hub.api.preupload_lfs_files, hub.repo, [addition], repo_type="dataset"),
        )
        progress("upload", number, len(additions))
    there = patiently(f"list {hub.repo}", lambda: hub.api.list_repo_files(hub.repo, repo_type="dataset"))
    stale = sorted(set(there) - set(planned.files) - _KEPT)
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *additions,
        *(CommitOperationDelete(path, is_folder=False) for path in stale),
    ]
    made = patiently(
        f"commit to {hub.repo}",
        lambda: hub.api.create_commit(
            hub.repo,
            operations,
            repo_type="dataset",
            commit_message=f"{manifest.title} {manifest.version}",
        ),
    )
    if not made.oid:
        raise HubError(f"Could not commit to {hub.repo}: the Hub named no commit; run the same command again.")
    return str(made.oid)


def _read_back(hub: Hub, folder: Path, manifest: Manifest, commit: str, progress: Progress) -> None:
    """Download every file at the commit and compare it with what was sent."""
    records = manifest.all_files()
    with tempfile.TemporaryDirectory(prefix="gdatasets-") as scratch:
        for number, file in enumerate(records, 1):
            copy = hub.download(file.path, commit, Path(scratch))
            if not matches(copy, file.bytes, file.sha256):
                raise IntegrityError(
                    f"{file.path} on {hub.repo} differs from what was uploaded; no tag was set. Run it again."
                )
            copy.unlink()
            progress("read back", number, len(records))
        copy = hub.download(NAME, commit, Path(scratch))
        if copy.read_bytes() != (folder / NAME).read_bytes():
            raise IntegrityError(f"{NAME} on {hub.repo} differs from what was uploaded; no tag was set.")
