"""Entries with fewer errors than the labels, or anything published, let one expect.

Both flags ask for a review and refuse nothing. Errors are counted for each seed, and compared with a share of the n
test images by the binomial distribution: a seed is asked about when so few errors, or fewer, would come of that share
once in a thousand times. So a test set of 360 images raises neither flag: it is too small to tell.

- `below-label-noise`: fewer errors than test labels are wrong (`aenbench.tasks.references`). Who learned what the
  images show errs on those labels; who knows the labels does not. Some of them are debatable, and models agree with
  some by chance: MNIST's best published result has 9 errors, where people found 15 wrong labels, and is not flagged.
- `above-published`: fewer than half the errors of the best published result, for datasets that have one. A new record
  is honest progress; one by a factor of two is asked about.
"""

from collections.abc import Iterator

from aenbench.leaderboard.flags import Flag, FlagCode, entry_key, listed
from aenbench.leaderboard.ground_truth import Answers
from aenbench.leaderboard.rescoring import Checked
from aenbench.tasks.references import Published, reference_of

STEP = 0.5
"""Of the best published error: what an honest step may leave of it."""

RARE = 1e-3
"""The probability below which a seed is asked about."""


def find_too_few_errors(checked: Checked, answers: Answers) -> Iterator[Flag]:
    """The flags of one entry; see the module."""
    reference = reference_of(checked.entry.dataset)
    noise, best = reference.wrong_labels, reference.best_error
    yield from _fewer_than(checked, answers, "below-label-noise", noise, 1, "of the labels are known to be wrong")
    if best is not None:
        yield from _fewer_than(checked, answers, "above-published", best, STEP, "is the best published error")


def _fewer_than(
    checked: Checked, answers: Answers, code: FlagCode, known: Published, part: float, what: str
) -> Iterator[Flag]:
    """A flag for seeds with too few errors for a part of a published share to come of chance."""
    from scipy.stats import binom

    images = len(answers.labels)
    errors = (checked.predictions != answers.labels).sum(axis=1)
    few = binom.cdf(errors, images, part * known.share) < RARE
    if few.any():
        seeds = [seed.seed for seed, is_few in zip(checked.entry.seeds, few, strict=True) if is_few]
        message = (
            f"seed {listed(seeds)} gets {int(errors[few].min()):,} of {images:,} images wrong; "
            f"{known.share:.2%} {what} ({known.source})"
        )
        yield Flag(entry_key(checked.entry), code, message)
