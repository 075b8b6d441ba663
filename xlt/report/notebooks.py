"""Executes the notebooks of a profile, and lets none pass that is wrong or unfinished.

papermill does the work; what it lets through (measured on 2.7) is caught here:

- parameters that the notebook does not have, or of another type: refused before any kernel starts;
- a kernel that was killed, after which papermill marks every cell `completed`: an executed copy counts
  only if each of its code cells has run, in order;
- timings, random ids and process numbers in the copy: removed, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import ast
import json
import logging
import os
import re
import signal
import tempfile
import time
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from pydantic import TypeAdapter, ValidationError

from xlt.core.errors import UserError, unknown
from xlt.core.paths import ROOT, reports_root
from xlt.core.progress import Line, duration

Parameters = Mapping[str, Any]

# No progress bars in saved outputs, no settings of the user's IPython, the same order of sets each time.
_KERNEL_ENV = {
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm asks for widgets, which we do not want
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
# What differs between two equal executions: the file name that a cell gets in a warning, and addresses.
_VARYING = ((re.compile(r"\S*ipykernel_\d+/\d+\.py"), "cell"), (re.compile(r"(?<= at )0x[0-9a-f]{6,}"), "0x..."))

# The folders of a report that its notebooks fill.
WRITTEN = ("notebooks", "tables", "figures", "answers")


class Failure(NamedTuple):
    """Why a notebook stopped: code cell (counted from 1; 0 is "before the first"), kind of error, message."""

    cell: int
    error: str
    message: str


def run_notebooks(
    profile: str,
    only: str | None = None,
    *,
    parameters: Mapping[str, Parameters] | None = None,
    sources: Path = ROOT / "notebooks",
    reports: Path | None = None,
    build: Callable[[str, Path], Path] | None = None,
) -> int:
    """Execute the notebooks in `sources` (or `only` one) into `reports`/<profile>/notebooks, then build the site.

    When all have run, what earlier notebooks left in the report and these did not write again is deleted.
    `parameters` maps a notebook's stem to the values it gets beside `profile`. The first failure stops
    the run. Returns the exit code: 0, 1 after a failure, 130 after Ctrl-C.

    Raises:
        UserError: no such notebook, or parameters that do not fit; nothing has been started then.
    """
    chosen = select(only, sources)
    given = _checked(profile, parameters or {}, sources)
    reports = (reports or reports_root()).resolve()
    folder, start = reports / Path(profile).stem, time.monotonic()
    for name in ("papermill", "asyncio"):  # we say what failed; after Ctrl-C a task is left, which is no news
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        began = _now(folder)
        for number, source in enumerate(chosen):
            head = f"[{number + 1}/{len(chosen)}] {source.stem}"
            if failure := _run_one(source, folder, given[source.stem], head):
                _explain(failure, folder / "failures" / source.name, chosen[number + 1 :])
                return 1
        if only is None:
            _delete_older(folder, began)
        index = (build or _build_site)(folder.name, reports)
    except KeyboardInterrupt:
        print("interrupted; everything finished so far is kept; run again to go on")
        return 130
    print(f"{len(chosen)} notebook{'s' * (len(chosen) > 1)} and the report in {duration(time.monotonic() - start)}")
    print(f"report: {_short(index)}")
    return 0


def _now(folder: Path) -> float:
    """By the clock of the file system, which may be on another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def _delete_older(folder: Path, began: float) -> None:
    for name in WRITTEN:
        for path in (folder / name).rglob("*"):
            if path.is_file() and path.stat().st_mtime < began - 2:  # the coarsest clocks count in steps of 2 s
                path.unlink()


def _build_site(profile: str, reports: Path) -> Path:
    from xlt.report.site import build

    return build(profile, reports)


# which notebooks, with which parameters -----------------------------------------------------


def notebooks(sources: Path) -> list[Path]:
    """The sources in reading order: the phases NN_name.ipynb, the studies study_name.ipynb, then 99_report.ipynb."""
    found = [*sources.glob("[0-9][0-9]_*.ipynb"), *sources.glob("study_*.ipynb")]
    return sorted(found, key=lambda path: (path.stem.startswith("99"), path.stem))


