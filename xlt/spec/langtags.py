"""What the library `langcodes` (BCP 47, ISO 639, Unicode's CLDR) says of a code: its shortest form, name and script."""

from __future__ import annotations

import re
from functools import cache

import langcodes
from langcodes.data_dicts import ALL_SCRIPTS, LIKELY_SUBTAGS, MACROLANGUAGES

SCRIPTS = frozenset(ALL_SCRIPTS)  # of ISO 15924
# Languages, scripts and regions for anybody's own use, so of no meaning without a declaration; XK is Kosovo.
_PRIVATE = re.compile(r"q[a-t][a-z]|x-.*|Qa[a-b][a-x]|AA|Q[M-Z]|X[A-JL-Z]|ZZ")
_NARROW = {"Hang": "Kore"}  # Korean without the Han characters that few texts have


@cache
def shortest(code: str) -> str | None:
    """The shortest tag of the language that a code names; None where it names none.

    A language of three letters that stands for a macrolanguage of two is that (cmn: zh), as in CLDR. A script is named
    only where it is not the usual one.
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
    """The tag of the language of that name, in whatever language the name is."""
    try:
        return langcodes.find(name).to_tag()
    except LookupError:
        return None


def _script(tag: langcodes.Language) -> str:
    """Of the tag itself, else by CLDR's likely subtags, else as its macrolanguage has; what none knows is Latin."""
    wider = MACROLANGUAGES.get(tag.language or "")
    if tag.script or not wider or tag.language in LIKELY_SUBTAGS:
        return tag.script or tag.maximize().script
    return langcodes.Language.get(wider).maximize().script
