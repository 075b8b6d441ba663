"""`xlt power`: the seeds, records and hours that the questions of a profile's studies need, from its finished runs."""

from __future__ import annotations

import pandas as pd

from xlt.analysis import power
from xlt.analysis.gates import Gates, measured
from xlt.analysis.questions import questions
from xlt.core.errors import UserError, unknown
from xlt.core.text import within_scale
from xlt.lab import planned
from xlt.lab.lab import Lab
from xlt.lab.prices import Price, price
from xlt.lab.runtime import Estimator
from xlt.report.study_pages import records


def tables(lab: Lab, only: str | None = None) -> dict[str, pd.DataFrame]:
    """For each study (or the one named `only`) a table of `analysis.power.table` to be read, primary questions first.

    Nothing is started: what has not run is not there.

    Raises:
        UserError: no study of that name, or nothing of the studies has run yet.
    """
    if only and only not in lab.profile.studies:
        raise unknown("study", only, lab.profile.studies, f"the profile {lab.profile.name}")
    behind, seconds, found = records(lab), Estimator(lab.store, lab.profile), {}
    for name in [only] if only else lab.profile.studies:
        study = planned.planned(lab, name)
        scores = study.stored(lab)
        parts, gates = [], Gates(study, scores, behind)
        for primary in (True, False):
            asked = questions(study, primary) if len(scores) else []
            family, failed = measured(gates, scores, [(one.contrast, one.cells) for one in asked], behind)
            if any(one.seeds for one in family):
                hours = [_hours(price(study, one.contrast, one.cells, seconds)) for one in asked]
                made = power.table(family, [one.text for one in asked], hours, failed)
                parts.append(made.assign(primary="yes" if primary else ""))
        if parts:
            table = pd.concat(parts, ignore_index=True)
            found[name] = table.assign(detectable=[within_scale(value) for value in table["detectable"]])
    if not found:
        raise UserError(f"no study of {lab.profile.name} has finished runs yet; ./run_all.sh makes them")
    return found


def _hours(of: Price) -> power.Cost:
    return lambda design: of.hours(*design)
