"""Holds the declared claims against the score files of a report: pass, fail, not testable or not run.

A claim of a direction passes only when the whole interval lies on the claimed side: what too few seeds leave open is
not shown, so it fails and says so. The interval is that of the claim alone, the p Holm's over all claims: where the
first excludes zero and the second does not reject, both are said. A published value is met when the estimate lies
within its tolerance; it is asked of reproductions only, and where no task that it is over is left out. A claim over
several tasks is held against those that the profile has, and says without which. No numbers but those of
the score files of reports/<profile> are read (see `score_tables`); what these lack is "not run", with the reason. What
a profile declares its encoder cannot test is "not testable" and no part of Holm's family.
"""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from xlt.analysis import power, stats
from xlt.analysis.claims import Claim, Declared, Use, load
from xlt.analysis.effects import Effect, Missing, effect, read
from xlt.analysis.verdicts import NOT_TESTABLE
from xlt.core import paths
from xlt.core.errors import UserError
from xlt.core.text import NOT_RUN, interval, points
from xlt.lab import profiles
from xlt.spec.profile import Profile

PASS, FAIL = "pass", "fail"
IN_POINTS = ("value", "low", "high", "error", "detectable", "without")
LEVEL = 0.05  # of p; the intervals are of 95 %


class Result(NamedTuple):
    """What became of a claim; `p` in the effect is Holm's over all claims that were tested."""

    claim: Claim
    verdict: str
    why: str
    effect: Effect

    def row(self) -> dict[str, Any]:
        """JSON-ready, in points as the claims are written; a number that is not known is null."""
        about = self.claim.model_dump(mode="json", include={"id", "sentence", "source", "expect", "command"})
        about |= {"published": self.claim.value, "verdict": self.verdict, "why": self.why}
        numbers = {name: 100 * value if name in IN_POINTS else value for name, value in self.effect._asdict().items()}
        numbers = {name: None if value != value else value for name, value in numbers.items()}
        return about | {"effect": numbers.pop("value")} | numbers


def check(profile: str, reports: Path | None = None, declared: Declared | None = None) -> list[Result]:
    """Every declared claim against reports/<profile>.

    Raises:
        UserError: no score files there, or damaged ones; an unknown profile; claims that are not valid.
    """
    folder = (reports or paths.reports_root()) / Path(profile).stem
    tables = read(folder)
    if not tables:
        mend = f"run ./run_all.sh --profile {paths.as_profile(folder.name)} first"
        raise UserError(f"{folder.name} has no scores*.csv to check; {mend}")
    return held(profiles.load(profile), tables, declared, profile)


def held(
    profile: Profile, tables: dict[str, pd.DataFrame], declared: Declared | None = None, called: str = ""
) -> list[Result]:
    """Every declared claim against the score files `tables`, by name; commands name the profile as it was `called`."""
    declared = declared or load()
    use, has = declared.use(profile.name), _tasks(profile)
    command = {"profile": called or profile.name}
    claims = [c.model_copy(update={"command": c.command.format(**command)}) for c in declared.claims]
    measured = [_measured(claim, use, tables, has) for claim in claims]
    tested = [estimate for estimate, _ in measured]
    return [
        _judged(claim, use, estimate, missing, has)
        for claim, estimate, (_, missing) in zip(claims, _together(tested), measured, strict=True)
    ]


def _together(tested: list[Effect]) -> list[Effect]:
    """The effects as they are decided together: p after Holm's correction, and what that leaves detectable."""
    adjusted = stats.holm([estimate.p for estimate in tested])
    tests = int((adjusted == adjusted).sum())  # nan: not tested
    return [
        one._replace(p=float(p), detectable=power.detectable(one.error, one.freedom, tests))
        for one, p in zip(tested, adjusted, strict=True)
    ]


def _tasks(profile: Profile) -> set[str]:
    """Intermediate and target tasks of the profile, in its main part or in a study."""
    return {*profile.intermediate, *profile.controls, *profile.target, *profile.studied, "none"}


def _measured(claim: Claim, use: Use, tables: dict[str, pd.DataFrame], has: set[str]) -> tuple[Effect, str]:
    """The effect, or an empty one and why there is none."""
    try:
        if why := use.not_testable.get(claim.id):
            raise Missing(why)
        if not (claim.expect or use.asked(claim)):
            raise Missing(f"a published value, asked of reproductions of {claim.source.paper} only")
        if claim.file not in tables:
            raise Missing(f"the report has no {claim.file}")
        return effect(claim, tables[claim.file]), ""
    except Missing as reason:
        lacking = [name for name in reason.names if claim.file == "scores.csv" and name not in has]
        return Effect(), f"{reason}: this profile has no {' and no '.join(lacking)}" if lacking else str(reason)


