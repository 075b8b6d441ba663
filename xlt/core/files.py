"""Files that are written whole or not at all, and YAML that is read as its authors mean it."""

from __future__ import annotations

import gzip
import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml


def write_atomically(path: Path, content: str | bytes) -> None:
    """The whole file or none of it, whatever happens in between."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(temporary, path)


def gzipped(text: str) -> bytes:
    """Compressed without a name and an hour: the same text gives the same bytes."""
    buffer = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


State = tuple[str, int, int, int, int]


def state(path: Path) -> State:
    """What differs once a file has been written again, even where its size and its time are put back: its path, size,
    inode and the times of its last modification and change. For what is kept in memory of a file's content."""
    found = path.stat()
    return str(path), found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


class _Loader(yaml.SafeLoader):
    """Safe YAML with the booleans of YAML 1.2, true and false alone: `no` is Norwegian, `yes` may be a label. A date is
    text, as it may be a label, too, or a revision."""


_BOOL, _TRUE_OR_FALSE = "tag:yaml.org,2002:bool", re.compile("(?:true|false)$", re.IGNORECASE)
_DATE = "tag:yaml.org,2002:timestamp"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, _TRUE_OR_FALSE if tag == _BOOL else pattern) for tag, pattern in resolvers if tag != _DATE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> Any:
    """What the file holds.

    Raises:
        yaml.YAMLError, UnicodeDecodeError: it is no YAML in UTF-8, with or without a byte-order mark.
    """
    return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)  # a safe loader
