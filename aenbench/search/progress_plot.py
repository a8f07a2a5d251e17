"""A picture of a search's progress."""

from collections.abc import Sequence

import numpy as np

from aenbench.reports.figures import encode_png
from aenbench.search.record import Trial


def search_progress(searches: Sequence[Sequence[Trial]], title: str) -> bytes:
    """Value, best value so far, reward and epsilon of each search against the networks it trained.

    Args:
        searches: the trials of each seed, in the order they were trained.
        title: of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    share = upper.twinx()
    for seed, trials in enumerate(searches):
        networks = np.arange(1, len(trials) + 1)
        values = 100 * np.array([trial.value for trial in trials])
        color = f"C{seed % 10}"
        upper.plot(networks, values, ".", color=color, alpha=0.35, markersize=4)
        upper.plot(networks, np.maximum.accumulate(values), color=color, label=f"best so far, seed {seed}")
        rewarded = [(n, t.reward) for n, t in zip(networks, trials, strict=True) if t.reward is not None]
        if rewarded:
            lower.plot(
                *zip(*rewarded, strict=True), ".-", color=color, linewidth=0.6, markersize=3, label=f"seed {seed}"
            )
        epsilons = [np.nan if trial.epsilon is None else trial.epsilon for trial in trials]
        share.plot(networks, epsilons, ":", color=color, linewidth=1.2)
    upper.set_title(f"Search on {title}")
    upper.set_ylabel("validation accuracy, %")
    upper.legend(loc="lower right", fontsize="small")
    share.set_ylabel("epsilon (dotted)")
    share.set_ylim(0, 1.05)
    lower.axhline(0, color="0.7", linewidth=0.8)
    lower.set_ylabel("reward of the network")
    lower.set_xlabel("distinct networks trained")
    return encode_png(figure)
