"""The figures of answers, which notebooks show."""

from matplotlib.figure import Figure

from aenbench.reports.figures import encode_png


class NotebookFigure(Figure):
    """A figure that Jupyter shows although pyplot did not make it: else it would print its name only."""

    def _repr_png_(self) -> bytes:
        return encode_png(self)
