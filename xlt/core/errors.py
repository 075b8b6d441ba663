"""One kind of error for everything that the user can mend."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Bad input. The message is one line: what is wrong, where, and how to mend it."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: that line, as the way to it through this package mends nothing."""
        return [str(self)]


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> UserError:
    """An unknown `name` of some `kind`, with the nearest known names or all of them."""
    known = sorted(known)
    near = get_close_matches(str(name), known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
    return UserError(f"unknown {kind} '{name}'{f' in {where}' if where else ''}; {hint}")
