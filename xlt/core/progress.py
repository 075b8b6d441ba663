"""Progress of a long computation, from where it runs to the reader's terminal.

Code that works calls `report`; inside a notebook that `xlt run` executes this appends a JSON line to the
file XLT_PROGRESS, which `Line` in the parent process shows. Nothing of it gets into saved outputs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

_INTERVAL = 0.5  # seconds between two updates on a terminal
_FIRST = 5  # places that a line names
_last_report = 0.0


def duration(seconds: float) -> str:
    """In words: "8 s", "1 min 20 s", "2 h 05 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def describe(done: int, total: int, left_s: float | None = None, what: str = "") -> str:
    """`done` counts what is finished, so the one at work is the next: "run 4 of 9: mnli · 1 min 20 s left"."""
    text = f"run {min(done + 1, total)} of {total}" + (f": {what}" if what else "")
    return text + (f" · {duration(left_s)} left" if left_s is not None and done < total else "")


def report(done: int, total: int, left_s: float | None = None, what: str = "") -> None:
    """Tell the reader that `done` of `total` runs are finished; cheap enough to be called in a loop."""
    global _last_report
    finished, now = done >= total, time.monotonic()
    if now - _last_report < _INTERVAL and not finished:
        return
    _last_report = now
    if path := os.environ.get("XLT_PROGRESS"):
        _append(path, {"done": done, "total": total, "left_s": left_s, "what": what})
    elif sys.stderr.isatty() or "ipykernel" in sys.modules:
        print("\r" + describe(done, total, left_s, what).ljust(79), end="\n" if finished else "", file=sys.stderr)


def _append(path: str, record: dict) -> None:
    """One write of one line, so that several processes may report into one file."""
    with open(path, "ab", buffering=0) as file:
        file.write(json.dumps(record).encode() + b"\n")


def latest(path: Path) -> str:
    """The newest report in the file, in words; empty if there is none yet."""
    try:
        lines = path.read_bytes()[-4096:].splitlines()
        return describe(**json.loads(lines[-1]))
    except (OSError, IndexError, ValueError, TypeError):  # no file, nothing in it, or a line half written
        return ""


class Line:
    """The progress line of one notebook: rewritten in place on a terminal, else printed every 30 seconds."""

    def __init__(self, head: str, file: Path, out: TextIO | None = None, every: float | None = None):
        self.head, self.file, self.out = head, file, out or sys.stdout
        self.tty = self.out.isatty()
        self.every = every or (_INTERVAL if self.tty else 30.0)
        self.cell, self.outcome, self.start = "starting", "stopped after", time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def at_cell(self, number: int, total: int) -> None:
        self.cell = f"cell {number}/{total}"
        self.file.unlink(missing_ok=True)  # what the cell before reported is over

    def __enter__(self) -> Line:
        self._write("started")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._write(f"{self.outcome} {duration(self.seconds)}", end="\n")

    def _tick(self) -> None:
        while not self._stop.wait(self.every):
            self._write(" · ".join(filter(None, (self.cell, latest(self.file)))))

    def _write(self, text: str, end: str = "") -> None:
        text = f"{self.head}  {text}"
        if self.tty:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end=end, file=self.out, flush=True)
        else:
            print(text, file=self.out, flush=True)


_said: set[tuple[object, ...]] = set()


def say_once(*about: object, line: str) -> None:
    """A line on stderr, for the first that says something `about` the same, such as the first language of a task."""
    say(*about, line=f"{line} (said once for a task)")


def say(*about: object, line: str) -> None:
    """A line on stderr, unless one `about` the same has been said."""
    if about not in _said:
        _said.add(about)
        print(line, file=sys.stderr)


def counted(number: int, what: str) -> str:
    """ "1 row", "2,000 rows"."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def places(numbers: Sequence[int], what: str = "row") -> str:
    """The first of them in words: "line 3"; "rows 3, 8, 12, 20, 21 and 7 more"."""
    first = ", ".join(map(str, numbers[:_FIRST]))
    more = f" and {len(numbers) - _FIRST:,} more" if len(numbers) > _FIRST else ""
    return f"{what}{'s' * (len(numbers) > 1)} {first}{more}"
