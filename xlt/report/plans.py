"""What a study can detect, worked out before its runs and kept beside the report: reports/PROFILE/plans/STUDY.json.

A design that is looked at after the results tells what was found, not what could have been. So the plan is written
before the runs and stays as it is until the design (arms, targets, languages, conditions, questions, seeds) changes.
It is made from the variances of finished runs where there are some of every question, else from those that
`analysis.power` states, and says from which.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from xlt.analysis import inference, power
from xlt.analysis.gates import Gates, measured
from xlt.analysis.questions import Question, questions
from xlt.analysis.records import Records
from xlt.core.files import write_atomically
from xlt.core.text import detectable, points
from xlt.lab import estimate, runtime
from xlt.lab.lab import Lab
from xlt.lab.outcomes import stored
from xlt.lab.planned import planned
from xlt.lab.prices import price
from xlt.lab.runtime import Estimator
from xlt.lab.study import Study
from xlt.spec.identity import digest

STATED = f"a stated SD of {points(power.SEED_SD)} points over seeds and {points(power.RECORD_SD)} over records"


def keep(lab: Lab, notebooks: Collection[str]) -> list[str]:
    """Write the plan of every study of these notebooks that has none of its present design; a line for each study."""
    seconds, lines = Estimator(lab.store, lab.profile), []
    for study in _studies(lab, notebooks):
        content = kept(lab, study)
        if content is None:
            content, file = made(lab, study, seconds), _file(lab, study.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        lines.append(f"{study.name}: {told(content)}")
    return lines


def print_foreseen(profile: str, notebooks: Collection[str], device: str | None = None) -> None:
    """A line for each study of these notebooks, of the plan that is kept where there is one, as to make it takes all
    predictions; nothing is started or written. `device`: see `lab.plan.print_plan`."""
    lab = Lab.from_params(profile, planned=True)
    seconds = Estimator(lab.store, lab.profile, device)
    for study in _studies(lab, notebooks):
        print(f"  {study.name}: {told(kept(lab, study) or made(lab, study, seconds))}")


def _studies(lab: Lab, notebooks: Collection[str]) -> list[Study]:
    return [planned(lab, name) for name in lab.profile.studies if f"study_{name}" in notebooks]


def kept(lab: Lab, study: Study) -> dict[str, Any] | None:
    """The plan of this design, as it was written before the runs; None where there is none."""
    file = _file(lab, study.name)
    content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return content if content.get("design") == _design(lab, study) else None


def made(lab: Lab, study: Study, seconds: Estimator) -> dict[str, Any]:
    """The plan: of each question what is found with 80 % power as decided (a fraction), and the hours of one worker."""
    found: list[dict[str, Any]] = []
    basis, seeds = [], _seeds(lab, study)
    scores, behind = study.stored(lab), Records(stored(lab.store))
    gates = Gates(study, scores, behind)
    for primary in (True, False):
        asked = [one for one in questions(study, primary) if one.cells]
        sizes = [_records(lab, study, one) for one in asked]
        pairs = [(one.contrast, one.cells) for one in asked if len(scores)]
        family, failed = measured(gates, scores, pairs, behind)
        done = bool(family) and all(parts.seeds > 1 for parts in family)
        usual = inference.prior(family, failed) if done else power.alike(len(asked), seeds)
        family = family if done else [power.stated(seeds, size) for size in sizes]
        basis += [f"{min(parts.seeds for parts in family)} finished seeds" if done else STATED] if asked else []
        for one, parts, size in zip(asked, family, sizes, strict=True):
            least = power.detectable(*power.foreseen(parts, power.Design(seeds, 1), usual), len(asked))
            hours = price(study, one.contrast, one.cells, seconds).hours(seeds)
            foreseen = {"detectable": None if np.isnan(least) else round(least, 6), "hours": float(f"{hours:.3g}")}
            found.append({"question": one.text, "primary": primary, "seeds": seeds, "records": size} | foreseen)
    return {"study": study.name, "design": _design(lab, study), "from": " and ".join(dict.fromkeys(basis)),
            "hours on": seconds.about, "questions": found}  # fmt: skip


def told(content: dict[str, Any]) -> str:
    """A plan in a sentence: "true differences that 3 seeds find four times in five: 1.9 to 4.2 points (from ...)"."""
    least = [one["detectable"] for one in content["questions"] if one["detectable"] is not None]
    if not least:
        return "nothing can be foreseen: fewer than two seeds, or no records"
    seeds = content["questions"][0]["seeds"]
    return f"true differences that {seeds} seeds find four times in five: {detectable(least)} (from {content['from']})"


def foreseen(content: dict[str, Any]) -> str:
    """The same for the page of a study, which sets apart what was written down before its runs and what some told."""
    when = "As planned before any run" if content["from"] == STATED else "As it was planned once some seeds had run"
    return f"{when}: {told(content)}."


def _file(lab: Lab, name: str) -> Path:
    return lab.reports / "plans" / f"{name}.json"


def _seeds(lab: Lab, study: Study) -> int:
    return study.seeds or lab.profile.seeds


def _design(lab: Lab, study: Study) -> str:
    return digest([study.plan.model_dump(mode="json"), _seeds(lab, study)])


def _records(lab: Lab, study: Study, asked: Question) -> int:
    """Test records behind a question: parallel ones count once, so each target counts those of its largest language."""
    sizes: dict[str, int] = {}
    for one, condition in study.conditions.items():
        if one.split == "test" and (one.task, condition) in asked.cells:
            held = estimate.rows(lab.store, one.task, one.language, one.split) or runtime.EXAMPLES
            sizes[one.task] = max(sizes.get(one.task, 0), min(held, one.examples or held))
    return sum(sizes.values())
