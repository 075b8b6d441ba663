"""How the text files of a task are read, as far as it declares that."""

from __future__ import annotations

import csv
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Read(BaseModel):
    """How the text files of a task are read where that cannot be seen from them, in the words of pandas.

    sep         the separator of columns: ",", ";", "\\t", " "
    quoting     none: quotes are read as they stand; minimal: as those of CSV
    names       of the columns, where the first line does not name them
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    sep: str = Field("", max_length=1)
    quoting: Literal["", "none", "minimal"] = ""
    names: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Those that are declared, as pandas takes them."""
        quoting = {"none": csv.QUOTE_NONE, "minimal": csv.QUOTE_MINIMAL}.get(self.quoting)
        options = {"sep": self.sep, "quoting": quoting, "names": self.names}
        return {name: value for name, value in options.items() if value not in ("", None, ())}
