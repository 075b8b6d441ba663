"""Progress of a long computation, from where it runs to the reader's terminal.

The code that works calls `report`. Inside a notebook that `xlt run` executes, this appends a JSON line to the file
named by XLT_PROGRESS, and `Line` shows the last one in the parent process. A file and not standard output, because
what a notebook prints is saved with it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar, TextIO

_INTERVAL = 0.5  # seconds between two updates on a terminal
_last_report = 0.0


def duration(seconds: float) -> str:
    """In words: "8 s", "1 min 20 s", "2 h 05 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def describe(done: int, total: int, left_s: float | None = None, what: str = "") -> str:
    """The run at work, in words: "run 4 of 9: mnli · 1 min 20 s left", where `done` is 3."""
    text = f"run {min(done + 1, total)} of {total}" + (f": {what}" if what else "")
    return text + (f" · {duration(left_s)} left" if left_s is not None and done < total else "")


def report(done: int, total: int, left_s: float | None = None, what: str = "") -> None:
    """Tell the reader that `done` of `total` runs are finished. Cheap in a loop: most calls do nothing."""
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
    except (OSError, IndexError, ValueError, TypeError):  # no file, an empty one, or a line that is half written
        return ""


class Line:
    """The progress line of one notebook, or of the grid: rewritten in place on a terminal, else printed every 30 s.

    Of several at work a terminal shows the one that began first; each leaves its last line when it ends.
    """

    _at_work: ClassVar[list[Line]] = []

    def __init__(self, head: str, file: Path | None = None, out: TextIO | None = None, every: float | None = None):
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
        if self.file:
            self.file.unlink(missing_ok=True)  # so that the progress of the cell before is not shown for this one

    def report(self, done: int, total: int, left_s: float | None = None, what: str = "") -> None:
        """As the function of this name, for runs that this very process hands out."""
        self.cell = describe(done, total, left_s, what)

    def __enter__(self) -> Line:
        self._at_work.append(self)
        self._write("started")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._at_work.remove(self)
        self._write(f"{self.outcome} {duration(self.seconds)}", end="\n")

    def _tick(self) -> None:
        while not self._stop.wait(self.every):
            if self.tty and self._at_work[0] is not self:
                continue  # two would rewrite each other's line
            self._write(" · ".join(filter(None, (self.cell, self.file and latest(self.file)))))

    def _write(self, text: str, end: str = "") -> None:
        text = f"{self.head}  {text}"
        if self.tty:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end=end, file=self.out, flush=True)
        else:
            print(text, file=self.out, flush=True)


_subjects: set[tuple[object, ...]] = set()  # of the lines that this process has printed


def say_once(*about: object, line: str) -> None:
    """As `say`, for what would be said of every language of a task: the line adds that the others go without."""
    say(*about, line=f"{line} (said once for a task)")


def say(*about: object, line: str) -> None:
    """Print a line on stderr, unless this process has printed one `about` the same subject."""
    if about not in _subjects:
        _subjects.add(about)
        print(line, file=sys.stderr)
