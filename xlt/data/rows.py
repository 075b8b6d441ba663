"""Which training records a stage draws in each of its languages.

Translated training sets are parallel: row i is the same item in every language. One draw for all languages would
hold only as many different items as one of them, and a comparison with as many English records would be one of
less against more. So the languages of a stage share the items out among them, unless the stage says `parallel`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from xlt.core.errors import UserError
from xlt.spec import tasks
from xlt.spec.stage import Part, Stage

DISJOINT = "disjoint"


def together(stage: Stage, part: Part) -> bool:
    """Whether the part draws the same rows in all its languages: as asked for, or to read translation pairs."""
    return stage.parallel or bool(stage.pairs) and tasks.get(part.task).family == tasks.MLM


def identity(stage: Stage) -> dict[str, str]:
    """What decides the drawn rows besides the stage itself: nothing where no two languages draw from one task."""
    languages: dict[str, set[str]] = defaultdict(set)
    for part in stage.parts:
        if part.examples and not together(stage, part):
            languages[tasks.get(part.task).training.name].update(part.languages)
    return {"rows": DISJOINT} if any(len(codes) > 1 for codes in languages.values()) else {}


def bounds(cut: str | None, total: int) -> tuple[int, int]:
    """The first row of a slice such as "70%:", and the one behind its last, of `total` rows."""
    ends = [_place(end, total) if end else None for end in (cut or ":").split(":")]
    low, high, _ = slice(*ends).indices(total)
    return low, max(low, high)


def _place(end: str, total: int) -> int:
    return total * int(end[:-1]) // 100 if end.endswith("%") else int(end)


def open_to(stage: Stage, part: Part, total: int) -> tuple[int, int]:
    """`bounds` of the rows that a part may draw from in one language: the stage's slice is of its own task.

    Raises:
        UserError: the slice leaves none of them.
    """
    low, high = bounds(stage.slice if part.task == stage.task else None, total)
    if low == high:
        none = f"slice {stage.slice!r} leaves none of the {total:,} training records of {part.task}"
        raise UserError(f"stage {stage.name}: {none}; give one that leaves some, such as ':70%'")
    return low, high


def number_open_to(stage: Stage, part: Part, total: int) -> int:
    """How many rows a part may draw from in one language."""
    low, high = open_to(stage, part, total)
    return high - low


class RowDraw:
    """The rows of a stage, drawn part by part and language by language: what one takes the next leaves if it can."""

    def __init__(self, stage: Stage):
        self.stage, self.taken = stage, defaultdict[str, np.ndarray](lambda: np.zeros(0, int))

    def rows(self, part: Part, total: int) -> np.ndarray:
        """The numbers of the rows that `part` takes of the `total` in its next language, in order.

        Text of masked language modelling is drawn alike under every seed: every run reads the same.
        """
        low, high = open_to(self.stage, part, total)
        if not part.examples:
            return np.arange(low, high)
        task = tasks.get(part.task).training
        seed = 0 if task.family == tasks.MLM else self.stage.seed or 0
        before = np.zeros(0, int) if together(self.stage, part) else self.taken[task.name]
        numbers, self.taken[task.name] = least_taken(high - low, part.examples, before, seed)
        return low + numbers


def least_taken(total: int, examples: int, taken: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `examples` of the row numbers below `total`, of those that were `taken` least often, at random.

    Returns:
        the row numbers in order, and how often each row is taken now.
    """
    taken = np.pad(taken, (0, max(0, total - len(taken))))
    order = np.random.default_rng(seed).permutation(total)
    rows = np.sort(order[np.argsort(taken[order], kind="stable")][:examples])
    taken[rows] += 1
    return rows, taken


def told(stages: Iterable[Stage], count: Callable[[Part], int]) -> str:
    """One sentence for each part that draws in several languages; `count`: training records of a part's language."""
    lines = []
    for stage in dict.fromkeys(stages):
        for part in stage.parts:
            if part.examples and len(part.languages) > 1:
                name = stage.name if part.task == stage.task else f"{stage.name}, {part.task}"
                total = number_open_to(stage, part, count(part))
                each = min(part.examples, total)
                own = "each its own, as they are no translations"
                shared = _shared(each, len(part.languages), total, together(stage, part)) if _parallel(part) else own
                several = f"{len(part.languages)} languages ({' '.join(part.languages)})"
                lines.append(f"{name}: {each:,} records in each of {several}, {shared}.")
    return "\n".join(lines) or "No stage draws records in several languages."


def _parallel(part: Part) -> bool:
    """Whether row i is the same item in every language, as far as the declaration says: of translations, of text of
    masked language modelling, and where all languages are read from one set of rows."""
    task = tasks.get(part.task).training
    return bool(task.translation_of) or task.family == tasks.MLM or not task.multilingual


def _shared(each: int, several: int, total: int, alike: bool) -> str:
    if alike:
        return f"the same {each:,} rows in all"
    if each * several <= total:
        return f"no row in two of them: {each * several:,} different rows"
    least, over = divmod(each * several, total)
    often = f"{least} or {least + 1}" if over else least
    return f"more than there are: each of the {total:,} rows is in {often} languages"
