"""Dataset folders as somebody would leave them who means harm: changed, and with a manifest that agrees."""

from collections.abc import Callable
from pathlib import Path

from gdatasets.files import file_sha256
from gdatasets.folder.card import card_header
from gdatasets.folder.manifest import ConfigRecord, FileRecord, Manifest, SplitRecord, read_manifest, write_manifest


def reseal(folder: Path, change: Callable[[Manifest], Manifest] = lambda manifest: manifest) -> Manifest:
    """Rewrite a manifest, after a change of it, with the size and SHA-256 of every file as it is now."""
    manifest = change(read_manifest(folder))
    configs = {
        name: config.model_copy(
            update={
                "splits": {
                    split: record.model_copy(update={"shards": [_now(folder, shard) for shard in record.shards]})
                    for split, record in config.splits.items()
                }
            }
        )
        for name, config in manifest.configurations.items()
    }
    files = [_now(folder, file) for file in manifest.files if (folder / file.path).exists()]
    return write_manifest(folder, manifest.model_copy(update={"configurations": configs, "files": files}))


def reseal_with_card(folder: Path, change: Callable[[Manifest], Manifest] = lambda manifest: manifest) -> Manifest:
    """The same, and the YAML of the card agrees too."""
    card = folder / "README.md"
    manifest = reseal(folder, change)
    text = card.read_text(encoding="utf-8").split("\n---\n", 1)[1]
    card.write_text(f"---\n{card_header(manifest)}---\n{text}", encoding="utf-8")
    return reseal(folder)


def change_split(
    config: str, split: str, change: Callable[[SplitRecord], SplitRecord]
) -> Callable[[Manifest], Manifest]:
    """A change of a manifest that is one of a split."""

    def in_config(record: ConfigRecord) -> ConfigRecord:
        return record.model_copy(update={"splits": {**record.splits, split: change(record.splits[split])}})

    def in_manifest(manifest: Manifest) -> Manifest:
        configs = {**manifest.configurations, config: in_config(manifest.configurations[config])}
        return manifest.model_copy(update={"configurations": configs})

    return in_manifest


def _now(folder: Path, file: FileRecord) -> FileRecord:
    path = folder / file.path
    return file.model_copy(update={"bytes": path.stat().st_size, "sha256": file_sha256(path)})
