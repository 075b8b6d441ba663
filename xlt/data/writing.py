"""Data sets that commands of this project write: a folder in hub layout, a config each, a card that names them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from xlt.core.files import write_atomically


def split(folder: Path, config: str, name: str, table: pa.Table) -> None:
    """Write a split of one config."""
    (folder / config).mkdir(parents=True, exist_ok=True)
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    write_atomically(folder / config / f"{name}-00000-of-00001.parquet", buffer.getvalue().to_pybytes())


def card(folder: Path, text: str) -> None:
    """Write the card: all configs that are there with their splits, then `text`."""
    files: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.glob("*/*.parquet")):
        place = {"split": path.name.split("-")[0], "path": f"{path.parent.name}/{path.name}"}
        files.setdefault(path.parent.name, []).append(place)
    configs = [{"config_name": name, "data_files": places} for name, places in files.items()]
    head = yaml.safe_dump({"configs": configs}, sort_keys=False)
    write_atomically(folder / "README.md", f"---\n{head}---\n\n{text}\n")
