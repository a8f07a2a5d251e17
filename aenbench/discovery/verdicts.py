"""From effects and p-values to verdicts: not to reject is not yet to be a symmetry."""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from aenbench.discovery.kernel import Measured

Verdict = Literal["symmetry", "approximate", "broken", "cannot tell"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

MARGIN = 0.02
"""Effects below it are small: two per cent of the norm, the most that "approximate" may mean.

It is the smallest margin, to one digit, that loses nothing on G-Digits: the networks of the moves below any margin from
.017 to .047 are the best of their chains in all six configurations (`python benchmarks/discovery.py margin`)."""
CLASSIFIER_MARGIN = 0.1
"""The same of the classifier, whose effect is 2 AUC - 1: an AUC of .55.

A rule, not fitted to data: 2 AUC - 1 of the best score lies between the total variation of two laws and twice of it, so
that of laws with a smaller effect at most a tenth of the mass differs.
"""


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for their number (Holm, Scand. J. Statist. 6, 1979), 0..1, by the same names."""
    names = sorted(p_values, key=lambda name: p_values[name])
    adjusted = np.maximum.accumulate([(len(names) - rank) * p_values[name] for rank, name in enumerate(names)])
    return {name: min(1.0, float(value)) for name, value in zip(names, adjusted, strict=True)}


def decide(
    measured: Mapping[str, Measured], control: Measured, level: float, margin: float = MARGIN
) -> dict[str, Verdict]:
    """The verdict on each candidate.

    `symmetry`: nothing was detected, and the effect's upper bound is below the margin. `approximate`: something was
    detected, and the upper bound is below the margin. `broken`: the lower bound is above the margin. Else `cannot
    tell`; so, too, every small effect where the control has a small one: what does not see that pixels were shuffled
    sees no symmetry either.

    Args:
        measured: effects with intervals at the level, and raw p-values.
        control: the same of a move that leaves nothing of an image.
        level: of the family of tests.
        margin: the largest effect that counts as small.
    """
    adjusted = holm({name: each.p_value for name, each in measured.items()})
    sees = control.low > margin
    return {name: _decide(each, adjusted[name] <= level, margin, sees) for name, each in measured.items()}


def _decide(measured: Measured, is_detected: bool, margin: float, sees: bool) -> Verdict:
    if measured.low > margin:
        return "broken"
    if not sees or measured.high >= margin:
        return "cannot tell"
    return "approximate" if is_detected else "symmetry"