def select(only: str | None, sources: Path) -> list[Path]:
    """All notebooks, or the one that `only` names: by file name, stem, number, or name without number.

    Raises:
        UserError: there is none, or none of that name.
    """
    found = notebooks(sources)
    if not found:
        raise UserError(f"no notebooks (NN_name.ipynb, study_name.ipynb) in {_short(sources)}")
    if only is None:
        return found
    wanted = Path(only).name.removesuffix(".ipynb")
    for path in found:
        number, name = path.stem.split("_", 1)
        if wanted in (path.stem, number, name) or (
            wanted.isdigit() and number.isdigit() and int(wanted) == int(number)
        ):
            return [path]
    raise unknown("notebook", wanted, [path.stem for path in found], _short(sources))


def _checked(profile: str, parameters: Mapping[str, Parameters], sources: Path) -> dict[str, Parameters]:
    """What each notebook is given, wholly checked. All are, so that an error does not wait for its notebook's turn."""
    stems = [path.stem for path in notebooks(sources)]
    where = f"the profile {Path(profile).stem}"
    for stem in parameters:
        if stem not in stems:
            raise unknown("notebook", stem, stems, where)
    given = {stem: {**parameters.get(stem, {}), "profile": profile} for stem in stems}
    for path in notebooks(sources):
        check_parameters(path, given[path.stem], where)
    return given


def check_parameters(path: Path, given: Parameters, where: str) -> None:
    """Compare what is `given` (by `where`, as it is called in errors) with the notebook's parameters cell.

    Raises:
        UserError: a parameter that the notebook does not have, or a value that is not of its type.
    """
    known = declared(path)
    for name, value in given.items():
        if name not in known:
            raise unknown(f"parameter of {path.stem}", name, known, where)
        if not _fits(value, known[name]):
            got = f"{value!r} ({type(value).__name__})"
            raise UserError(f"{where}: parameter '{name}' of {path.stem} must be {known[name]}, got {got}")


def _fits(value: Any, annotation: str) -> bool:
    """Strictly as in JSON: a list may be a tuple and an int a float, but "3" is no number and 1.5 no int."""
    try:
        TypeAdapter(eval(annotation, dict(vars(typing)))).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError:
        return False
    return True


def declared(path: Path) -> dict[str, str]:
    """Name -> annotation, from the cell tagged `parameters`.

    Raises:
        UserError: the notebook has no such cell, or a line in it is no annotated assignment.
    """
    cells = [cell for cell in _read(path).cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise UserError(f"{path.name} has {len(cells)} cells tagged 'parameters'; exactly one is needed")
    found = {}
    for line in ast.parse(cells[0].source).body:
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)):
            raise UserError(f"{path.name}: '{ast.unparse(line)}' in the parameters cell is not 'name: type = value'")
        found[line.target.id] = ast.unparse(line.annotation)
    return found


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise UserError(f"{path.name} is not a readable notebook: {str(error).splitlines()[0]}") from None


# execution ----------------------------------------------------------------------------------


