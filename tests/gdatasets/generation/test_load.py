"""Splits as arrays."""

import numpy as np

from gdatasets import DATASETS, load_arrays
from gdatasets.generation.load import generate_arrays


def test_the_validation_split_is_the_end_of_train() -> None:
    train, part = load_arrays("g-digits", "aug2"), load_arrays("g-digits", "aug2", "validation")
    assert len(part) == DATASETS["g-digits"].validation_samples == 300
    for name in ("images", "labels", "source_index", "elements"):
        assert np.array_equal(getattr(part, name), getattr(train, name)[-300:])
    assert not np.array_equal(part.labels, train.labels[:300])
    some = generate_arrays("g-digits", "aug2", "validation", start=10, stop=20)
    assert np.array_equal(some.images, part.images[10:20])
    assert len(generate_arrays("g-digits", "aug2", "validation", start=290)) == 10
    assert len(generate_arrays("g-digits", "aug2", "validation", start=300)) == 0
