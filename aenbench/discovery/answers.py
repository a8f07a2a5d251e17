"""Who answers: the kernel, the classifier, or the kernel first and the classifier about what it cannot tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from aenbench.discovery.angles import measure_angles
from aenbench.discovery.candidates import Moves, shuffle
from aenbench.discovery.embedding import Embed, measure_embedded
from aenbench.discovery.exchanges import Exchange, find_exchanges
from aenbench.discovery.kernel import Measured, Permutation, measure
from aenbench.discovery.sample import Sample
from aenbench.discovery.usage import MAX_PAIRS
from aenbench.discovery.verdicts import Verdict, decide
from aenbench.errors import InvalidArgumentError
from aenbench.execution.device import CPU, Device
from aenbench.nn.sharing import parameter_sharing

if TYPE_CHECKING:
    from aenbench.discovery.classification import Classification

Method = Literal["auto", "kernel", "classifier"]
METHODS: tuple[Method, ...] = get_args(Method)
_CONTROL = "the control"


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked.

    Attributes:
        sample: images with labels and clusters.
        moves: the candidates.
        level: of the tests, all together, and of the intervals.
        margins: of the kernel and of the classifier.
        seed: of all random draws.
        report: of a training: what, steps done, of how many, a note.
        embed: gives features that the kernel compares instead of pixels.
        device: where a classifier is trained.
    """

    sample: Sample
    moves: Moves
    level: float
    margins: tuple[float, float]
    seed: int
    report: Callable[[str, int, int, str], None] | None = None
    embed: Embed | None = None
    device: Device = CPU


@dataclass(frozen=True, eq=False)
class Answer:
    """What is said of each candidate.

    Attributes:
        measured: effect, interval and raw p-value of each candidate.
        verdicts: by candidate.
        control: of the method that was asked first.
        notices: one line each.
        methods: who gave each candidate its verdict.
        classification: what the classifier said, where it was asked.
        asked_exchanges: exchanges of classes that were tested, by the name of the move.
    """

    measured: Mapping[str, Measured]
    verdicts: Mapping[str, Verdict]
    control: Measured
    notices: tuple[str, ...]
    methods: Mapping[str, Method]
    classification: "Classification | None" = None
    asked_exchanges: Mapping[str, Exchange] = field(default_factory=dict)


def answer(question: Question, method: Method) -> Answer:
    """Ask by one of the `METHODS`."""
    if question.embed is not None:
        return _ask_features(question, question.embed, method)
    if question.moves.angles:
        return _ask_angles(question, method)
    return {"kernel": _ask_kernel, "classifier": _ask_classifier, "auto": _ask_both}[method](question)


def _ask_kernel(question: Question) -> Answer:
    sample, margin = question.sample, question.margins[0]
    generator = np.random.default_rng(question.seed)
    control = shuffle(sample.shape, generator)
    asked = Moves(sample.shape, {**question.moves.permutations, _CONTROL: control}).on_pixels(sample.channels)
    found = measure(
        sample.pixels,
        sample.labels,
        asked,
        clusters=sample.clusters,
        level=question.level,
        seed=int(generator.integers(1 << 31)),
    )
    shuffled = found.pop(_CONTROL)
    notices = () if shuffled.low > margin else (_why_blind(shuffled, control, question, found),)
    verdicts = decide(found, shuffled, question.level, margin)
    exchanges = _exchanges(question, verdicts, shuffled, int(generator.integers(1 << 31)))
    methods: dict[str, Method] = dict.fromkeys(found, "kernel")
    return Answer(found, verdicts, shuffled, notices, methods, None, exchanges)


def _exchanges(
    question: Question, verdicts: Mapping[str, Verdict], control: Measured, seed: int
) -> dict[str, Exchange]:
    """Broken moves that are symmetries up to an exchange of classes; of images in clusters none is looked for."""
    sample, level, margin = question.sample, question.level, question.margins[0]
    moves = question.moves.on_pixels(sample.channels)
    broken = {name: moves[name] for name, verdict in verdicts.items() if verdict == "broken"}
    if not broken or sample.has_clusters or len(np.unique(sample.labels)) < 2:
        return {}
    found = find_exchanges(sample.pixels, sample.labels, sample.classes, broken, level=level, margin=margin, seed=seed)
    judged = decide({name: each.measured for name, each in found.items()}, control, level, margin)
    return {name: replace(each, verdict=judged[name]) for name, each in found.items()}


def _why_blind(control: Measured, row: Permutation, question: Question, found: Mapping[str, Measured]) -> str:
    """Why shuffled pixels have a small effect: they are in the group of the small effects, or the kernel is blind."""
    margin = question.margins[0]
    small = question.moves.group_of(tuple(name for name, each in found.items() if each.high < margin))
    sharing = parameter_sharing(small, small)[0] if small.degree**2 <= MAX_PAIRS else None
    if (sharing is None or np.array_equal(sharing[row][:, row], sharing)) and row in small:  # the first is quicker
        return "the shuffle of pixels is itself a product of moves with small effects: the power of the test is unknown"
    return _blind(control)


def _blind(control: Measured) -> str:
    return (
        f"shuffled pixels have an effect of {control.effect:.4f} only: the kernel is blind to these images, and its "
        "small effects say nothing"
    )


def _ask_features(question: Question, embed: Embed, method: Method) -> Answer:
    """The kernel, on features."""
    sample = question.sample
    if method == "classifier" or question.moves.angles:
        raise InvalidArgumentError(
            "Features work with the method kernel and permutations of pixels only; leave embed out."
        )
    if sample.has_clusters:
        raise InvalidArgumentError("Features do not support clusters; give one image of each cluster.")
    generator = np.random.default_rng(question.seed)
    control = shuffle(sample.shape, generator)
    found, shuffled = measure_embedded(
        sample, question.moves.permutations, control, embed, level=question.level, generator=generator
    )
    return _told_by_kernel(question, found, shuffled)


