"""The params file of a new task: a dozen lines, with a comment where something was guessed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xlt.lab.newtask.columns import GUESSED, Form
from xlt.lab.newtask.places import ENGLISH, Places
from xlt.spec import tasks

FAR = f"..{os.sep}..{os.sep}.."  # a path that climbs as far is written whole


@dataclass(frozen=True)
class Draft:
    """What the file at `output` says of the task `name`; `sizes` are the numbers of records by language and split."""

    name: str
    output: Path
    places: Places
    form: Form
    sizes: Mapping[tuple[str, str], int]
    examples: tuple[int, int]  # training records, and test records of each language
    epochs: int = 1

    @property
    def trained(self) -> bool:
        return self.form.family != tasks.RETRIEVAL

    @property
    def learned(self) -> str:
        """The language that is learned from: English, else the one with most training records."""
        sizes = {code: size for (code, split), size in self.sizes.items() if split == "train"}
        return ENGLISH if ENGLISH in sizes else max(sizes, key=lambda code: sizes[code])

    def declared(self, absolute: bool = False) -> dict[str, tuple[Any, str]]:
        """The fields of the task, each with its comment."""
        notes = {**self.places.notes, **self.form.notes}
        data = self.places.folder.resolve()
        fields: dict[str, Any] = {"family": self.form.family, "dataset": str(data) if absolute else self._path(data)}
        if self.places.config != "default":
            fields["config"] = self.places.config
        fields["columns"] = dict(self.form.columns)
        if self.form.labels:
            fields["labels"] = list(self.form.labels)
        fields |= {"splits": dict(self.places.splits), "languages": list(self.places.spelled.values())}
        if self.form.metrics:
            fields["metrics"] = list(self.form.metrics)
        return {name: (value, notes.get(name, "")) for name, value in fields.items()}

    def _path(self, data: Path) -> str:
        """The path of the data from the folder of the params file, unless that lies far off."""
        relative = os.path.relpath(data, self.output.resolve().parent)
        if relative.startswith(FAR):
            return str(data)
        return relative if relative.startswith(".") else f"./{relative}"

    def written(self, absolute: bool = False) -> str:
        """The text of the file; with `absolute` the path of the data is whole."""
        name, fields = _flow(self.name), self.declared(absolute)
        lines = [
            f"# Written by `xlt new-task`; what stands behind '{GUESSED.strip()}' is to be looked at.",
            "extends: bare # a small multilingual encoder, three seeds; encoder: {model: ID} takes another one",
            f"description: {_flow(self._description())}",
            "tasks:",
            f"  {name}:",
            *(_line(f"    {field}: {_flow(value)}", comment) for field, (value, comment) in fields.items()),
            "target:",
            self._target(name),
            "evaluation:",
            self._evaluation(),
        ]
        return "\n".join([*lines, ""])

    def _target(self, name: str) -> str:
        if not self.trained:
            return f"  {name}: {{}} # nothing is trained: sentences are searched by the encoder's vectors"
        code, every = self.learned, self.sizes[self.learned, "train"]
        stage: dict[str, Any] = {"examples": self.examples[0]} if self.examples[0] < every else {}
        if self.epochs > 1:
            stage["epochs"] = self.epochs
        often = ", as often as two minutes allow" if self.epochs > 1 else ""
        comments = [_of(self.examples[0], every, "training records") + often]
        if code != ENGLISH:
            stage["languages"] = [self.places.spelled[code]]
            others = [other for other, split in self.sizes if split == "train" and other != code]
            comments += [f"{GUESSED}the language that has most of them"] if others else []
        return _line(f"  {name}: {_flow(stage)}", "; ".join(comments))

    def _evaluation(self) -> str:
        every = max(size for (_, split), size in self.sizes.items() if split == "test")
        settings: dict[str, Any] = {"examples": self.examples[1]} if self.examples[1] < every else {}
        comments = [_of(self.examples[1], every, "test records of a language")]
        if not self.trained:
            settings["layer"] = 12
            comments += ["layer 12 of 12: this encoder was trained to retrieve by it"]
        return _line(f"  default: {_flow(settings)}", "; ".join(comments))

    def _description(self) -> str:
        codes = list(self.places.languages)
        where = ", ".join(codes[:6]) + (f" and {len(codes) - 6} more" if len(codes) > 6 else "")
        return (
            f"{self.name}, learned in {self.learned}, tested in {where}" if self.trained else f"{self.name} in {where}"
        )


def _of(some: int, every: int, what: str) -> str:
    if some >= every:
        return f"all {every:,} {what}"
    return f"of {every:,} {what}, for a first look in two minutes; without examples: all of them"


def _line(text: str, comment: str) -> str:
    return f"{text} # {comment}" if comment else text


def _flow(value: Any) -> str:
    """The value in YAML on one line; in a list, as a text alone would end a document."""
    whole = yaml.safe_dump([value], default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return whole.strip()[1:-1]
