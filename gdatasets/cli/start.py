"""Where `gdatasets` starts: nothing heavy is imported before an interrupt is answered."""

from gdatasets.cli.interrupts import answer_interrupts


def main() -> None:
    """Run `gdatasets`."""
    answer_interrupts("gdatasets")
    from gdatasets.cli.main import main as run

    run()
