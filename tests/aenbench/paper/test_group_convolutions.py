"""Part e: searches on the available datasets, a line for each other one, and what may be said of them."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.analysis.anova import Analysis, Effect, Lead, analyze
from aenbench.analysis.report import read_trials
from aenbench.errors import InvalidArgumentError
from aenbench.execution.executors import LocalExecutor
from aenbench.execution.store import TrialStore
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.paper import group_convolutions as convolutions
from aenbench.paper.availability import how_to_get
from aenbench.paper.context import Setting
from aenbench.paper.gcnn_searches import GCNNSearch, search, space_of, trials_of
from aenbench.paper.group_convolutions import IMAGE_DATASETS, OnDataset, Searched, final_states, in_words, run, verdict
from aenbench.paper.scales import SCALES, Scale
from aenbench.search import dqn
from aenbench.search.evaluate import TrainedEvaluation
from aenbench.search.record import Trial
from aenbench.statistics.intervals import wilson_interval
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import STANDARD
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe
from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.sources import published
from gdatasets.sources.catalogue import SOURCES

SPACE = GCNNSpace()
NETWORKS = 3


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt fails the test, and no root is set from outside."""
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    monkeypatch.setattr(published, "fetch", lambda *_: pytest.fail("tried to fetch"))


def tiny() -> Scale:
    quick = SCALES["quick"]
    budget = replace(
        quick.budgets["gcnn", STANDARD],
        search=SearchBudget(states=12, networks=NETWORKS, episodes=2, episode_steps=6),
        child=Recipe(20, 1, 10, chosen_by=40, evaluation_batch=40),
        final=Recipe(40, 1, 10, chosen_by=40, evaluation_batch=120),
    )
    return replace(quick, name="tiny", budgets={**quick.budgets, ("gcnn", STANDARD): budget})


def setting(out: Path, *datasets: str, seeds: int = 1, root: Path | None = None) -> Setting:
    scale = replace(tiny(), gcnn_seeds=seeds)
    return Setting(scale, out, image_datasets=datasets, root=root, executor=LocalExecutor(1))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trial(state: str, value: float) -> Trial:
    return Trial(state, SPACE.canonical(state), value, 1)


def analysis_of(first: str = "group", low: float | None = 0.1, effects: bool = True) -> Analysis:
    shares = (Effect("family", "group", 0.6, 0.5, 0.7), Effect("family", "augmentation", 0.2, 0.1, 0.3))
    leads = (Lead("main", "size", "group", 0.9, 0.8, 1.0), Lead("family", first, "size", 0.4, low, 0.6))
    return Analysis(shares if effects else (), 0.1, 30, 768, 1, 0.5 if effects else 0.05, leads if effects else ())


def without_seconds(files: dict[str, bytes]) -> dict[str, object]:
    """Files as they are, but the processor time of trainings left out."""
    rows = [line.rsplit(b",", 1)[0] for line in files["trainings.csv"].splitlines()]
    return {**files, "trainings.csv": rows}


def test_a_dataset_is_searched_trained_and_written(tmp_path: Path) -> None:
    folder = run(setting(tmp_path, "g-digits", "kmnist", seeds=2))
    assert set(files_of(folder)) == {"convolutions.md", "trainings.csv", "g-digits/trials.csv"}
    trials, trainings = rows_of(folder / "g-digits" / "trials.csv"), rows_of(folder / "trainings.csv")
    assert [(row["seed"], row["network"]) for row in trials] == [(s, n) for s in "01" for n in "123"]
    assert sum(map(len, read_trials(folder / "g-digits").values())) == 2 * NETWORKS
    for seed in "01":
        own = [row for row in trials if row["seed"] == seed]
        best = max(own, key=lambda row: float(row["value"]))["canonical"]
        states = {row["network"]: row["state"] for row in trainings if row["seed"] == seed}
        assert states["plain"] == "0000000000"
        assert states["found"] == best
    assert all(0 < float(row["test"]) < 1 for row in trainings)
    text = (folder / "convolutions.md").read_text()
    assert "| g-digits / aug2 | 0 | " in text
    assert "undecided: Expected at least 20 distinct networks" in text
    assert "- `kmnist`: Kuzushiji-MNIST: KMNIST/raw/" in text
    assert "Get it from http://codh.rois.ac.jp/kmnist/" in text


