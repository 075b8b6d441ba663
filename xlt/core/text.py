"""How values read in tables, captions and answers. Scores are fractions everywhere; points (x 100) are made here."""

import re
from collections.abc import Iterable, Sequence
from math import isnan

NOT_RUN = "not run"  # in a cell of what has no score
DASH = "–"  # in a cell that has nothing to say
_LISTED = 5  # numbers that are listed before "and 7 more"


def points(value: float, sign: bool = False, digits: int = 1) -> str:
    """A fraction in points, one decimal, with a true minus sign."""
    return f"{100 * value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def points_or_dash(value: float, sign: bool = False) -> str:
    """A fraction in points; a dash for nan."""
    return DASH if isnan(value) else points(value, sign)


def within_scale(value: float) -> str:
    """The least difference that a design can find, in points; no score differs by more than 100 of them."""
    return "none within the scale" if value > 1 else points_or_dash(value)


def detectable(found: Iterable[float]) -> str:
    """The least differences that designs can find, fractions, "1.9 to 4.2 points"; "" where none is known.

    What is more than the scale has is said as `within_scale` does.
    """
    known = [value for value in found if not isnan(value)]
    within = [value for value in known if value <= 1]
    if not within:
        return within_scale(known[0]) if known else ""
    ends = dict.fromkeys(map(points, (min(within), max(within))))
    beyond = len(known) - len(within)
    return f"{' to '.join(ends)} points" + (f", in {counted(beyond, 'case')} none within the scale" if beyond else "")


def bounds(low: float, high: float, sign: bool = False) -> str:
    """The bounds of an interval in points, "[17.8, 26.2]"; "" where there is no interval."""
    return "" if isnan(low) else f"[{_bound(low, sign)}, {_bound(high, sign)}]"


def _bound(value: float, sign: bool) -> str:
    # a single decimal would hide on which side of zero such a bound lies
    return points(value, sign, digits=2 if 0 < abs(value) < 5e-4 else 1)


def interval(value: float, low: float, high: float, sign: bool = True, unit: str = "") -> str:
    """A difference with its interval: "+22.0 [+17.8, +26.2]"; with `unit`, "+22.0 points [+17.8, +26.2]".

    `sign`: whether the bounds are written with a plus sign too.
    """
    return " ".join(filter(None, [points(value, sign=True), unit, bounds(low, high, sign)]))


def plus_minus(value: float, high: float, sign: bool = False) -> str:
    """A mean and half of its interval: "71.3 ± 1.2"; the mean alone where there is no interval."""
    if isnan(value):
        return NOT_RUN
    return points(value, sign) if isnan(high) else f"{points(value, sign)} ± {points(high - value)}"


def fewer_seeds(seeds: int, most: int) -> str:
    """How many of the seeds a mean is of, where they are not all: "(2 of 3 seeds)"; else ""."""
    return f"({seeds} of {most} seeds)" if 0 < seeds < most else ""


def plain(text: str) -> str:
    """A text in which Markdown finds no marks, links, tags or mathematics, nor the beginning of a list or a heading."""
    return re.sub(r"([\\|*_`<\[\]$~&]|^[-+=#>])", r"\\\1", text).replace("\n", "<br>")


def counted(number: int | str, noun: str) -> str:
    """A number of things: "1 row", "2,000 rows"; of a number that is written already, "1.5 hours"."""
    written = number if isinstance(number, str) else f"{number:,}"
    return f"{written} {noun if written == '1' else noun + 's'}"


def places(numbers: Sequence[int], noun: str = "row") -> str:
    """Where something is: "line 3"; "rows 3, 8, 12, 20, 21 and 7 more"."""
    listed = ", ".join(map(str, numbers[:_LISTED]))
    more = f" and {len(numbers) - _LISTED:,} more" if len(numbers) > _LISTED else ""
    return f"{noun if len(numbers) == 1 else noun + 's'} {listed}{more}"
