"""One notebook executed by papermill in a kernel of this very Python, and what went wrong, if anything.

papermill marks every cell `completed` after its kernel was killed (measured on 2.7), so an executed copy counts only
if each of its code cells has run, in order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
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

# No progress bars in saved outputs, no settings of the user's IPython, the same order of sets each time.
_KERNEL_ENV = {
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm asks for widgets, which we do not want
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}


class Failure(NamedTuple):
    """Why a notebook stopped: code cell (counted from 1; 0 is "before the first"), kind of error, message."""

    cell: int
    error: str
    message: str


def execute(
    source: Path, target: Path, profile: str, environment: dict[str, str], at_cell: Callable[[int, int], None]
) -> Failure | None:
    """Execute `source` for a profile into `target`; what went wrong, if anything.

    `environment` is added to the kernel's. `at_cell` is called with the number of each code cell that begins, and how
    many there are.
    """
    cells = nbformat.read(source, as_version=4).cells
    total = sum(map(_runs, cells)) + 1  # papermill adds the cell that sets the profile
    number = 0

    def on_cell_start(cell: NotebookNode, **_: Any) -> None:
        nonlocal number
        if _runs(cell):
            number += 1
            at_cell(number, total)

    with tempfile.TemporaryFile() as log:
        kernel = type("Kernel", (ThisPython,), {"environment": _KERNEL_ENV | environment, "printed": log})
        try:
            executed = papermill.execute_notebook(
                str(source),
                str(target),
                {"profile": profile},
                cwd=str(source.parent),  # as in JupyterLab
                kernel_name="python3",
                language="python",
                kernel_manager_class=kernel,
                on_cell_start=on_cell_start,
                progress_bar=False,
                record_timing=False,
                coalesce_streams=True,
                iopub_timeout=60,  # seconds that outputs may lag behind a cell; 4 are too few on a busy machine
                start_timeout=120,
            )
        except (PapermillExecutionError, DeadKernelError, RuntimeError) as error:
            if _stopping.is_set():
                raise KeyboardInterrupt from None
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


_stopping = threading.Event()
_groups: set[int] = set()  # process groups of the kernels at work: each leads one of its own


@contextlib.contextmanager
def stopping_kernels() -> Iterator[None]:
    """An interruption within the block kills the kernels that threads execute notebooks in: Ctrl-C does not reach them.

    `execute` then ends with KeyboardInterrupt in every thread.
    """
    _stopping.clear()
    try:
        yield
    except KeyboardInterrupt:
        _stopping.set()
        for group in tuple(_groups):
            _kill(group)
        raise


def _kill(group: int) -> None:
    if group and group != os.getpgid(0):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


class ThisPython(AsyncKernelManager):
    """A kernel that is this very interpreter, whatever kernelspecs are installed; its children end with it."""

    environment: dict[str, str]
    printed: IO[bytes]  # what the kernel prints beside the notebook's outputs; `log` is taken by traitlets

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())

    async def start_kernel(self, **options: Any) -> None:
        await super().start_kernel(
            **options, env={**os.environ, **self.environment}, stdout=self.printed, stderr=self.printed
        )
        _groups.add(self._group)
        if _stopping.is_set():  # while this one started
            _kill(self._group)

    async def cleanup_resources(self, restart: bool = False) -> None:
        _groups.discard(self._group)
        _kill(self._group)
        await super().cleanup_resources(restart)

    @property
    def _group(self) -> int:
        return getattr(self.provisioner, "pgid", None) or 0