def test_a_search_that_was_cut_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = files_of(run(setting(tmp_path / "whole", "g-digits", seeds=2)))
    trained: list[tuple[int, str]] = []
    evaluate = TrainedEvaluation.__call__

    def counted(evaluator: TrainedEvaluation, state: str) -> float:
        if len(trained) == interrupt_at:
            raise KeyboardInterrupt
        trained.append((evaluator.seed, state))
        return evaluate(evaluator, state)

    monkeypatch.setattr(TrainedEvaluation, "__call__", counted)
    for interrupt_at in (2, 5):  # noqa: B007 - `counted` reads it
        with pytest.raises(KeyboardInterrupt):
            run(setting(tmp_path / "cut", "g-digits", seeds=2))
        assert not (tmp_path / "cut" / "e").exists()
    interrupt_at = -1
    cut = files_of(run(setting(tmp_path / "cut", "g-digits", seeds=2)))
    assert without_seconds(cut) == without_seconds(whole)
    assert len(set(trained)) == len(trained) == 2 * NETWORKS
    assert files_of(run(setting(tmp_path / "cut", "g-digits", seeds=2))) == cut
    assert len(trained) == 2 * NETWORKS


def colored(folder: Path) -> Path:
    """Color, 16 x 16, two classes told apart by their color."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 60), ("test", 10)):
        for label, channel in (("green", 1), ("red", 0)):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 60, (16, 16, 3), dtype=np.uint8)
                pixels[..., channel] += 150
                Image.fromarray(pixels).save(folder / split / label / f"{number}.png")
    return folder


def test_a_dataset_that_is_got_later_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is a dataset, in a folder of its name; what was there is not trained again."""
    lights = colored(tmp_path / "data" / "My Lights")
    folder = run(setting(tmp_path / "out", str(lights)))
    before = files_of(folder / "my-lights")
    evaluate, spaces = TrainedEvaluation.__call__, []
    monkeypatch.setattr(
        TrainedEvaluation, "__call__", lambda e, state: spaces.append(e._space.shape.channels) or evaluate(e, state)
    )
    run(setting(tmp_path / "out", "g-digits", str(lights)))
    assert spaces == [1] * NETWORKS
    assert files_of(folder / "my-lights") == before
    assert (folder / "g-digits" / "trials.csv").is_file()
    assert str(tmp_path) not in (folder / "convolutions.md").read_text()
    (lights / "test" / "red" / "0.png").unlink()
    run(setting(tmp_path / "out", str(lights)))
    assert spaces == [1] * NETWORKS + [3] * NETWORKS


def test_the_datasets_of_the_paper_are_told_how_to_get_where_none_is_at_hand(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    folder = run(setting(tmp_path, root=tmp_path / "root"))
    lines = (folder / "convolutions.md").read_text().splitlines()
    for name in IMAGE_DATASETS:
        assert len([line for line in lines if line.startswith(f"- `{name}`: ")]) == 1
        (line,) = (line for line in lines if line.startswith(f"- `{name}`: "))
        assert SOURCES[name].homepage in line
    assert any(line.startswith("- `mnist-rot` can stand for `rotmnist`") for line in lines)
    assert len((folder / "trainings.csv").read_text().splitlines()) == 1


def test_what_is_at_hand_needs_no_advice(tmp_path: Path, data_root: Path) -> None:
    assert how_to_get("g-digits", None) is None
    assert how_to_get("g-mnist", data_root) is how_to_get("mnist-rot", data_root) is None
    assert how_to_get("some/folder", None) is None
    advice = how_to_get("g-mnist", tmp_path)
    assert advice is not None
    assert "MNIST/raw/train-images-idx3-ubyte (and 1 more) is in none of" in advice
    (tmp_path / "KMNIST" / "raw").mkdir(parents=True)
    (tmp_path / "KMNIST" / "raw" / "train-images-idx3-ubyte.gz").write_bytes(b"half of it")
    advice = how_to_get("kmnist", tmp_path)
    assert advice is not None
    assert "\n" not in advice


def test_what_a_user_gets_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown dataset "kmnits"'):
        run(setting(tmp_path, "g-digits", "kmnits"))
    with pytest.raises(SourceError, match="nowhere"):
        run(setting(tmp_path, str(tmp_path / "nowhere")))
    with pytest.raises(SourceError, match="is not a folder"):
        run(setting(tmp_path, root=tmp_path / "nowhere"))
    lights = colored(tmp_path / "a" / "lights")
    shutil.copytree(lights, tmp_path / "b" / "lights")
    with pytest.raises(InvalidArgumentError, match="are both named lights; rename one of them"):
        run(setting(tmp_path, str(lights), str(tmp_path / "b" / "lights")))
    assert not (tmp_path / "e").exists()


def test_a_search_is_the_searchs_own_whole_record(tmp_path: Path) -> None:
    """Through the store and JSON every trial is what deep Q-learning recorded, reward and epsilon too."""
    task, budget = Task("g-digits", "aug2"), tiny().budgets["gcnn", STANDARD]
    of = GCNNSearch(task, None, budget, 1, TrialStore(tmp_path / "trials", "a test"), "digits")
    space = space_of(Images(task))
    found = trials_of(space, json.loads(json.dumps(search(of))))
    train, choose_by = Images(task).training()
    evaluator = TrainedEvaluation(space, train, choose_by, budget.child, 1)
    assert list(found) == dqn.search(space, evaluator, budget.search, 1).trials
    assert {f"{of.key}/{each.canonical}" for each in found} == set(of.store.results())


def test_the_final_networks_are_the_plain_one_the_found_one_and_its_group_alone() -> None:
    found = final_states(SPACE, [trial("0000000000", 0.5), trial("1010100001", 0.7), trial("0100000000", 0.6)])
    assert found == {"plain": "0000000000", "found": "1110100001", "group": "1110000000"}


def test_where_the_found_network_has_no_group_the_best_one_that_has_is_asked() -> None:
    trials = [trial("0000000000", 0.5), trial("0000100000", 0.7), trial("0100000000", 0.6), trial("0010000001", 0.6)]
    assert final_states(SPACE, trials) == {"plain": "0000000000", "found": "0000100000", "group": "0100000000"}
    assert "group" not in final_states(SPACE, trials[:2])


def test_networks_are_told_in_words() -> None:
    assert in_words(SPACE, "1111001001") == ("d4", "rotate, translate", "large")
    assert in_words(SPACE, "0000000000") == ("trivial", "none", "small")


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        (analysis_of(), "yes, with these initial weights"),
        (analysis_of("augmentation"), "no: augmentation leads, with these initial weights"),
        (analysis_of(low=0.0), "undecided: the interval of the lead contains 0"),
        (analysis_of("augmentation", low=-0.1), "undecided: the interval of the lead contains 0"),
        (analysis_of(low=None), "undecided: one seed of all networks has no interval"),
        (analysis_of(effects=False), "undecided: R² of the surrogate is 0.05, below 0.1"),
        ("too few", "undecided: too few"),
    ],
)
def test_dominance_is_said_only_where_the_lead_is_certain(analysis: Analysis | str, said: str) -> None:
    assert verdict(analysis) == said


