"""Scores from predictions and labels alone; `docs/scoring.md` gives every formula."""

from aenbench.scoring.accuracy import Score as Score
from aenbench.scoring.accuracy import check_shape as check_shape
from aenbench.scoring.accuracy import score as score
from aenbench.scoring.accuracy import t_half_width as t_half_width
from aenbench.scoring.accuracy import wilson_interval as wilson_interval
from aenbench.scoring.calibration import Bin as Bin
from aenbench.scoring.calibration import Calibration as Calibration
from aenbench.scoring.calibration import calibrate as calibrate
from aenbench.scoring.details import Details as Details
from aenbench.scoring.details import Moved as Moved
from aenbench.scoring.details import Part as Part
from aenbench.scoring.details import detail as detail
from aenbench.scoring.facets import Facet as Facet
from aenbench.scoring.facets import element_facets as element_facets
from aenbench.scoring.facets import task_facets as task_facets
