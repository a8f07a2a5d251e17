from pathlib import Path

import numpy as np
import pytest

from gdatasets.errors import InvalidArgumentError
from gdatasets.folder.build import build_dataset
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.moves import draw_elements, draw_elements_at
from gdatasets.generation.specs import CONFIGURATIONS, DATASETS, pinned_digest
from gdatasets.generation.transform import Transform, batch_arrays
from gdatasets.sources.published import PublishedSource, load_source

AUG5 = Transform(DATASETS["g-digits"], CONFIGURATIONS["aug5"], "train")
PINNED = pinned_digest("g-digits", "aug5", "train")


def test_elements_of_shuffled_indices_are_those_of_the_split() -> None:
    indices = np.random.default_rng(0).permutation(500)
    whole = draw_elements(AUG5.spec, AUG5.config, "train", 0, 500)
    assert np.array_equal(draw_elements_at(AUG5.spec, AUG5.config, "train", indices), whole[indices])
    assert len(draw_elements_at(AUG5.spec, AUG5.config, "train", indices[:0])) == 0


def test_a_batch_of_arrays_is_moved_as_build_does() -> None:
    source = load_source("digits")
    batch = {"image": source.images, "label": source.labels, "source_index": np.arange(len(source.labels))}
    assert batch_arrays(AUG5(batch)).content_sha256 == PINNED


@pytest.mark.parametrize("numbered_by", ["indices", "source_index"])
def test_batches_of_a_source_cut_anew_are_numbered_as_the_dataset_is(numbered_by: str, data_root: Path) -> None:
    spec = DATASETS["mnist-rot"]
    source = load_source("mnist-resplit", "test", data_root)
    plan = SplitPlan(spec, spec.configuration(), PublishedSource("mnist-resplit", data_root), "test")
    expected, part = plan.generate(39_990, 40_010), slice(39_990, 40_010)  # across the gap in the numbers
    batch = {"image": source.images[part], "label": source.labels[part]}
    transform = Transform(spec, spec.configuration(), "test")
    if numbered_by == "indices":
        moved = transform(batch, range(39_990, 40_010))
    else:
        moved = transform({**batch, "source_index": expected.source_index})
    assert batch_arrays(moved).content_sha256 == expected.content_sha256


def test_an_image_of_another_split_is_refused() -> None:
    spec = DATASETS["mnist-rot"]
    batch = {"image": np.zeros((2, 28, 28), np.uint8), "source_index": [12_000, 55_000]}
    with pytest.raises(InvalidArgumentError, match="Image 55000"):
        Transform(spec, spec.configuration(), "test")(batch)


def test_a_batch_without_indices_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="source_index"):
        AUG5({"image": np.zeros((2, 28, 28), np.uint8)})


def test_images_of_several_shapes_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="one shape"):
        AUG5({"image": [np.zeros((8, 8), np.uint8), np.zeros((6, 6), np.uint8)]}, [0, 1])


def test_datasets_map_with_two_processes_gives_the_pinned_digest(tmp_path: Path) -> None:
    import datasets

    build_dataset("g-digits", ["none"], tmp_path / "none")
    plain = datasets.load_dataset(str(tmp_path / "none"), split="train", cache_dir=str(tmp_path / "cache"))
    moved = plain.map(AUG5, with_indices=True, batched=True, batch_size=100, num_proc=2)
    batches = [batch_arrays(batch) for batch in moved.iter(batch_size=200)]
    assert Arrays(*(np.concatenate(column) for column in zip(*map(_columns, batches), strict=True))).content_sha256 == (
        PINNED
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
def test_ray_data_with_two_workers_gives_the_pinned_digest() -> None:
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    source = load_source("digits")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        columns = {"image": source.images, "label": source.labels, "source_index": np.arange(len(source.labels))}
        data = ray.data.from_items(
            [{name: column[i] for name, column in columns.items()} for i in range(len(source.labels))]
        )
        pool = ray.data.TaskPoolStrategy(size=2)
        moved = data.map_batches(AUG5, batch_size=128, compute=pool).sort("source_index")
        hasher = ContentHasher((28, 28))
        for batch in moved.iter_batches(batch_size=500):
            arrays = batch_arrays(batch)
            hasher.update(arrays.images, arrays.labels, arrays.source_index, arrays.elements)
    finally:
        ray.shutdown()
    assert hasher.hexdigest() == PINNED


def _columns(arrays: Arrays) -> tuple[np.ndarray, ...]:
    return arrays.images, arrays.labels, arrays.source_index, arrays.elements
