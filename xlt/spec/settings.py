"""Declared settings, read strictly: what is wrong is one line that says where, and what may have been meant."""

from __future__ import annotations

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
        raise _one_line(error, model, where) from None


def _one_line(error: ValidationError, model: type[BaseModel], where: str) -> UserError:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown("setting", path.split(".")[-1], _fields(model, first["loc"][:-1]), where)
    if first["type"] == "value_error":  # said by a validator of ours
        return UserError(": ".join(filter(None, [where, path, str(first["ctx"]["error"])])))
    got = "" if first["type"] == "missing" else f", got {first['input']!r}"
    return UserError(f"{where}: {path}: {first['msg'].lower()}{got}")


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Names of the fields of the model nested at `path`, for the "did you mean"."""
    for part in path:
        field = model.model_fields.get(part)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return list(model.model_fields)
