"""Declared settings, read strictly: what is wrong is one line that says where, and what may have been meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from xlt.core.errors import UserError, unknown


def parse(model: type[BaseModel], fields: Any, where: str) -> Any:
    """`fields` as the settings `model`.

    Raises:
        UserError: an unknown setting, or a value of the wrong type.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise UserError(in_words(error, model, where)) from None


def in_words(error: ValidationError, model: type[BaseModel], where: str = "") -> str:
    """The first of pydantic's complaints in one line: where, which field, and what is wrong with it."""
    first = error.errors()[0]
    *above, name = first["loc"] or ("",)
    if first["type"] == "extra_forbidden":
        return str(unknown("setting", str(name), _fields(model, above), where))
    message = first["msg"].lower()
    if first["type"] == "value_error":  # raised by a validator of ours, whose words are to be kept as they are
        message = str(first["ctx"]["error"])
    elif first["type"] != "missing":  # of what is missing, pydantic's input is the whole table
        message += f", got {first['input']!r}"
    path = ".".join(map(str, first["loc"]))
    return ": ".join(part for part in (where, path, message) if part)


def _fields(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Names of the fields of the model nested at `path`, for the "did you mean"."""
    for part in path:
        field = model.model_fields.get(part)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return list(model.model_fields)