def planted(deciding: int) -> Searched:
    """The accuracies of 40 networks that one bit decides, but for a little noise."""
    generator = np.random.default_rng(0)
    chosen = generator.choice(SPACE.networks, 40, replace=False)
    values = [0.4 + 0.3 * int(state[deciding]) + 0.01 * generator.random() for state in chosen]
    trials = [trial(str(state), value) for state, value in zip(chosen, values, strict=True)]
    result = {"accuracies": [0.5], "unseen": 0.5, "parameters": 1_000, "seconds": 1.0}
    return Searched(trials, dict.fromkeys(final_states(SPACE, trials).values(), result))


@pytest.mark.parametrize(("deciding", "said"), [(0, "yes"), (5, "no: augmentation leads"), (9, "no: size leads")])
def test_a_planted_cause_is_found_and_written(deciding: int, said: str, tmp_path: Path) -> None:
    on = OnDataset("planted", "none", SPACE, 100, [planted(deciding)])
    budget = tiny().budgets["gcnn", STANDARD]
    found = convolutions.Convolutions([on], {"planted": analyze(SPACE, on.values)}, {}, budget)
    folder = convolutions.write(found, tmp_path, "scale test")
    (row,) = (
        line for line in (folder / "convolutions.md").read_text().splitlines() if line.startswith("| planted | 40 ")
    )
    assert row.endswith(f" | {said}, with these initial weights |")
    names = {path.name for path in (folder / "planted").iterdir()}
    assert names == {"trials.csv", "analysis.md", "effects.csv", "effects.png"}
    convolutions.write(replace(found, analyses={"planted": "too few"}), tmp_path, "scale test")
    assert {path.name for path in (folder / "planted").iterdir()} == {"trials.csv"}


def test_one_seed_has_the_interval_of_its_test_images_and_several_that_of_seeds() -> None:
    one = planted(0)
    low, high = wilson_interval(50, 100)
    found = OnDataset("planted", "none", SPACE, 100, [one]).estimate("plain")
    assert found == pytest.approx((50.0, 100 * low, 100 * high))
    others = [replace(one, trained={s: {**r, "unseen": share} for s, r in one.trained.items()}) for share in (0.4, 0.6)]
    several = OnDataset("planted", "none", SPACE, 100, [one, *others]).estimate("plain")
    assert several == pytest.approx((50.0, 50 - 4.30265 * 10 / 3**0.5, 50 + 4.30265 * 10 / 3**0.5), abs=1e-3)
