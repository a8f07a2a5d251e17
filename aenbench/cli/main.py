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


# Each command with the example that its help ends with.
for command, example in (
    (auto, "aenbench auto photos.zip --out report"),
    (run.run, "aenbench run --baseline aen --search guided --dataset g-mnist --config aug2"),
    (suite, "aenbench suite --status"),
    (search.tabulate, "aenbench tabulate --dataset g-mnist --config aug2 --seeds 1"),
    (search.tables, "aenbench tables --check"),
    (search.search, "aenbench search --table leaderboards/tables/g-mnist/aug2 --compare dqn,guided"),
    (search.analyze, "aenbench analyze leaderboards/tables/g-mnist/aug2/aen-standard.parquet"),
    (run.datasets, "aenbench datasets"),
    (discover, "aenbench discover g-mnist --config aug2 --images 4000"),
    (track, "aenbench track kernel --tasks 'g-digits.*' --name my-method"),
    (leaderboard.verify, "aenbench verify leaderboards/g-mnist/aug2/aen"),
    (leaderboard.leaderboard, "aenbench leaderboard --format latex --task g-mnist/aug2"),
    (leaderboard.template, "aenbench template --out entry.yaml"),
    (leaderboard.submit, "aenbench submit --predictions predictions.npz --meta entry.yaml --out leaderboards"),
    (run.check, "aenbench check mynetwork:Net --group d4"),
):
    app.command(epilog=f"Example: {example}")(command)
reproductions.command("paper", epilog="Example: aenbench reproduce paper --part a --scale quick")(reproduce_paper)
app.add_typer(reproductions, name="reproduce", help="Reproduce an entry (`reproduce FOLDER`) or the paper's results.")


def main() -> None:
    """Run the command; a user's mistake ends in one line and exit code 2, a failed verification in 1."""
    run_command(app, "aenbench")


@app.callback()
def _aenbench(_version: VersionOption = False) -> None:
    """Equivariant networks, searched, trained and scored on the G- datasets."""
