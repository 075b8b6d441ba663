"""Two cheap defences against hidden and look-alike characters, and what an encoder's normaliser does by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

import pandas as pd
import regex

from xlt.perturb.codepoints import CLASSES, HOMOGLYPHS
from xlt.perturb.keyboards import letters
from xlt.perturb.units import in_script, words
from xlt.spec.languages import language as language_row

_IGNORABLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}--[\t\n\r]]", regex.VERSION1)
_WORDLIKE = regex.compile(r"\p{L}")
_JOINERS = "\u200c\u200d"  # spelling, not noise, in these scripts
_JOINED = ("Arab", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Khmr", "Mong")


def strip_ignorables(text: str, language: str) -> str:
    """`text` without default-ignorable and control code points (tab and line ends stay).

    The zero-width joiner and non-joiner stay where the language's script spells with them (Persian, Indic).
    """
    keep = _JOINERS if language_row(language).script in _JOINED else ""
    return _IGNORABLE.sub(lambda match: match[0] if match[0] in keep else "", text)


def fold_confusables(text: str, language: str) -> str:
    """`text` with look-alikes folded to letters of the language's script, in words that this makes wholly of it.

    So a word of another script, as a name may be, stays unless all its letters look like the language's.
    """
    script, table = language_row(language).script, _folding(language)
    parts, at = [], 0
    for start, end in words(text):
        folded = text[start:end].translate(table)
        ours = all(in_script(c, script) for c in folded if _WORDLIKE.match(c))
        parts += [text[at:start], folded if ours else text[start:end]]
        at = end
    return "".join([*parts, text[at:]])


@cache
def _folding(language: str) -> dict[int, str]:
    """Look-alike -> letter of the language's script: of its own case, and of the language's alphabet if one is."""
    script, alphabet = language_row(language).script, set(letters(language))
    originals: dict[str, list[str]] = defaultdict(list)
    for table in HOMOGLYPHS.values():
        for letter, others in table(script).items():
            for other in others:
                originals[other].append(letter)

    def worse(other: str, letter: str) -> tuple:
        return other.isupper() != letter.isupper(), letter.lower() not in alphabet, letter

    return {ord(other): min(ours, key=partial(worse, other)) for other, ours in originals.items()}


def normaliser(tokenizer: Any) -> Any:
    """str -> str: what a `transformers` tokenizer does to a text before it splits it, if anything."""
    rule = tokenizer.backend_tokenizer.normalizer
    return rule.normalize_str if rule is not None else str


def _alike(table: Any, language: str) -> Iterable[tuple[str, str]]:
    """Letters of the language's script, each with its look-alikes."""
    return table(language_row(language).script).items()


def surviving(tokenizer: Any, language: str = "en") -> pd.DataFrame:
    """Class of hidden and look-alike characters x defence: the share of them with which a word stays another word.

    A character that a defence turns into a space is gone, but the word is then two: that is not undone. Classes without
    a character for the language's script are left out. Columns: class, characters, normaliser (the encoder's own),
    strip_ignorables, fold_confusables.
    """
    defences = {
        "normaliser": normaliser(tokenizer),
        "strip_ignorables": lambda text: strip_ignorables(text, language),
        "fold_confusables": lambda text: fold_confusables(text, language),
    }
    hidden = {f"{kind}: {name}": [(f"a{chr(point)}b", "ab") for point in points]
              for kind, kinds in CLASSES.items() for name, points in kinds.items()}  # fmt: skip
    look = {f"homoglyphs: {name}": [(f"{other}b", f"{letter}b") for letter, others in _alike(table, language)
                                    for other in others] for name, table in HOMOGLYPHS.items()}  # fmt: skip
    rows = []
    for name, pairs in ((name, pairs) for name, pairs in (hidden | look).items() if pairs):
        shares = {label: sum(defend(changed) != defend(word) for changed, word in pairs) / len(pairs)
                  for label, defend in defences.items()}  # fmt: skip
        rows.append({"class": name, "characters": len(pairs), **shares})
    return pd.DataFrame(rows)
