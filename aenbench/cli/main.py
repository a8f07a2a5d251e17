"""The command `aenbench`. Heavy imports wait until a command needs them, so that `--help` answers at once."""

import typer

from aenbench.cli import leaderboard, run, search
from aenbench.cli.auto import auto
from aenbench.cli.discover import discover
from aenbench.cli.paper import reproduce_paper
from aenbench.cli.reproduce import reproductions
from aenbench.cli.suite import suite
from aenbench.cli.track import track
from gdatasets.cli.exit_codes import VersionOption, run_command

app = typer.Typer(
    help="Equivariant networks, searched, trained and scored on the G- datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


for command in (
    auto,
    run.run,
    suite,
    search.tabulate,
    search.tables,
    search.search,
    search.analyze,
    run.datasets,
    discover,
    track,
    leaderboard.verify,
    leaderboard.leaderboard,
    leaderboard.template,
    leaderboard.submit,
    run.check,
):
    app.command()(command)
reproductions.command("paper")(reproduce_paper)
app.add_typer(reproductions, name="reproduce", help="Make an entry (`reproduce FOLDER`) or the paper's results again.")


def main() -> None:
    """Run the command; a user's mistake ends in one line and exit code 2, a failed verification in 1."""
    run_command(app, "aenbench")


@app.callback()
def _aenbench(_version: VersionOption = False) -> None:
    """Equivariant networks, searched, trained and scored on the G- datasets."""