def _ask_angles(question: Question, method: Method) -> Answer:
    """The kernel; a rotation by any angle is no permutation of pixels, which the classifier needs."""
    sample = question.sample
    if method == "classifier":
        raise InvalidArgumentError(
            "The classifier takes permutations of pixels only; for angles use the method kernel."
        )
    if sample.has_clusters:
        raise InvalidArgumentError("Angles do not support clusters; give one image of each cluster.")
    found, control = measure_angles(
        sample.images.astype(np.float32),
        sample.labels,
        question.moves.angles,
        level=question.level,
        generator=np.random.default_rng(question.seed),
    )
    return _told_by_kernel(question, found, control)


def _told_by_kernel(question: Question, found: Mapping[str, Measured], control: Measured) -> Answer:
    margin = question.margins[0]
    notices = () if control.low > margin else (_blind(control),)
    methods: dict[str, Method] = dict.fromkeys(found, "kernel")
    return Answer(found, decide(found, control, question.level, margin), control, notices, methods)


def _ask_classifier(question: Question) -> Answer:
    found = _classify(question, tuple(question.moves.permutations))
    verdicts = decide(found.measured, found.control, question.level, question.margins[1])
    methods: dict[str, Method] = dict.fromkeys(found.measured, "classifier")
    exchanges = _classify_exchanges(question)
    carried = [name for name, each in exchanges.items() if each.is_found and verdicts[name] != "broken"]
    verdicts |= dict.fromkeys(carried, "cannot tell")  # it carries classes into others that are told apart
    notices = (*_notices(found, question), *_exchange_notices(exchanges, question))
    return Answer(found.measured, verdicts, found.control, notices, methods, found, exchanges)


def _classify_exchanges(question: Question) -> dict[str, Exchange]:
    from aenbench.discovery.classifier_exchanges import ask_exchanges

    return ask_exchanges(
        question.sample,
        question.moves.permutations,
        level=question.level,
        margin=question.margins[1],
        seed=int(np.random.default_rng((question.seed, 1)).integers(1 << 31)),  # other images are held out
        report=question.report,
        device=question.device,
    )


def _exchange_notices(exchanges: Mapping[str, Exchange], question: Question) -> tuple[str, ...]:
    """What the test of exchanges saw, and of which it cannot tell; those that are broken go without saying."""
    lines = []
    for control in {id(each.control): each.control for each in exchanges.values()}.values():
        if control is None:
            continue
        told = f"asked for exchanges of classes, too: exchanged labels alone have an effect of {control.effect:.3f}"
        blind = " only, so it does not see the classes: its symmetries are those of all images together"
        lines.append(told if control.low > question.margins[1] else told + blind)
    for name, each in exchanges.items():
        if each.verdict == "cannot tell":
            found = each.measured
            lines.append(
                f"{name}: whether it exchanges classes ({each}) it cannot tell; effect {found.effect:.4f} "
                f"({found.low:.4f}..{found.high:.4f}), p {found.p_value:.4f}"
            )
    return tuple(lines)


def _ask_both(question: Question) -> Answer:
    """The kernel, then the classifier about the rest.

    Two looks have two p-values: the smaller one, doubled, is valid whichever looks there were (Bonferroni). So all
    p-values are doubled, also those of candidates that needed one look, since a second one might have followed.
    """
    first = _ask_kernel(question)
    level, (margin, classifier_margin) = question.level, question.margins
    measured = {name: _doubled(each) for name, each in first.measured.items()}
    verdicts = decide(measured, first.control, level, margin)
    rest = tuple(name for name, verdict in verdicts.items() if verdict == "cannot tell")
    if not rest:
        return replace(first, measured=measured, verdicts=verdicts)
    second = _classify(question, rest)
    for name, each in second.measured.items():
        measured[name] = _doubled(replace(each, p_value=min(each.p_value, first.measured[name].p_value)))
    of_kernel = decide(measured, first.control, level, margin)
    of_classifier = decide(measured, second.control, level, classifier_margin)
    verdicts = {name: (of_classifier if name in rest else of_kernel)[name] for name in measured}
    methods: dict[str, Method] = {name: "classifier" if name in rest else "kernel" for name in measured}
    notices = (*first.notices, *_notices(second, question))
    return Answer(measured, verdicts, first.control, notices, methods, second, first.asked_exchanges)


def _doubled(measured: Measured) -> Measured:
    return replace(measured, p_value=min(1.0, 2 * measured.p_value))


def _classify(question: Question, names: tuple[str, ...]) -> "Classification":
    from aenbench.discovery.classification import classify

    return classify(
        question.sample,
        {name: question.moves.permutations[name] for name in names},
        level=question.level,
        tests=len(question.moves.permutations),
        margin=question.margins[1],
        seed=question.seed,
        report=question.report,
        device=question.device,
    )


def _notices(found: "Classification", question: Question) -> tuple[str, ...]:
    control, effect = found.control_name, found.control.effect
    told = f"the classifier was trained on {found.trained:,} images and tested on {found.held_out:,}: {control} have"
    if found.control.low > question.margins[1]:
        share = found.control.share
        return (f"{told} an effect of {effect:.3f}, seen when {share:.1%} of the images break a symmetry so",)
    return (f"{told} an effect of {effect:.3f} only, and its small effects say nothing",)
