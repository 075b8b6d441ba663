"""The languages: any code of BCP 47 or ISO 639, those of the table below, and those that a profile declares.

Names, scripts and three-letter codes are those of `langcodes` (see `langtags`). The table has what that does not say:
a benchmark's names, families, varieties with their standard language, codes that no standard has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict

from xlt.core.errors import UserError
from xlt.spec import langtags


class Language(NamedTuple):
    """One language.

    name      as the configs of UDPOS are called
    iso3      as the configs of Tatoeba are called: mostly ISO 639-3
    script    ISO 15924 code
    family    may be empty
    standard  of a variety: the code of the standard language that it is compared with
    """

    code: str
    name: str
    iso3: str
    script: str
    family: str
    standard: str = ""


_TABLE = """
af Afrikaans afr Latn Germanic
ar Arabic ara Arab Semitic
bg Bulgarian bul Cyrl Slavic
bn Bengali ben Beng Indic
de German deu Latn Germanic
el Greek ell Grek Greek
en English eng Latn Germanic
es Spanish spa Latn Romance
et Estonian est Latn Uralic
eu Basque eus Latn Basque
fa Persian pes Arab Iranian
fi Finnish fin Latn Uralic
fr French fra Latn Romance
he Hebrew heb Hebr Semitic
hi Hindi hin Deva Indic
hu Hungarian hun Latn Uralic
id Indonesian ind Latn Austronesian
it Italian ita Latn Romance
ja Japanese jpn Jpan Japonic
jv Javanese jav Latn Austronesian
ka Georgian kat Geor Kartvelian
kk Kazakh kaz Cyrl Turkic
ko Korean kor Kore Koreanic
ml Malayalam mal Mlym Dravidian
mr Marathi mar Deva Indic
nl Dutch nld Latn Germanic
pt Portuguese por Latn Romance
ro Romanian ron Latn Romance
ru Russian rus Cyrl Slavic
sw Swahili swh Latn Bantu
ta Tamil tam Taml Dravidian
te Telugu tel Telu Dravidian
th Thai tha Thai Kra-Dai
tl Tagalog tgl Latn Austronesian
tr Turkish tur Latn Turkic
ur Urdu urd Arab Indic
vi Vietnamese vie Latn Austroasiatic
yo Yoruba yor Latn Volta-Niger
zh Chinese cmn Hans Sinitic
az Azerbaijani aze Latn Turkic
cs Czech ces Latn Slavic
da Danish dan Latn Germanic
gu Gujarati guj Gujr Indic
ht Haitian-Creole hat Latn Creole
lt Lithuanian lit Latn Baltic
lv Latvian lav Latn Baltic
ms Malay msa Latn Austronesian
my Burmese mya Mymr Burmic
no Norwegian nor Latn Germanic
pa Punjabi pan Guru Indic
pl Polish pol Latn Slavic
qu Quechua que Latn Quechuan
sv Swedish swe Latn Germanic
uk Ukrainian ukr Cyrl Slavic
uz Uzbek uzb Latn Turkic
wo Wolof wol Latn Senegambian
sr-Cyrl Serbian-Cyrillic srp_cyrl Cyrl Slavic
sr-Latn Serbian-Latin srp_latn Latn Slavic
bar Bavarian bar Latn Germanic de
arz Egyptian-Arabic arz Arab Semitic ar
hr Croatian hrv Latn Slavic
hy Armenian hye Armn Armenian
mk Macedonian mkd Cyrl Slavic
sl Slovenian slv Latn Slavic
de-muc Munich-Bavarian bar-muc Latn Germanic de
de-st South-Tyrolean bar-st Latn Germanic de
gsw Swiss-German gsw Latn Germanic de
nds Low-Saxon nds Latn Germanic de
no-N North-Norwegian nor-n Latn Germanic no
no-T Trønder-Norwegian nor-t Latn Germanic no
no-V West-Norwegian nor-v Latn Germanic no
el-cre Cretan-Greek ell-cre Grek Greek el
es-var Spanish-varieties spa-var Latn Romance es
lij Ligurian lij Latn Romance it
nap Neapolitan nap Latn Romance it
hr-ckm Chakavian ckm Latn Slavic hr
sl-cer Cerkno-Slovenian slv-cer Latn Slavic sl
sr-tor Torlak srp-tor Cyrl Slavic sr-Cyrl
eu-var Basque-varieties eus-var Latn Basque eu
hyw Western-Armenian hyw Armn Armenian hy
afb Gulf-Arabic afb Arab Semitic ar
ajp South-Levantine-Arabic ajp Arab Semitic ar
apc Levantine-Arabic apc Arab Semitic ar
ary Maghrebi-Arabic ary Arab Semitic ar
qaf Maghrebi-Arabic-in-Latin-script qaf Latn Semitic ar
id-col Colloquial-Indonesian ind-col Latn Austronesian id
yue Cantonese yue Hant Sinitic zh
"""

LANGUAGES = {row.split()[0]: Language(*row.split()) for row in _TABLE.strip().splitlines()}
OWN: dict[str, Language] = {}  # those that profiles have declared in this process

EVERY = "any BCP 47 or ISO 639 code is known (ha, quy, zh-Hant); a profile declares others under own_languages"


def language(code: str, where: str = "") -> Language:
    """The language of `code`, however that is spelled; a dialect strength after '@' ("bar@0.5") is kept in names.

    Raises:
        UserError: the code names no language; says which codes are near.
    """
    base, at, strength = code.partition("@")
    row = _row(canonical(base))
    if row is None:
        raise UserError(f"unknown language '{base}'{f' in {where}' if where else ''}; {_hint(base)}")
    return row._replace(**{name: getattr(row, name) + at + strength for name in ("code", "name", "iso3")})


def known(code: str) -> Language | None:
    """The language of `code`, or None where it names none."""
    try:
        return language(code)
    except UserError:
        return None


def canonical(code: str) -> str:
    """The code by which languages are compared: "ko" for "kor", "zh" for "cmn" and "zho_Hans".

    A code that names no language is returned as it is, so that `language` can name it in its error.
    """
    base, at, strength = code.partition("@")
    spelled = base.replace("_", "-").lower()
    for declared in (LANGUAGES, OWN):
        for known in (base, spelled):  # as it is written first, because some declared codes have capitals (no-N)
            if known in declared:
                return known + at + strength
    tag = langtags.shortest(base)
    known = _aliases().get(spelled) or _aliases().get((tag or "").lower()) or tag or base
    return known + at + strength


def subtag(code: str) -> str:
    """The code without script, region and dialect strength, for rules that hold for a language in any of these."""
    return re.split("[-@]", code)[0]


def one_each(codes: tuple[str, ...]) -> tuple[str, ...]:
    """The codes as they are given; raises ValueError where two of them are spellings of one language."""
    spelled: dict[str, str] = {}
    for code in codes:
        if (other := spelled.setdefault(canonical(code), code)) != code:
            raise ValueError(f"{other} and {code} are one language, {canonical(code)}; leave one of them out")
    return codes


def _each(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(canonical, one_each(codes)))


Code = Annotated[str, AfterValidator(canonical)]  # of settings: in any spelling, kept as the canonical one
Codes = Annotated[tuple[str, ...], AfterValidator(_each)]


# declared by a profile --------------------------------------------------------------------------

_FORM = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # of a code


def _script(script: str) -> str:
    if script not in langtags.SCRIPTS:
        raise ValueError(f"{script!r} is no script of ISO 15924, such as Latn or Arab")
    return script


class OwnLanguage(BaseModel):
    """A language that a profile declares because no standard has it, or to say more of it.

    `iso3` replaces {iso3} in the config of a task.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    script: Annotated[str, AfterValidator(_script)]
    family: str = ""
    standard: Code = ""
    iso3: str = ""


