"""The executed copy of a notebook: the same inputs give the same bytes, whatever the hour and the machine."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

# What differs between two equal executions: the file name that a cell gets in a warning, and addresses.
_VARYING = ((re.compile(r"\S*ipykernel_\d+/\d+\.py"), "cell"), (re.compile(r"(?<= at )0x[0-9a-f]{6,}"), "0x..."))
# Of the profile that was set: folders above its file, which are others on another machine.
_FOLDERS = re.compile(r"(?<=\")/.*/(?=[^/]*\.yaml\"$)", re.MULTILINE)


def tidy(executed: Path, source: Path) -> None:
    """Remove timings, random ids, process numbers and the folders of the profile's file from the copy."""
    notebook = nbformat.read(executed, as_version=4)
    known = {cell.get("id") for cell in nbformat.read(source, as_version=4).cells}
    notebook.metadata.pop("papermill", None)
    for position, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill's empty list
        if cell.get("id") not in known:
            cell["id"] = f"run-{position}"
            cell.source = _FOLDERS.sub("", cell.source)
        if cell.cell_type == "code":
            cell.outputs = [_once(output) for output in _in_order(cell.outputs)]
    nbformat.write(notebook, executed)


def _once(output: NotebookNode) -> NotebookNode:
    """A table as HTML alone: as padded text beside it, it was an eighth of all executed notebooks."""
    if "text/html" in (data := output.get("data", {})):
        data.pop("text/plain", None)
    return output


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
