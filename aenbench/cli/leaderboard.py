"""Commands about entries: `verify`, `leaderboard`, `template`, `submit`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from aenbench.cli.options import RootOption
from aenbench.cli.run import show_result
from aenbench.errors import EntryError, InvalidArgumentError, known_name
from gdatasets.cli.output import say, say_lines, warn
from gdatasets.visible_text import visible


def verify(
    folder: Annotated[Path, typer.Argument(help="An entry's folder, or one that holds entries.")],
    root: RootOption = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="A folder of weights, as `aenbench run --weights` writes it, or the entries' own: check that they "
            "load and reproduce the entries' predictions. Entries without weights there are skipped."
        ),
    ] = None,
) -> None:
    """Recompute every score from what the entries hold; exit code 1 on any difference."""
    from aenbench.leaderboard.verify import verify as verify_entries
    from aenbench.track.track_folder import find_submissions, is_of_track

    submissions = find_submissions(folder)
    folders, problems = ([], []) if submissions and is_of_track(folder) else verify_entries(folder, root)
    compared = 0
    if weights is not None:
        from aenbench.leaderboard.verify import verify_weights

        compared, wrong = verify_weights(folder, weights, root)
        problems = [*problems, *wrong]
    if submissions:
        from aenbench.track.track_board import score_all

        problems = [*problems, *score_all(submissions).problems]
    _say(problems)
    if problems:
        raise typer.Exit(1)
    count = len(folders) + len(submissions)
    say(f"{count} {'entry' if count == 1 else 'entries'} verified.")
    if weights is not None:
        say(f"The weights of {compared} {'seed' if compared == 1 else 'seeds'} predict what the entries hold.")


def leaderboard(
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds the entries.")] = Path("leaderboards"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if a file is out of date.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Write nothing, print the results: csv, json, latex (booktabs) or markdown."),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task", help="With --format: dataset/configuration, or a pattern such as 'g-mnist/*'; again for more."
        ),
    ] = None,
    changes_from: Annotated[
        Path | None,
        typer.Option(
            metavar="BOARD",
            help="Write nothing, print what differs from an earlier board (its folder or results.json), as Markdown. "
            "The entries of --dir are recomputed; what the earlier board says is believed.",
        ),
    ] = None,
    root: RootOption = None,
) -> None:
    """Regenerate README.md, index.html, results.json, results.parquet, entry.schema.json, and answers.json of images
    that cannot be fetched; with --format or --changes-from, print instead.

    Likewise the README.md of the discovery track, where the folder has one.

    Entries that `aenbench verify` refuses are named and left out, in all three; the exit code is then 1.
    """
    if changes_from is not None:
        _show_changes(folder, changes_from, root, check or form is not None or bool(tasks))
        return
    if form is not None:
        _export(folder, form, tasks or [], root, check)
        return
    if tasks:
        raise InvalidArgumentError("--task goes with --format: the files are written of all tasks.")
    from aenbench.leaderboard.entry_folder import find_entries
    from aenbench.leaderboard.render import drifted, write_generated
    from aenbench.leaderboard.strays import find_strays
    from aenbench.track.track_board import read_track
    from aenbench.track.track_folder import TRACK_FOLDER
    from aenbench.track.track_tables import track_drifted, track_section, write_track

    _say(find_strays(folder, find_entries(folder)))
    track = folder / TRACK_FOLDER
    submissions = read_track(track) if track.is_dir() else None
    sections = [] if submissions is None else [track_section(submissions)]
    paths, problems = (drifted if check else write_generated)(folder, root, sections)
    if submissions is not None:
        paths = [*paths, *(track_drifted if check else write_track)(track, submissions)]
        problems = (*problems, *submissions.problems)
    _say(problems)
    if check:
        _say([f"{path} is not what its entries give; run `aenbench leaderboard`." for path in paths])
    elif paths:
        say(f"Wrote {', '.join(map(str, paths))}")
    else:
        _say([f"{folder}: no entry verifies, so nothing was written."])
    if problems or (check and paths):
        raise typer.Exit(1)
    if check:
        say(f"The generated files of {folder} are up to date.")


def _export(folder: Path, form: str, tasks: Sequence[str], root: Path | None, check: bool) -> None:
    """Print the results of a board in a format; exit code 1 where entries were left out."""
    from aenbench.leaderboard.exports import FORMATS, choose
    from aenbench.leaderboard.frames import load_results

    write = FORMATS[known_name("format", form, FORMATS)]
    if check:
        raise InvalidArgumentError("--check and --format do not go together: the one compares files, the other prints.")
    results = load_results(folder, root=root)
    _say(results.problems)
    say_lines(write(choose(results, tasks)))
    if results.problems:
        raise typer.Exit(1)


def _show_changes(folder: Path, before: Path, root: Path | None, asked_more: bool) -> None:
    """Print what differs from an earlier board; exit code 1 where entries were left out.

    The folder may be a stranger's pull request: its results.json is not looked at, its entries are recomputed.
    """
    from aenbench.leaderboard.board import read_board
    from aenbench.leaderboard.changes import describe_changes
    from aenbench.leaderboard.frames import load_results
    from aenbench.leaderboard.results import collect

    if asked_more:
        raise InvalidArgumentError("--changes-from and --check, --format or --task do not go together.")
    if not before.exists():
        raise InvalidArgumentError(f"{before} does not exist; name a folder of entries, or its results.json.")
    after = collect(read_board(folder, root), folder)
    say_lines(describe_changes(load_results(before, root=root), after).rstrip("\n"))
    if after.problems:
        raise typer.Exit(1)


def _say(problems: Sequence[str]) -> None:
    """One line each, to the error stream."""
    for problem in problems:
        warn(visible(problem, 2_000))


def template(
    out: Annotated[Path | None, typer.Option(help="A new file to write; by default it is printed.")] = None,
) -> None:
    """Write a filled and commented entry.yaml, for `aenbench submit`."""
    from aenbench.leaderboard.submit import TEMPLATE, write_template

    if out is None:
        say_lines(TEMPLATE)
    else:
        write_template(out)
        say(f"Wrote {out}; edit it, then: aenbench submit --predictions preds.npz --meta {out}")


def submit(
    predictions: Annotated[
        Path,
        typer.Option(
            help="A .npz file that holds predictions (seeds, images), integers, or logits (seeds, images, classes), "
            "floats; test images in dataset order."
        ),
    ],
    meta: Annotated[
        Path, typer.Option(help="Description of the entry: entry.yaml, as `aenbench template` explains it.")
    ],
    moved: Annotated[
        Path | None,
        typer.Option(help="A .npz file that holds moved (seeds, 12, images), predictions for moved test images."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The entry goes to OUT/<dataset>/<config>/<entry>.")] = Path("leaderboards"),
    root: RootOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an entry of the same name.")] = False,
) -> None:
    """Score predictions that were made elsewhere, and write their entry."""
    from aenbench.leaderboard.rescoring import rescore
    from aenbench.leaderboard.submit import submit as submit_entry

    folder = submit_entry(predictions, meta, out, root, overwrite, moved)
    entry, result, differences = rescore(folder, root)
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    show_result(entry, result)
    say(f"Entry: {folder}")
