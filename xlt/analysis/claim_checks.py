"""Holds the declared claims against the score files of a report: held, refuted, not shown, not testable or not run.

held        the claim is shown: of a direction p is below 5 % and the effect lies on the claimed side; "not higher" is
            shown where the effect surely lies below the margin of the claim
refuted     the opposite is shown, or that the effect lies above the margin
not shown   neither: what too few seeds or records leave open, with the difference that could be found

p is after Holm's correction, over the claims of a direction, and over those of "not higher" apart, which ask another
question: whether the effect is at or above the margin. The interval is that of the claim alone; where it excludes zero
and p does not reject, both are said. A published value is met when the estimate lies within its tolerance, and missed
for sure when all of the interval lies outside; it is asked of reproductions only, and where no task that it is over is
left out. A claim over several tasks is held against those that the profile has, and says without which. No numbers but
those of the files of reports/<profile> are read (see `effects`); what these lack is "not run", with the reason. What a
profile declares its encoder cannot test is "not testable" and no part of a family.
"""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student

from xlt.analysis import power, stats
from xlt.analysis.claims import Claim, Declared, Use, load
from xlt.analysis.effects import Effect, Missing, Table, effect, read
from xlt.analysis.verdicts import NOT_TESTABLE
from xlt.core import paths
from xlt.core.errors import UserError
from xlt.core.text import NOT_RUN, counted, interval, points
from xlt.lab import profiles
from xlt.spec.profile import Profile

HELD, REFUTED, NOT_SHOWN = "held", "refuted", "not shown"
FAILED = (REFUTED, NOT_SHOWN)
IN_POINTS = ("value", "low", "high", "error", "detectable", "without")
LEVEL = 0.05  # of p; the intervals are of 95 %
HIGHER, LOWER, NOT_HIGHER = "higher", "lower", "not higher"  # what a claim may expect


class Result(NamedTuple):
    """What became of a claim; `p` in the effect is Holm's over all claims of its kind that were tested."""

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
    profile: Profile, tables: dict[str, Table], declared: Declared | None = None, called: str = ""
) -> list[Result]:
    """Every declared claim against the score files `tables`, by name; commands name the profile as it was `called`."""
    declared = declared or load()
    use, has = declared.use(profile.name), _tasks(profile)
    command = {"profile": called or profile.name}
    claims = [c.model_copy(update={"command": c.command.format(**command)}) for c in declared.claims]
    measured = [_measured(claim, use, tables, has) for claim in claims]
    decided = _together(claims, [estimate for estimate, _ in measured])
    return [
        _judged(claim, use, estimate, missing, has)
        for claim, estimate, (_, missing) in zip(claims, decided, measured, strict=True)
    ]


def _together(claims: list[Claim], effects: list[Effect]) -> list[Effect]:
    """The effects as they are decided together: claims of a direction are one family, those of "not higher" another; a
    published value is no test."""
    decided = {place: one._replace(p=stats.NAN) for place, one in enumerate(effects)}
    for expected, corrected in (((HIGHER, LOWER), _against_zero), ((NOT_HIGHER,), _against_margins)):
        places = [place for place, claim in enumerate(claims) if claim.expect in expected]
        family = [(claims[place], effects[place]) for place in places]
        decided |= dict(zip(places, corrected(family), strict=True))
    return list(decided.values())


def _against_zero(family: list[tuple[Claim, Effect]]) -> list[Effect]:
    """With p after Holm's correction, two-sided, and what that leaves detectable."""
    p = stats.holm([one.p for _, one in family])
    tests = np.count_nonzero(~np.isnan(p))
    return [
        one._replace(p=float(p), detectable=power.detectable(one.error, one.freedom, tests))
        for (_, one), p in zip(family, p, strict=True)
    ]


def _against_margins(family: list[tuple[Claim, Effect]]) -> list[Effect]:
    """With p that the effect is not below the margin of its claim, that it is not beyond it, and by how much it must
    lie below it to be found; one-sided, each after Holm's correction."""
    above = [(one.value - claim.margin / 100) / one.error for claim, one in family]
    freedom = [one.freedom for _, one in family]
    below, beyond = (stats.holm(test(above, freedom)) for test in (student.cdf, student.sf))
    tests = np.count_nonzero(~np.isnan(below))
    return [
        one._replace(
            p=float(p),
            beyond=float(other),
            detectable=power.detectable(one.error, one.freedom, tests, level=1 - 2 * LEVEL),  # one side of an interval
        )
        for (_, one), p, other in zip(family, below, beyond, strict=True)
    ]


def _tasks(profile: Profile) -> set[str]:
    """Intermediate and target tasks of the profile, in its main part or in a study."""
    return {*profile.intermediate, *profile.controls, *profile.target, *profile.studied, "none"}


