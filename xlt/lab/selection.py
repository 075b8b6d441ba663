"""Which notebooks there are, and which of them a profile executes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from xlt.core.errors import UserError, unknown
from xlt.core.paths import ROOT, shortened
from xlt.spec.profile import Profile

NOTEBOOKS = ROOT / "notebooks"
LAST = "99"  # what the notebook that reads the others' answers begins with
STUDY = "study_"  # what the notebook of a study is called before the study's name
SPEED = "05_speed"  # measures a machine and trains nothing: executed where a profile declares that, and then alone


class Selection(NamedTuple):
    """The notebooks that are executed, and those of studies that the profile does not declare."""

    chosen: list[Path]
    left_out: list[Path]


def notebooks(sources: Path = NOTEBOOKS) -> list[Path]:
    """The sources in reading order: the phases NN_name.ipynb, the studies study_name.ipynb, then 99_report.ipynb."""
    paths = [*sources.glob("[0-9][0-9]_*.ipynb"), *sources.glob(f"{STUDY}*.ipynb")]
    return sorted(paths, key=lambda path: (path.stem.startswith(LAST), path.stem))


def select(only: str | None, sources: Path = NOTEBOOKS) -> list[Path]:
    """All notebooks, or the one that `only` names: by file name, stem, number, or name without number.

    Raises:
        UserError: there is none, or none of that name.
    """
    paths = notebooks(sources)
    if not paths:
        raise UserError(f"no notebooks (NN_name.ipynb, study_name.ipynb) in {shortened(sources)}")
    if only is None:
        return paths
    wanted = Path(only).name.removesuffix(".ipynb")
    for path in paths:
        number, name = path.stem.split("_", 1)
        if wanted in (path.stem, number, name) or (
            wanted.isdigit() and number.isdigit() and int(wanted) == int(number)
        ):
            return [path]
    raise unknown("notebook", wanted, [path.stem for path in paths], shortened(sources))


def of_profile(profile: Profile, only: str | None = None, sources: Path = NOTEBOOKS) -> Selection:
    """The notebooks that the profile executes, and those that it leaves out.

    A study's notebook asks nothing where the profile does not declare the study, so its kernel would start for nothing.

    Raises:
        UserError: as `select` does; or `only` names the notebook of such a study, or that of speed in a profile that
            measures none, or another one in a profile that does.
    """
    paths = [path for path in select(only, sources) if (path.stem == SPEED) == bool(profile.benchmark)]
    if only and not paths:
        mend = "measures speed alone: leave out --only" if profile.benchmark else "measures none: take --profile speed"
        raise UserError(f"notebook {only}: the profile {profile.name} {mend}")
    left_out = [path for path in paths if not _asked(path.stem, profile.studies)]
    if only and left_out:
        name = left_out[0].stem.removeprefix(STUDY)
        raise unknown("study", name, profile.studies, f"the profile {profile.name}")
    return Selection([path for path in paths if path not in left_out], left_out)


def _asked(stem: str, studies: Collection[str]) -> bool:
    return not stem.startswith(STUDY) or stem.removeprefix(STUDY) in studies


def left_out_line(selection: Selection, profile: Profile) -> str:
    """In a line which notebooks are not executed and why; empty where all are."""
    if not selection.left_out:
        return ""
    names = ", ".join(path.stem for path in selection.left_out)
    return f"left out, as the profile {profile.name} declares no such study: {names}"