def _run_one(source: Path, folder: Path, given: Parameters, head: str) -> Failure | None:
    """Execute beside the target; then rename onto the target, or into failures/."""
    target, failed = folder / "notebooks" / source.name, folder / "failures" / source.name
    unfinished = target.with_name(f".{source.stem}.tmp.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="xlt-") as scratch, Line(head, Path(scratch, "progress")) as line:
            environment = _KERNEL_ENV | {"IPYTHONDIR": scratch, "XLT_PROGRESS": str(line.file)}
            environment["XLT_REPORTS"] = str(folder.parent)
            failure = execute(source, unfinished, given, environment, line.at_cell)
            line.outcome = "failed after" if failure else "done in"
        tidy(unfinished, source)
        failed.unlink(missing_ok=True)
        if failure:
            failed.parent.mkdir(exist_ok=True)
        os.replace(unfinished, failed if failure else target)
    finally:
        unfinished.unlink(missing_ok=True)
    return failure


def execute(
    source: Path, target: Path, given: Parameters, environment: dict[str, str], at_cell: Callable[[int, int], None]
) -> Failure | None:
    """Execute `source` into `target`; what went wrong, if anything. `at_cell` hears of each code cell begun."""
    total = sum(map(_runs, _read(source).cells)) + 1  # papermill adds the cell with the values given
    number = 0

    def on_cell_start(cell: NotebookNode, **_: Any) -> None:
        nonlocal number
        if _runs(cell):
            number += 1
            at_cell(number, total)

    with tempfile.TemporaryFile() as log:
        try:
            executed = papermill.execute_notebook(
                str(source),
                str(target),
                dict(given),
                cwd=str(source.parent),  # as in JupyterLab
                kernel_name="python3",
                language="python",
                kernel_manager_class=type("Kernel", (ThisPython,), {"environment": environment, "words": log}),
                on_cell_start=on_cell_start,
                progress_bar=False,
                record_timing=False,
                coalesce_streams=True,
                iopub_timeout=60,  # seconds that outputs may lag behind a cell; 4 are too few on a busy machine
                start_timeout=120,
            )
        except (PapermillExecutionError, DeadKernelError, RuntimeError) as error:
            return _diagnosis(error, number, log)
    return incomplete(executed)


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _diagnosis(error: Exception, cell: int, log: IO[bytes]) -> Failure:
    if isinstance(error, PapermillExecutionError):
        return Failure(error.exec_count or cell, error.ename, error.evalue)
    if isinstance(error, DeadKernelError):
        return Failure(cell, "killed", f"the kernel was killed in cell {cell} (out of memory?)")
    if "Kernel died" not in str(error):  # which is what nbclient says when it died while starting
        return Failure(cell, type(error).__name__, str(error))
    log.seek(0)
    last_words = log.read().decode(errors="replace").strip().splitlines()[-1:]
    return Failure(0, "no kernel", ": ".join(["the kernel did not start", *last_words]))


def incomplete(notebook: NotebookNode) -> Failure | None:
    """The first code cell that did not run in its turn; papermill's own status says `completed` even then."""
    for number, cell in enumerate(filter(_runs, notebook.cells), 1):
        if cell.execution_count is None:
            return Failure(number, "not executed", f"the notebook ended before cell {number}")
        if cell.execution_count != number:
            return Failure(number, "out of order", f"cell {number} has execution count {cell.execution_count}")
    return Failure(0, "exception", "papermill noted an exception") if notebook.metadata.papermill.exception else None


class ThisPython(AsyncKernelManager):
    """A kernel that is this very interpreter, whatever kernelspecs are installed; its children end with it."""

    environment: dict[str, str]
    words: IO[bytes]  # what it says beside the notebook's outputs

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())

    async def start_kernel(self, **options: Any) -> None:
        await super().start_kernel(
            **options, env={**os.environ, **self.environment}, stdout=self.words, stderr=self.words
        )

    async def cleanup_resources(self, restart: bool = False) -> None:
        group = getattr(self.provisioner, "pgid", None)  # a kernel leads a process group of its own
        if group and group != os.getpgid(0):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        await super().cleanup_resources(restart)


# the executed copy, and what is said --------------------------------------------------------


def tidy(executed: Path, source: Path) -> None:
    """Remove from the copy what differs between two equal executions."""
    notebook, known = _read(executed), {cell.get("id") for cell in _read(source).cells}
    notebook.metadata.pop("papermill", None)
    for position, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill's empty list
        if cell.get("id") not in known:
            cell["id"] = f"run-{position}"
        if cell.cell_type == "code":
            cell.outputs = _in_order(cell.outputs)
    nbformat.write(notebook, executed)


def _in_order(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Neighbouring streams as one stdout and one stderr: how they were cut and mixed is chance."""
    result: list[NotebookNode] = []
    streams: dict[str, NotebookNode] = {}
    for output in outputs:
        if output.output_type != "stream":
            result += [streams.pop(name) for name in sorted(streams, reverse=True)] + [output]
        elif output.name in streams:
            streams[output.name].text += output.text
        else:
            streams[output.name] = output
        _mask(output)
    return result + [streams.pop(name) for name in sorted(streams, reverse=True)]


def _mask(output: NotebookNode) -> None:
    texts = output if output.output_type == "stream" else output.get("data", {})
    for key in {"text", "text/plain"} & texts.keys():
        for pattern, replacement in _VARYING:
            texts[key] = pattern.sub(replacement, texts[key])


def _short(path: Path) -> str:
    """Relative to where the reader is, if it is below."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _explain(failure: Failure, kept: Path, not_run: list[Path]) -> None:
    """At most ten lines: where, what, the notebook as far as it came, and what was not run."""
    where = f"cell {failure.cell}" if failure.cell else "no cell"
    most = None if failure.error == "UserError" else 300  # ours is one line, which ends with how to mend it
    message = [line[:most] for line in failure.message.splitlines() if line.strip()] or ["(no message)"]
    print(f"{kept.name}, {where}: {failure.error}")
    print("\n".join(f"    {line}" for line in message[:5]))
    if "No space left on device" in failure.message:
        print("the disk is full: free some space and run again; finished runs are kept")
    print(f"the notebook as far as it came: {_short(kept)}")
    if not_run:
        print(f"not run: {', '.join(path.stem for path in not_run)}")
