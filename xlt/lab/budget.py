"""`xlt plan --budget HOURS`: a smaller profile that fits these hours, and what is lost with each cut.

The cuts are tried in a declared order: first what widens intervals within a language, then whole questions, then rows
of the transfer matrix, and the seeds last, because they are the unit of every interval. Each cut is a few lines of YAML
over the profile, so that the proposal is a profile like any other.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from xlt.lab import profiles
from xlt.spec.profile import Profile

ATTACKED, TESTED = 100, 500  # records to which attacks and test sets are cut
_WORTH = 0.005  # the least share of the time that a cut must save


class Cut(NamedTuple):
    """Lines over a profile, and what is lost with them."""

    over: dict[str, Any]
    lost: str


class Proposal(NamedTuple):
    """The text of a smaller profile, what is lost with each cut and how much that saves, and how long it takes."""

    text: str
    lost: list[str]
    hours: float


def cuts(profile: Profile) -> Iterator[Cut]:
    """What can be cut of a profile, the least loss first."""
    yield from _fewer_records(profile)
    for name, plan in reversed(profile.studies.items()):
        yield Cut({"studies": {name: None}}, f"no answer to: {plan.question}")
    for name in reversed(profile.controls):
        yield Cut({"controls": {name: None}}, f"no control '{name}'")
    for name in list(reversed(profile.intermediate))[:-1]:
        yield Cut({"intermediate": {name: None}}, f"no row '{name}' in the transfer matrix")
    for seeds in range(profile.seeds - 1, 1, -1):
        wider = _t(seeds) / math.sqrt(seeds) / (_t(profile.seeds) / math.sqrt(profile.seeds))
        yield Cut(
            {"seeds": seeds}, f"intervals over {seeds} seeds, about {wider:.1f} times as wide as over {profile.seeds}"
        )


def _fewer_records(profile: Profile) -> Iterator[Cut]:
    """A share of half is known the least: its 95 % interval is ± 0.98 / sqrt(records)."""
    attacks = {
        name: {"conditions": {label: {"examples": ATTACKED} for label in labels}}
        for name, plan in profile.studies.items()
        if (labels := [key for key, fields in plan.conditions.items() if _attacked(fields)])
    }
    if attacks:
        right = round(0.6 * ATTACKED)
        lost = f"attacks on {ATTACKED} records: a success rate is known within ±{_half(right)} points in a language"
        yield Cut({"studies": attacks}, lost)
    large = {
        name: {"examples": TESTED} for name, plan in profile.studies.items() if (plan.examples or TESTED + 1) > TESTED
    }
    if large:
        lost = f"studies test {TESTED} records a language: an accuracy is known within ±{_half(TESTED)} points in each"
        yield Cut({"studies": large}, lost)


def _attacked(fields: dict[str, Any]) -> bool:
    return bool(fields.get("attack")) and (fields.get("examples") or ATTACKED + 1) > ATTACKED


def _half(records: int) -> int:
    """Half of the widest 95 % interval of a share of so many records, in points."""
    return round(98 / math.sqrt(records))


def _t(seeds: int) -> float:
    """The factor of a 95 % interval over so many seeds."""
    from scipy.stats import t

    return float(t.ppf(0.975, seeds - 1))


def propose(base: str, hours: float, duration: Callable[[str], float]) -> Proposal:
    """Cut the profile `base` until it fits, or nothing is left to cut.

    A cut that saves next to nothing is not made.

    Args:
        duration: hours of the profile in a YAML file.
    """
    with tempfile.TemporaryDirectory(prefix="xlt-") as folder:
        file = Path(folder, f"{Path(base).stem}.yaml")
        over: dict[str, Any] = {}
        lost: list[str] = []
        file.write_text(_text(base, over), encoding="utf-8")
        whole = left = duration(str(file))
        for cut in cuts(profiles.load(base)):
            if left <= hours:
                break
            tried = _together(over, cut.over)
            file.write_text(_text(base, tried), encoding="utf-8")
            needed = duration(str(file))
            if left - needed > _WORTH * whole:
                over, left, saved = tried, needed, left - needed
                lost.append(f"{cut.lost} (saves {saved:,.1f} h)")
        return Proposal(_text(base, over), lost, left)


def _text(base: str, over: dict[str, Any]) -> str:
    return yaml.safe_dump({"extends": base} | over, sort_keys=False, allow_unicode=True)


def _together(over: Any, more: Any) -> Any:
    """Both tables; what `more` says counts, null too, which takes an entry of the base away."""
    if not (isinstance(over, dict) and isinstance(more, dict)):
        return more
    return over | {key: _together(over.get(key), value) for key, value in more.items()}
