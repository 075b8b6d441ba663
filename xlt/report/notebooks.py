"""Executes the notebooks of a profile in reading order, then builds the report; after a failure no other one begins."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from xlt.core.errors import UserError
from xlt.core.paths import reports_root, shortened
from xlt.core.progress import Line, duration
from xlt.core.text import counted
from xlt.lab import profiles
from xlt.lab.selection import LAST, NOTEBOOKS, left_out_line, of_profile
from xlt.report.executed import tidy
from xlt.report.execution import Failure, execute, stopping_kernels

# What the notebooks of a report leave in it.
_PAGES = ("notebooks/**/*", "tables/**/*", "figures/**/*", "answers/**/*")
_SCORES = ("scores*", "runs*", "outcomes*")


def run_notebooks(
    profile: str,
    only: str | None = None,
    at_once: int = 1,
    *,
    sources: Path = NOTEBOOKS,
    reports: Path | None = None,
    build: Callable[[str, Path, Sequence[str]], Path] | None = None,
) -> int:
    """Execute the notebooks in `sources` (or `only` one) into `reports`/<profile>/notebooks, then build the site.

    At most `at_once` of them are at work at a time; the last, which reads what the others leave, is executed alone.
    Those of studies that the profile does not declare are left out, which a line says.
    When all have run, what earlier notebooks left in the report and these did not write again is deleted; the files of
    scores before the last notebook, which reads them. With `only` one, all that others left is kept.
    Returns the exit code: 0, 1 after a failure, 130 after Ctrl-C.

    Raises:
        UserError: no such notebook, or one that takes no profile; nothing has been started then.
    """
    settings = profiles.load(profile)
    selection = of_profile(settings, only, sources)
    chosen = selection.chosen
    for path in chosen:
        check_parameters(path)
    reports = (reports or reports_root()).resolve()
    folder, start = reports / Path(profile).stem, time.monotonic()
    for name in ("papermill", "asyncio"):  # we say what failed; after Ctrl-C a task is left, which is no news
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        if line := left_out_line(selection, settings):
            print(line)
        began, whole = _now(folder), only is None
        read_last = _SCORES if whole else ()
        if not _run_all(chosen, folder, profile, at_once, lambda: _delete_older(folder, read_last, began)):
            return 1
        if whole:
            _delete_older(folder, _PAGES, began)
            shutil.rmtree(folder / "failures", ignore_errors=True)  # none has stopped this time
        asked = [path.stem for path in of_profile(settings, sources=sources).chosen]
        index = (build or _build_site)(folder.name, reports, asked)
    except KeyboardInterrupt:
        print("interrupted; everything finished so far is kept; run again to go on")
        return 130
    print(f"{counted(len(chosen), 'notebook')} and the report in {duration(time.monotonic() - start)}")
    print(f"report: {shortened(index)}")
    return 0


def _now(folder: Path) -> float:
    """By the clock of the file system, which may be on another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def _delete_older(folder: Path, patterns: Sequence[str], began: float) -> None:
    for path in [path for pattern in patterns for path in folder.glob(pattern)]:
        if path.is_file() and path.stat().st_mtime < began - 2:  # the coarsest clocks count in steps of 2 s
            path.unlink()


def _build_site(profile: str, reports: Path, asked: Sequence[str]) -> Path:
    from xlt.report.site import build

    return build(profile, reports, asked)


def check_parameters(path: Path) -> None:
    """Make sure that the notebook takes a profile: in papermill an unknown parameter is only a warning.

    Raises:
        UserError: the file is no notebook, or has no cell tagged `parameters` that sets `profile`.
    """
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (ValueError, nbformat.ValidationError) as error:
        raise UserError(f"{path.name} is not a readable notebook: {str(error).splitlines()[0]}") from None
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise UserError(f"{path.name} has {len(tagged)} cells tagged 'parameters'; exactly one is needed")
    if not re.search(r"^profile\s*(:\s*str\s*)?=", tagged[0].source, re.MULTILINE):
        raise UserError(f"{path.name}: its cell tagged 'parameters' does not set 'profile'")


def _run_all(chosen: list[Path], folder: Path, profile: str, at_once: int, before_last: Callable[[], object]) -> bool:
    """Execute them all, each in a kernel of its own, and `before_last` once the others went well; whether all did."""
    ended: dict[Path, Failure | None] = {}

    def run(source: Path) -> None:
        if not any(ended.values()):
            head = f"[{chosen.index(source) + 1}/{len(chosen)}] {source.stem}"
            ended[source] = _run_one(source, folder, profile, head)

    gathering = [source for source in chosen if source.stem.startswith(LAST)]
    with ThreadPoolExecutor(at_once) as pool, stopping_kernels():
        list(pool.map(run, [source for source in chosen if source not in gathering]))
        if not any(ended.values()):
            before_last()
        list(pool.map(run, gathering))
    failures = {source: ended[source] for source in chosen if ended.get(source)}
    for source, failure in failures.items():
        _explain(failure, folder / "failures" / source.name)
    if failures and (not_run := [source.stem for source in chosen if source not in ended]):
        print(f"not run: {', '.join(not_run)}")
    return not failures


# ---- one notebook ----------------------------------------------------------------------------------


def _run_one(source: Path, folder: Path, profile: str, head: str) -> Failure | None:
    """Execute beside the target; then rename onto the target, or into failures/."""
    target, failed = folder / "notebooks" / source.name, folder / "failures" / source.name
    unfinished = target.with_name(f".{source.stem}.tmp.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="xlt-") as scratch, Line(head, Path(scratch, "progress")) as line:
            environment = {"IPYTHONDIR": scratch, "XLT_PROGRESS": str(line.file), "XLT_REPORTS": str(folder.parent)}
            failure = execute(source, unfinished, profile, environment, line.at_cell)
            line.outcome = "failed after" if failure else "done in"
        tidy(unfinished, source)
        for old in (failed, failed.with_suffix(".html")):
            old.unlink(missing_ok=True)
        if failure:
            failed.parent.mkdir(exist_ok=True)
        os.replace(unfinished, failed if failure else target)
    finally:
        unfinished.unlink(missing_ok=True)
    return failure


def _explain(failure: Failure, kept: Path) -> None:
    """At most nine lines: where, what, and the notebook as far as it came."""
    where = f"cell {failure.cell}" if failure.cell else "no cell"
    most = None if failure.error == "UserError" else 300  # ours is one line, which ends with how to mend it
    message = [line[:most] for line in failure.message.splitlines() if line.strip()] or ["(no message)"]
    print(f"{kept.name}, {where}: {failure.error}")
    print("\n".join(f"    {line}" for line in message[:5]))
    if "No space left on device" in failure.message:
        print("the disk is full: free some space and run again; finished runs are kept")
    print(f"the notebook as far as it came: {shortened(kept)}")
