"""Where `aenbench` starts: nothing heavy is imported before an interrupt is answered."""

from gdatasets.cli.interrupts import answer_interrupts


def main() -> None:
    """Run `aenbench`."""
    answer_interrupts("aenbench")
    from aenbench.cli.main import main as run

    run()
