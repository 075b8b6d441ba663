"""What is claimed, declared in params/claims.yaml before anything ran; `claim_checks` holds it against score files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BeforeValidator, Field, model_validator

from xlt.core import paths
from xlt.core.errors import UserError, unknown
from xlt.core.files import read_yaml
from xlt.spec import settings, tasks
from xlt.spec.conditions import UNCHANGED
from xlt.spec.groups import ZERO_SHOT
from xlt.spec.study import Settings

FILE = paths.ROOT / "params" / "claims.yaml"


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


Values = Annotated[tuple[str | float, ...], BeforeValidator(_several)]


class Rows(Settings):
    """Which rows of a score file: column -> the value, or the values to average over.

    `language` may be "zero-shot" (all but those of training) or "all", `language_b` (of the second text of a pair)
    "other": any but the first text's. Without `metric` it is each task's main metric. Conditions not named are absent:
    clean texts.
    """

    recipe: Values | None = None
    intermediate: Values | None = None
    task: Values | None = None
    language: Values = (ZERO_SHOT,)
    metric: Values | None = None
    split: Values | None = None
    perturbation: Values = (UNCHANGED["perturbation"],)
    strength: Values | None = None
    language_b: Values = (UNCHANGED["language_b"],)
    attack: Values = (UNCHANGED["attack"],)
    radius: Values = (UNCHANGED["radius"],)

    def over(self, other: Rows | None) -> Rows:
        """These rows, with what `other` says differently."""
        return self.model_copy(update=other.model_dump(exclude_unset=True) if other else {})


class Citation(Settings):
    """Who claims it and where; `status` says how far that was read: verified in the source named, derived from values
    verified there, or told from memory, so that its values are held against nobody."""

    paper: str
    arxiv: str = ""
    where: str
    status: Literal["verified", "derived", "memory"]


class Claim(Settings):
    """The effect is `compare` minus `against` (without `against`, the score itself) in the rows `on`.

    With `minus`, it is by how much more there than in the rows `minus`: a difference of gains, or of losses.
    `value` and `tolerance` are in points, and so is `margin`: "not higher" means that the effect lies below it.
    """

    id: str
    sentence: str
    source: Citation
    file: str = Field("scores.csv", pattern=r"^scores[\w-]*\.csv$")
    on: Rows
    compare: Rows
    against: Rows | None = None
    minus: Rows | None = None
    expect: Literal["higher", "lower", "not higher"] | None = None
    margin: float = Field(1.0, gt=0)
    value: float | None = None
    tolerance: float | None = Field(None, gt=0)
    command: str = "./run_all.sh --profile {profile}"

    @model_validator(mode="after")
    def _complete(self) -> Claim:
        if self.expect is None and self.value is None:
            raise ValueError("give expect, or value and tolerance: nothing is claimed")
        if (self.value is None) != (self.tolerance is None):
            raise ValueError("value and tolerance belong together")
        if self.value is not None and self.source.status == "memory":
            raise ValueError("a value from memory is not held against anybody; leave it out")
        if self.expect and not self.against:
            raise ValueError("expect needs against: a direction is one of a difference")
        return self


class Use(Settings):
    """What a profile's results mean for the claims.

    values        the papers whose published values are asked of it
    not_testable  ids of claims that its encoder or records cannot test, whatever the scores: why
    """

    means: str
    values: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    not_testable: dict[str, str] = {}

    def asked(self, claim: Claim) -> bool:
        """Whether the claim's published value is asked of the profile, which then repeats that paper's experiment."""
        return claim.value is not None and claim.source.paper in self.values


class Declared(NamedTuple):
    profiles: dict[str, Use]
    claims: list[Claim]

    def use(self, profile: str) -> Use:
        """What results of the profile mean; one that the file does not name is exploratory."""
        return self.profiles.get(profile, Use(means="exploratory: nothing was declared for this profile"))


def load(path: Path = FILE) -> Declared:
    """The declared claims, wholly checked.

    Raises:
        UserError: no valid YAML; an unknown key or task, or a wrong value; two claims of one id.
    """
    try:
        content = read_yaml(path)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is not readable YAML: {' '.join(str(error).split())}") from None
    file = settings.parse(_File, content, path.name)
    profiles = {
        name: settings.parse(Use, fields, f"{path.name}, profile {name}") for name, fields in file.profiles.items()
    }
    numbered = enumerate(file.claims)
    claims = [settings.parse(Claim, fields, f"{path.name}, {_named(fields, i)}") for i, fields in numbered]
    names = [claim.id for claim in claims]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path.name}: two claims have the id {twice[0]}; give one of them another")
    for name, use in profiles.items():
        for claim in use.not_testable:
            if claim not in names:
                raise unknown("claim", claim, names, f"{path.name}, profile {name}: not_testable")
    for claim in claims:
        _check_tasks(claim, f"{path.name}, claim {claim.id}")
    return Declared(profiles, claims)


class _File(Settings):
    profiles: dict[str, Any]
    claims: list[Any]


def _named(fields: Any, place: int) -> str:
    name = fields.get("id") if isinstance(fields, dict) else None
    return f"claim {name}" if name else f"claim {place + 1}"


def _check_tasks(claim: Claim, where: str) -> None:
    for rows in filter(None, (claim.on, claim.compare, claim.against, claim.minus)):
        for task in rows.task or ():
            if task not in tasks.TASKS:
                raise unknown("task", str(task), tasks.TASKS, where)
