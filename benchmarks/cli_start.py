"""How long `--help` of both commands takes, against a Typer command that does nothing."""

import statistics
import subprocess
import sys
import time

TRIVIAL = (
    "import typer\napp = typer.Typer()\n@app.command()\ndef one(name: str = 'x', count: int = 1) -> None:\n"
    "    'Nothing.'\napp()"
)
COMMANDS = {
    "typer alone": TRIVIAL,
    "gdatasets --help": "from gdatasets.cli.main import main; main()",
    "aenbench --help": "from aenbench.cli.main import main; main()",
}
REPEATS = 15


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    runs: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS):  # in turn, so that a busy moment of the machine meets them all
        for name, code in COMMANDS.items():
            runs[name].append(seconds(code))
    alone = statistics.median(runs["typer alone"])
    for name, taken in runs.items():
        median = statistics.median(taken)
        print(f"{name:18} {median:.3f} s  {median / alone:.2f} times")


if __name__ == "__main__":
    main()
