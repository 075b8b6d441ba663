"""The attacks by name: which there are, in which languages and families, and what decides their candidates.

The search itself is in `xlt.evaluation.attack`.
"""

from __future__ import annotations

from random import Random

from xlt.core.errors import UserError, unknown
from xlt.perturb import fingerprints
from xlt.perturb.registry import EDIT, PERTURBATIONS, Site, get
from xlt.perturb.vocabulary import choices
from xlt.spec import tasks
from xlt.spec.languages import language as language_row
from xlt.spec.perturbations import Attack

DEEPWORDBUG = ("swap", "substitute", "drop", "insert")  # its four changes of a word (Gao et al. 2018, section 3.3)
LEXICAL = ("synonyms", "code-mix", "inflection")
NAMES = ("characters", "masked", "distractor", *LEXICAL)


def known(attack: Attack) -> None:
    """Raises UserError where there is no attack of this name, or it takes no argument."""
    base, colon, argument = attack.name.partition(":")
    if base not in NAMES and base not in _letterwise():
        raise unknown("attack", base, [*NAMES, *_letterwise()])
    if base in PERTURBATIONS:
        get(attack.name)
    elif colon:
        raise UserError(f"attack {base} takes no argument, but was given '{argument}'; leave out ':{argument}'")


def check(attack: Attack, family: str, language: str) -> None:
    """Raises UserError where the attack does not exist or has no meaning for the task family or language.

    A word list that is not here is missed now, not at the first example.
    """
    known(attack)
    base = attack.name.partition(":")[0]
    if base == "distractor" and family != tasks.SPAN:
        raise UserError(f"attack distractor is for questions with a context, not for {family}; take another attack")
    if base in PERTURBATIONS:
        get(attack.name)[0].check(language, family)
    if base in ("synonyms", "code-mix"):
        list(choices(base, "", Site(language, language_row(language).script, get(attack.name)[1], Random(attack.seed))))


def tables(attack: Attack, language: str) -> dict[str, str]:
    """What decides its candidates besides the attack itself and word lists: as `perturb.tables`, of all that it draws.

    Raises:
        UserError: there is no such attack.
    """
    known(attack)
    base = attack.name.partition(":")[0]
    drawn = DEEPWORDBUG if base == "characters" else (attack.name,) if base in PERTURBATIONS else ()
    contents = {table: content for name in drawn for table, content in fingerprints.tables(name, language).items()}
    if attack.keep_stop_words and base != "distractor":
        contents["stop-words"] = fingerprints.installed("stop-words")
    return contents


def _letterwise() -> list[str]:
    """Perturbations that change a single word: candidates are made word by word."""
    between = ("join", "punctuation")
    return [n for n, p in PERTURBATIONS.items() if p.kind == "character" and p.form == EDIT and n not in between]
