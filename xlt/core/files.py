"""Atomic writing of files, and a reader of YAML that takes `no`, `yes` and dates as text."""

from __future__ import annotations

import gzip
import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write the file so that a reader sees the old content or the new, never a part, even if the process dies.

    The temporary file has the process's number in its name, as two workers may write the same file at once.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(temporary, path)


def gzipped(text: str) -> bytes:
    """Compressed without a name and an hour: the same text gives the same bytes."""
    buffer = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


def unpacked(path: Path) -> bytes:
    """The content of a file, gzipped or not, whatever it is called."""
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


State = tuple[str, int, int, int, int]


def state(path: Path) -> State:
    """What shows that a file has been written again: its path, size, inode, and times of modification and change.

    A key for caches of a file's content. Size and modification time do not suffice: tools such as rsync and tar set
    the time back. The time of change cannot be set.
    """
    stat = path.stat()
    return str(path), stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns


class _Loader(yaml.SafeLoader):
    """Safe YAML with the booleans of YAML 1.2, true and false alone.

    YAML 1.1 reads more words as values, and here they are text: `no` is Norwegian, `yes` may be a label, and a date
    may be a label or the revision of a data set.
    """


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
