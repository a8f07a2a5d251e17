"""Scores from predictions and labels alone; `docs/scoring.md` gives every formula."""

from aenbench.scoring.accuracy import Scored as Scored
from aenbench.scoring.accuracy import check_shape as check_shape
from aenbench.scoring.accuracy import score as score
from aenbench.scoring.breakdown import Details as Details
from aenbench.scoring.breakdown import Moved as Moved
from aenbench.scoring.breakdown import Part as Part
from aenbench.scoring.breakdown import detail as detail
from aenbench.scoring.calibration import Bin as Bin
from aenbench.scoring.calibration import Calibration as Calibration
from aenbench.scoring.calibration import calibrate as calibrate
from aenbench.scoring.subgroups import Facet as Facet
from aenbench.scoring.subgroups import element_facets as element_facets
from aenbench.scoring.subgroups import task_facets as task_facets
from aenbench.statistics.intervals import t_half_width as t_half_width
from aenbench.statistics.intervals import wilson_interval as wilson_interval
