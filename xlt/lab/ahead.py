"""All runs that the notebooks of a profile show, as one grid, before the first notebook is executed.

Grid by grid, workers would wait for the last run of every notebook, and again while it makes its tables and figures. In
one grid there is always something to do, as beside pretraining, which nearly all runs wait for, the few that need none.
"""

from __future__ import annotations

from collections.abc import Collection

from xlt.core.progress import Line
from xlt.lab import studies
from xlt.lab.whole import Lab


def run(profile: str, notebooks: Collection[str]) -> None:
    """Do what these notebooks will ask for and what is not done yet.

    Raises:
        UserError: bad input, before anything runs; or runs that failed, after all others are done.
    """
    lab = Lab.from_params(profile)
    wanted = studies.asked(lab, notebooks)
    if jobs := lab.missing_jobs(wanted):
        with Line("[runs]") as line:
            lab.do(jobs, wanted, line.report)
            line.outcome = "done in"