def _measured(claim: Claim, use: Use, tables: dict[str, Table], has: set[str]) -> tuple[Effect, str]:
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
        seeds = "one common seed" if estimate.shared == 1 else f"{estimate.shared} common seeds that agree"
        raise Missing(f"{seeds}: no interval")
    verdicts = [_direction(claim, estimate)] if claim.expect else []
    notes = _without(estimate.absent, has)
    if use.asked(claim) and not estimate.absent:
        verdicts.append(_published(claim, estimate))
    elif use.values and claim.value is not None:
        notes.append(f"the published {claim.value:+g} is over more tasks and not asked")
    if not verdicts:
        raise Missing("; ".join(notes))
    if estimate.collapsed:
        every = isnan(estimate.without)
        left = "in every seed of a side" if every else f"{points(estimate.without, sign=True)} in seeds without"
        notes.append(f"{counted(estimate.collapsed, 'collapsed run')}, {left}")
    given = [name for name, _ in verdicts]
    verdict = next((name for name in FAILED if name in given), HELD)
    return verdict, "; ".join([text for _, text in verdicts] + notes)


def _published(claim: Claim, estimate: Effect) -> tuple[str, str]:
    text = f"within {claim.tolerance:g} of the published {claim.value:+g}"
    if abs(100 * estimate.value - claim.value) <= claim.tolerance:
        return HELD, text
    low, high = claim.value - claim.tolerance, claim.value + claim.tolerance
    missed = 100 * estimate.high < low or 100 * estimate.low > high
    return (REFUTED, f"not {text}, nor is any of the interval") if missed else (NOT_SHOWN, f"not {text}")


def _without(absent: tuple[str, ...], has: set[str]) -> list[str]:
    """What a claim is held against without: tasks that the profile does not have, and tasks that have not run."""
    lacking = [name for name in absent if not has.issuperset(name.split(" after "))]  # or "pawsx after squad"
    waiting = [name for name in absent if name not in lacking]
    notes = [f"without {', '.join(lacking)}, which this profile has not"] if lacking else []
    return notes + (
        [f"without {', '.join(waiting)}, which {'has' if len(waiting) == 1 else 'have'} not run"] if waiting else []
    )


def _direction(claim: Claim, estimate: Effect) -> tuple[str, str]:
    if claim.expect == NOT_HIGHER:
        return _not_higher(claim, estimate)
    low, high = (-estimate.high, -estimate.low) if claim.expect == LOWER else (estimate.low, estimate.high)
    seen = claim.expect if low > 0 else "the opposite holds" if high < 0 else "the interval covers zero"
    if estimate.p < LEVEL:
        return (HELD, f"{seen}: the interval excludes zero") if low > 0 else (REFUTED, seen)
    return NOT_SHOWN, f"{seen}{_alone(low > 0 or high < 0)}{_power(estimate)}"


def _not_higher(claim: Claim, estimate: Effect) -> tuple[str, str]:
    margin = f"{claim.margin:+g}"
    if estimate.p < LEVEL:
        return HELD, f"surely below {margin}"
    if estimate.beyond < LEVEL:
        return REFUTED, f"surely above {margin}"
    below, above = 100 * estimate.high < claim.margin, 100 * estimate.low > claim.margin
    seen = f"below {margin}" if below else f"above {margin}" if above else f"the interval reaches above {margin}"
    return NOT_SHOWN, f"{seen}{_alone(below or above)}{_power(estimate, f' below {margin}')}"


def _alone(excluded: bool) -> str:
    """What is to be said where an interval excludes something, but only as long as no other claim is looked at."""
    return ", but not after Holm's correction over the claims" if excluded else ""


def _power(estimate: Effect, where: str = "") -> str:
    if isnan(estimate.detectable):
        return ""
    least = points(estimate.detectable) if estimate.detectable <= 1 else "nothing within the scale"
    return f" ({least}{where} could be found with 80 % power)"


# ---- telling -------------------------------------------------------------------------------------


def as_text(results: list[Result], use: Use) -> str:
    """Two lines a claim, and how many there are of each verdict."""
    width = max((len(result.claim.id) for result in results), default=0)
    lines = [
        f"{r.verdict:14}{r.claim.id:{width}}  {_numbers(r.effect)}{r.why}\n{'':14}{r.claim.sentence}" for r in results
    ]
    verdicts = [result.verdict for result in results]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in (HELD, *FAILED, NOT_TESTABLE, NOT_RUN))
    return "\n".join([*lines, f"{counts} ({use.means})"])


def _numbers(estimate: Effect) -> str:
    if isnan(estimate.value):
        return ""
    nearer = estimate.beyond if estimate.beyond < estimate.p else estimate.p  # of a margin: on which side of it
    p = "" if isnan(nearer) else f", Holm p {nearer:.2g}"
    seeds = counted(estimate.shared, "common seed" if len(estimate.seeds) > 1 else "seed")
    if set(estimate.seeds) != {estimate.shared}:
        seeds += f" of {' and '.join(map(str, estimate.seeds))}"
    records = f"and {counted(estimate.records, 'record')}" if estimate.records else "alone"
    return f"{interval(estimate.value, estimate.low, estimate.high)}{p}, over {seeds} {records}: "