def _judged(claim: Claim, use: Use, estimate: Effect, missing: str, has: set[str]) -> Result:
    """The result of an effect whose p is Holm's by now."""
    try:
        if missing:
            raise Missing(missing)
        return Result(claim, *_verdict(claim, use, estimate, has), estimate)
    except Missing as reason:
        verdict = NOT_TESTABLE if claim.id in use.not_testable else NOT_RUN
        return Result(claim, verdict, str(reason), estimate)


def _verdict(claim: Claim, use: Use, estimate: Effect, has: set[str]) -> tuple[str, str]:
    """The verdict and why; a claim of a direction and a value has to satisfy both."""
    if claim.expect and isnan(estimate.low):
        raise Missing(f"{' + '.join(map(str, estimate.seeds))} seeds give no interval")
    verdicts = [_direction(claim, estimate)] if claim.expect else []
    notes = _without(estimate.absent, has)
    if use.asked(claim) and not estimate.absent:
        met = abs(100 * estimate.value - claim.value) <= claim.tolerance
        text = f"{'within' if met else 'not within'} {claim.tolerance:g} of the published {claim.value:+g}"
        verdicts.append((PASS if met else FAIL, text))
    elif use.values and claim.value is not None:
        notes.append(f"the published {claim.value:+g} is over more tasks and not asked")
    if not verdicts:
        raise Missing("; ".join(notes))
    if estimate.collapsed:
        every = isnan(estimate.without)
        left = "in every seed of a side" if every else f"{points(estimate.without, sign=True)} in seeds without"
        runs = "run" if estimate.collapsed == 1 else "runs"
        notes.append(f"{estimate.collapsed} collapsed {runs}, {left}")
    verdict = FAIL if FAIL in (name for name, _ in verdicts) else PASS
    return verdict, "; ".join([text for _, text in verdicts] + notes)


def _without(absent: tuple[str, ...], has: set[str]) -> list[str]:
    """What a claim is held against without: tasks that the profile does not have, and tasks that have not run."""
    lacking = [name for name in absent if not has.issuperset(name.split(" after "))]  # or "pawsx after squad"
    waiting = [name for name in absent if name not in lacking]
    notes = [f"without {', '.join(lacking)}, which this profile has not"] if lacking else []
    return notes + (
        [f"without {', '.join(waiting)}, which {'has' if len(waiting) == 1 else 'have'} not run"] if waiting else []
    )


def _direction(claim: Claim, estimate: Effect) -> tuple[str, str]:
    low, high = (-estimate.high, -estimate.low) if claim.expect == "lower" else (estimate.low, estimate.high)
    if claim.expect == "not higher":
        if 100 * high < claim.margin:
            return PASS, f"the interval stays below {claim.margin:+g}"
        if low > 0:
            return FAIL, f"it is higher{_alone(estimate)}"
        return FAIL, f"the interval reaches above {claim.margin:+g}: not ruled out{_power(estimate)}"
    if low > 0:
        if estimate.p > LEVEL:
            return FAIL, f"{claim.expect}, but not after Holm's correction over the claims: not shown{_power(estimate)}"
        return PASS, f"{claim.expect}: the interval excludes zero"
    if high < 0:
        return FAIL, f"the opposite holds{_alone(estimate)}"
    return FAIL, f"the interval covers zero: not shown{_power(estimate)}"


def _alone(estimate: Effect) -> str:
    """What is to be said where an interval excludes zero, but only as long as no other claim is looked at."""
    return " (not after Holm)" if estimate.p > LEVEL else ""


def _power(estimate: Effect) -> str:
    return "" if isnan(estimate.detectable) else f" ({points(estimate.detectable)} could be found with 80 % power)"


# ---- telling -------------------------------------------------------------------------------------


def as_text(results: list[Result], use: Use) -> str:
    """Two lines a claim, and how many there are of each verdict."""
    width = max((len(result.claim.id) for result in results), default=0)
    lines = [
        f"{r.verdict:14}{r.claim.id:{width}}  {_numbers(r.effect)}{r.why}\n{'':14}{r.claim.sentence}" for r in results
    ]
    verdicts = [result.verdict for result in results]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in (PASS, FAIL, NOT_TESTABLE, NOT_RUN))
    return "\n".join([*lines, f"{counts} ({use.means})"])


def _numbers(estimate: Effect) -> str:
    if isnan(estimate.value):
        return ""
    p = "" if isnan(estimate.p) else f", Holm p {estimate.p:.2g}"
    return f"{interval(estimate.value, estimate.low, estimate.high)}{p}, {' + '.join(map(str, estimate.seeds))} seeds: "
