"""What `discover` found: effects, p-values and verdicts by candidate, and the group of the symmetries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aenbench.discovery.angles import summarize
from aenbench.discovery.answers import Method
from aenbench.discovery.candidates import Moves
from aenbench.discovery.exchanges import Exchange
from aenbench.discovery.kernel import Measured
from aenbench.discovery.usage import Sharing, count_sharing, few_generators, state_of
from aenbench.discovery.verdicts import VERDICTS, Verdict, holm
from gdatasets.groups.group import Group

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from aenbench.discovery.classification import Classification


@dataclass(frozen=True, eq=False, repr=False)
class Discovery:
    """Which moves keep the law of the images within each class.

    Attributes:
        measured: effect, interval and raw p-value of each candidate.
        control: the same for a random permutation of the pixels, which leaves nothing of an image. If even its effect
            is as small as the margin, the statistic cannot see asymmetry in these images. Its `share` is the power of
            the test: the smallest share of images that is noticed when it breaks a symmetry. If only the classifier
            was asked, this is the classifier's own control.
        verdicts: `symmetry`, `approximate`, `broken` or `cannot tell`, by candidate.
        moves: the candidates.
        images: how many were looked at.
        level: significance level of all tests together, and of the intervals.
        margin: the largest effect that counts as small.
        notices: what was left out or assumed, one line each.
        seconds: processor time.
        methods: which method gave each candidate its verdict, `kernel` or `classifier`. Effects of both are between 0
            and 1, on different scales.
        classification: what the classifier said, if it was asked.
        asked_exchanges: exchanges of classes that were tested, by the name of the move, with their verdicts.
    """

    measured: Mapping[str, Measured]
    control: Measured
    verdicts: Mapping[str, Verdict]
    moves: Moves
    images: int
    level: float
    margin: float
    notices: tuple[str, ...]
    seconds: float
    methods: Mapping[str, Method]
    classification: "Classification | None" = None
    asked_exchanges: Mapping[str, Exchange] = field(default_factory=dict)

    @property
    def exchanges(self) -> dict[str, Exchange]:
        """Moves that are symmetries, or nearly, up to exchanging classes, by name."""
        return {name: each for name, each in self.asked_exchanges.items() if each.is_found}

    def __repr__(self) -> str:
        """Such as `<Discovery: 12 moves, 4,000 images; symmetry: rotation; broken: hflip, vflip>`."""
        told = (f"{verdict}: {', '.join(names)}" for verdict in VERDICTS if (names := self.named(verdict)))
        return f"<Discovery: {'; '.join([f'{len(self.verdicts):,} moves, {self.images:,} images', *told])}>"

    @property
    def effects(self) -> dict[str, float]:
        """0 = moved images have the law of images, 1 = they are like none; by candidate."""
        return {name: each.effect for name, each in self.measured.items()}

    @property
    def p_values(self) -> dict[str, float]:
        """Of the hypothesis that a candidate is a symmetry, adjusted for the number of candidates (Holm)."""
        return holm({name: each.p_value for name, each in self.measured.items()})

    def named(self, *verdicts: Verdict) -> tuple[str, ...]:
        """The candidates with one of these verdicts."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict in verdicts)

    @cached_property
    def group(self) -> Group:
        """The group that the symmetries generate; approximate ones are not in it unless they are products of others."""
        return self.moves.group_of(self.named("symmetry"))

    @property
    def state(self) -> str | None:
        """The twelve bits of the actions in the group, in the order of `ACTIONS`; None where they are not square."""
        return state_of(self.group)

    @cached_property
    def generators(self) -> tuple[str, ...]:
        """Symmetries that generate the group, without those that earlier ones generate."""
        permutations = self.moves.permutations
        return few_generators({name: permutations[name] for name in self.named("symmetry") if name in permutations})

    @property
    def profile(self) -> str | None:
        """One line on the angles that keep the law; None where no angles were asked about."""
        return summarize(self.moves.angles, self.verdicts) if self.moves.angles else None

    @cached_property
    def sharing(self) -> Sharing | None:
        """Free weights of a layer that shares them by the group; None for images too large to count its pairs."""
        return count_sharing(self.group)

    @cached_property
    def contradictions(self) -> tuple[str, ...]:
        """Candidates that were told apart, though symmetries generate them: one of these verdicts is wrong."""
        told = [name for name in self.named("broken", "approximate") if name in self.moves.permutations]
        return tuple(name for name in told if self.moves.permutations[name] in self.group)

    def to_frame(self) -> "pd.DataFrame":
        """One row a candidate: effect, low, high, p_value (raw), p_adjusted, verdict, method."""
        import pandas as pd

        adjusted = self.p_values
        rows = {
            name: {
                "effect": each.effect,
                "low": each.low,
                "high": each.high,
                "p_value": each.p_value,
                "p_adjusted": adjusted[name],
                "verdict": self.verdicts[name],
                "method": self.methods[name],
            }
            for name, each in self.measured.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def plot(self) -> "Figure":
        """A picture of the effects with their intervals, the margin and the control; of angles a polar one."""
        from aenbench.discovery.pictures import draw_effects, draw_profile

        if self.moves.angles:
            return draw_profile(self.moves.angles, self.measured, self.control, self.margin)
        shown = {self._told_by(name): each for name, each in self.measured.items()}
        return draw_effects(shown, self.verdicts, self.control, self.margin, self.control_name)

    def plot_confusion(self) -> "Figure | None":
        """A picture of what the classifier predicts of each move, coset by coset; None where it was not asked."""
        from aenbench.discovery.classifier_pictures import draw_confusion

        return None if self.classification is None else draw_confusion(self.classification.confusion)

    def plot_pairs(self) -> "Figure | None":
        """A picture of images and moved images that the classifier tells apart best; None where it told none apart."""
        from aenbench.discovery.classifier_pictures import draw_pairs

        if self.classification is None:
            return None
        told = [name for name in self.named("broken", "approximate") if self.methods[name] == "classifier"]
        return draw_pairs({name: self.classification.pairs[name] for name in told}) if told else None

    @property
    def control_name(self) -> str:
        """What the control does to the pixels."""
        found = self.classification
        return found.control_name if found is not None and self.control is found.control else "shuffled pixels"

    def _told_by(self, name: str) -> str:
        """A candidate's name in a picture, with the method where there are two."""
        return f"{name} ({self.methods[name]})" if len(set(self.methods.values())) > 1 else name

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        adjusted, sharing = self.p_values, self.sharing
        return {
            "images": self.images,
            "level": self.level,
            "margin": self.margin,
            "control": {"effect": self.control.effect, "smallest_share_seen": self.control.share},
            "seconds": round(self.seconds, 3),
            "candidates": {
                name: {
                    "effect": each.effect,
                    "interval": [each.low, each.high],
                    "p_value": each.p_value,
                    "p_adjusted": adjusted[name],
                    "verdict": self.verdicts[name],
                    "method": self.methods[name],
                }
                for name, each in self.measured.items()
            },
            "group": {
                "symmetries": list(self.named("symmetry")),
                "generators": list(self.generators),
                "order": self.group.order,
                "closure": list(self.group.closure),
                "state": self.state,
                "sharing": None if sharing is None else {"free": sharing.free, "weights": sharing.weights},
            },
            "profile": self.profile,
            "exchanges": {name: each.to_json() for name, each in self.exchanges.items()},
            "asked_exchanges": {name: each.to_json() for name, each in self.asked_exchanges.items()},
            "contradictions": list(self.contradictions),
            "classifier": None if self.classification is None else self.classification.to_json(),
            "notices": list(self.notices),
        }