def declare(own: Mapping[str, OwnLanguage]) -> Mapping[str, OwnLanguage]:
    """Make a profile's own languages known to this process. Declaring the same again changes nothing.

    Raises:
        ValueError: a malformed code, or one that is taken; a standard language that is not known.
    """
    rows = {}
    for code, settings in own.items():
        known = canonical(code)
        if not _FORM.fullmatch(code):
            raise ValueError(f"{code!r} is no code; give letters and figures with hyphens, as in de-xy")
        if known in LANGUAGES:
            raise ValueError(f"{code} is {LANGUAGES[known].name} already; leave it out or give another code")
        iso3 = settings.iso3 or known
        row = Language(known, settings.name, iso3, settings.script, settings.family, settings.standard)
        if OWN.get(known, row) != row:
            raise ValueError(f"{code} was declared otherwise before; give another code, or restart if you changed it")
        rows[known] = row
    for row in rows.values():
        if row.standard and (row.standard == row.code or not (row.standard in rows or _row(row.standard))):
            raise ValueError(f"{row.code}: standard {row.standard} is no other language that is known")
    OWN.update(rows)
    return own


Own = Annotated[dict[str, OwnLanguage], AfterValidator(declare)]


# rows -------------------------------------------------------------------------------------------


def _row(code: str) -> Language | None:
    return LANGUAGES.get(code) or OWN.get(code) or _from_library(code)


@cache
def _from_library(code: str) -> Language | None:
    """What the library knows of a code; the family is that of the same language in the table, if it is there."""
    if langtags.shortest(code) is None:
        return None
    wider = LANGUAGES.get(canonical(subtag(code)))
    return Language(code, *langtags.described(code), wider.family if wider else "")


@cache
def _aliases() -> dict[str, str]:
    """Lower-case code: code in the table, for the library's tags (fil: tl, sr: sr-Cyrl) and ISO 639-3."""
    tags = {tag.lower(): code for code in LANGUAGES if (tag := langtags.shortest(code))}
    return {row.iso3: code for code, row in LANGUAGES.items() if len(row.iso3) == 3} | tags


def _hint(code: str) -> str:
    if named := langtags.named(code):
        return f"did you mean {canonical(named)} ({language(named).name})?"
    near = get_close_matches(code, [*LANGUAGES, *OWN], n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else EVERY
