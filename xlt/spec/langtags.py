"""What the library `langcodes` (BCP 47, ISO 639, Unicode's CLDR) says of a code: its shortest form, name and script."""

from __future__ import annotations

import re
from functools import cache

import langcodes
from langcodes.data_dicts import ALL_SCRIPTS, LIKELY_SUBTAGS, MACROLANGUAGES

SCRIPTS = frozenset(ALL_SCRIPTS)  # of ISO 15924
# Codes that the standards reserve for private use mean nothing without a declaration. XK is one, but used for Kosovo.
_PRIVATE = re.compile(r"q[a-t][a-z]|x-.*|Qa[a-b][a-x]|AA|Q[M-Z]|X[A-JL-Z]|ZZ")
_NARROW = {"Hang": "Kore"}  # Hangul alone, as in most Korean texts, counts as the usual script (Hangul and Han)


@cache
def shortest(code: str) -> str | None:
    """The shortest tag of the language that a code names; None where it names none.

    As in CLDR, the main language of a macrolanguage is called by the two letters of the latter (cmn: zh), and a script
    is part of the tag only where it is not the usual one.
    """
    try:
        tag = langcodes.Language.get(code)
    except ValueError:  # no tag at all
        return None
    parts = (tag.language, tag.script, tag.territory)
    if not tag.is_valid() or tag.extlangs or any(map(_PRIVATE.fullmatch, filter(None, parts))):
        return None
    wider = tag.prefer_macrolanguage()
    if len(tag.language or "") == 3 and len(wider.language or "") == 2:
        tag = wider
    plain = langcodes.Language.make(**{part: value for part, value in tag.to_dict().items() if part != "script"})
    return (plain if _NARROW.get(tag.script, tag.script) in (None, _script(plain)) else tag).to_tag()


def described(code: str) -> tuple[str, str, str]:
    """Name, ISO 639-3 code and script of the language of a code that `shortest` knows."""
    tag = langcodes.Language.get(code)
    try:
        iso3 = tag.to_alpha3()
    except LookupError:
        iso3 = code
    return tag.display_name(), iso3, _script(tag)


def named(name: str) -> str | None:
    """The tag of the language of that name ("German", "Deutsch", "allemand")."""
    try:
        return langcodes.find(name).to_tag()
    except LookupError:
        return None


def _script(tag: langcodes.Language) -> str:
    """The script in the tag, else CLDR's likely one, else that of its macrolanguage; Latin where none is known."""
    wider = MACROLANGUAGES.get(tag.language or "")
    if tag.script or not wider or tag.language in LIKELY_SUBTAGS:
        return tag.script or tag.maximize().script
    return langcodes.Language.get(wider).maximize().script


def alpha3(language: str) -> str:
    """The three letters that ISO 639-3 has for a language of two: "fas" of "fa". A code without such stays as it is."""
    try:
        return langcodes.Language.get(language).to_alpha3()
    except (ValueError, LookupError):  # a code of somebody's own
        return language
