"""From a folder of images to a report: ask them, train the plain network and that of the group, compare, write.

<out>/
├── report/     report.html, report.md, report.json, classes.txt and pictures: whole, and last
├── entries/    <dataset>/<configuration>/<entry>/, as `aenbench run` writes them
├── weights/    likewise, for `aenbench.load_model`
└── images/     an archive of the images, where they had no test split or other sizes

While it works, `.asked` holds what the images said; the stores of trainings are beside their entries. The same call
continues from these. A call that finds a report, or work on other images or options, changes nothing.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from aenbench.auto.folder_images import FoundImages, find_images
from aenbench.auto.gain import compare
from aenbench.auto.inquiry import Inquiry, ask
from aenbench.auto.network_pair import PLAIN, pair_for
from aenbench.auto.report import Network, Outcome, report_files
from aenbench.auto.square_group import choose_group
from aenbench.errors import EntryError
from aenbench.execution.device import Device
from aenbench.execution.executors import Executor
from aenbench.leaderboard.entry_folder import ENTRY_FILE, entry_folder, read_entry
from aenbench.leaderboard.rescoring import rescore
from aenbench.runs.options import RunOptions
from aenbench.runs.progress import Report, Step
from aenbench.runs.run import run
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from gdatasets.errors import OutputError
from gdatasets.files import make_folder, output_error, read_whole, writing
from gdatasets.journal import recover, replace_folder

REPORT, ENTRIES, WEIGHTS, IMAGES = "report", "entries", "weights", "images"
_ASKED, _STATE = ".asked", "state.json"
_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class AutoOptions:
    """What decides the outcome.

    Attributes:
        images: a path or name, as it was typed.
        seeds: trainings of each network.
        budget: `quick` or `standard`.
        device: where networks are trained.
    """

    images: str
    seeds: int = 3
    budget: str = "standard"
    device: str = "cpu"


def run_auto(options: AutoOptions, out: Path, report: Report, executor: Executor, root: Path | None = None) -> Outcome:
    """Find out which symmetries images have and whether they pay, and write the report below `out`.

    Args:
        options: what is asked.
        out: a folder that has no report yet.
        report: called with each step of the progress.
        executor: where the seeds of a training run.
        root: a folder to look for named datasets in first.

    Returns:
        What the report says.

    Raises:
        GDatasetsError: the images cannot be read, asked or learned from: then nothing was written; or the outcome
            cannot be written.
    """
    _check_place(out)
    device = Device.parse(options.device)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        found = find_images(options.images, root, Path(scratch))
        read_seconds = time.perf_counter() - started
        shape = Images(Task(found.name, found.configuration), root, found.dataset).shape
        pair = pair_for(shape)
        pair.network(PLAIN, shape)  # images that no network takes end here
        plain = RunOptions(
            pair.plain,
            dataset=found.name,
            config=found.configuration,
            budget=options.budget,
            seeds=options.seeds,
            device=device.name,
        )
        _ = plain.plan(root).spent  # and options that do not exist
        inquiry, pictures, is_resumed = _ask_once(found, _identity(found, options, device), out, report, device)
        where = _put_in_place(found, out)
    group = choose_group(inquiry.moves)
    networks = []
    for name in dict.fromkeys((PLAIN, group.name)):
        chosen = replace(plain, baseline=pair.baseline(name), dataset=where)
        networks.append(_train_once(name, chosen, found, out, report, executor, root))
    first, last = networks[0], networks[-1]
    labels = found.dataset.read("test").labels
    outcome = Outcome(
        images=options.images,
        dataset=found.dataset,
        notes=found.notes,
        inquiry=inquiry,
        pictures=pictures,
        group=group,
        networks=tuple(networks),
        gain=None if group.is_trivial else compare(first.predictions, last.predictions, labels),
        budget=options.budget,
        out=out,
        read_seconds=read_seconds,
        wall_seconds=None if is_resumed else time.perf_counter() - started,
    )
    replace_folder(out / REPORT, report_files(outcome))
    shutil.rmtree(out / _ASKED, ignore_errors=True)
    return outcome


def _check_place(out: Path) -> None:
    """Fail before any work is done where the report could not be written, or where there is one."""
    recover(out)
    if (out / REPORT).exists():
        raise OutputError(f"{out / REPORT} exists already: read it, or choose another --out.")
    if not (out / _ASKED).exists():
        for name in (ENTRIES, WEIGHTS, IMAGES):
            if (out / name).exists():
                raise OutputError(f"{out / name} exists already, made by another command; choose another --out.")
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise output_error(out, error) from error


def _identity(found: FoundImages, options: AutoOptions, device: Device) -> str:
    """What a call must have in common with the one that it continues."""
    dataset = found.dataset
    digests = [dataset.digest(split) for split in ("train", "test")]
    parts = (dataset.name, found.configuration, *digests, options.seeds, options.budget, device.kind)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _ask_once(
    found: FoundImages, identity: str, out: Path, report: Report, device: Device
) -> tuple[Inquiry, dict[str, bytes], bool]:
    """What the images say, with pictures: by asking them, or as an interrupted call has written it down."""
    folder = out / _ASKED
    if folder.exists():
        try:
            files = {path.name: read_whole(path, _MAX_BYTES) for path in sorted(folder.iterdir())}
            state = json.loads(files.pop(_STATE))
            if state["identity"] == identity:
                return Inquiry.from_json(state["inquiry"]), files, True
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise OutputError(f"{folder} is damaged; remove {out}, or choose another --out.") from error
        raise OutputError(
            f"{out} holds an interrupted call with other images or options; give the same ones, or another --out."
        )

    def tell(what: str, done: int, total: int, note: str) -> None:
        report(Step(None, what, done, total, note))

    inquiry, pictures = ask(*found.to_learn(), report=tell, device=device.name)
    state = json.dumps({"identity": identity, "inquiry": inquiry.to_json()}, indent=1)
    make_folder(out)
    replace_folder(folder, {_STATE: state.encode(), **pictures})
    return inquiry, pictures, False


def _put_in_place(found: FoundImages, out: Path) -> str:
    """What the trainings call the images; an archive of them is moved below `out` first."""
    if found.archive is None:
        return found.name
    place = out / IMAGES / found.archive.name
    if not place.exists():
        make_folder(place.parent)
        with found.archive.open("rb") as made, writing(place) as stream:
            shutil.copyfileobj(made, stream)
    return str(place)


def _train_once(
    group: str,
    options: RunOptions,
    found: FoundImages,
    out: Path,
    report: Report,
    executor: Executor,
    root: Path | None,
) -> Network:
    """The entry of a network: made here, or by an interrupted call."""
    plan = options.plan(root)
    images = Images(plan.task, root, found.dataset)
    folder = entry_folder(out / ENTRIES, found.dataset.name, found.configuration, plan.name)
    if not (folder / ENTRY_FILE).is_file():

        def tell(step: Step) -> None:
            report(step._replace(stage=f"{plan.name} {step.stage}"))

        run(plan, out / ENTRIES, options.command, tell, executor, weights=out / WEIGHTS)
    entry, scored, differences = rescore(folder.resolve(), root, images)
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    return Network(group, entry, read_entry(folder, root, images)[1], scored, options.command)
