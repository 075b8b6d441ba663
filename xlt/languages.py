"""The languages: the one table from which configs, names, scripts and groups are taken."""

from __future__ import annotations

from typing import NamedTuple

from xlt.errors import unknown


class Language(NamedTuple):
    """`name` is UDPOS's config name, `iso3` Tatoeba's; `script` is the ISO 15924 code.

    Of a variety, `standard` is the code of the standard language that it is compared with.
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


def language(code: str) -> Language:
    """The row of `code`; a dialect strength after '@' ("bar@0.5") is kept in names.

    Raises:
        UserError: the code is in no row; says which codes are near.
    """
    base, _, strength = code.partition("@")
    if base not in LANGUAGES:
        raise unknown("language", base, LANGUAGES)
    row = LANGUAGES[base]
    suffix = f"@{strength}" if strength else ""
    return row._replace(code=code, name=row.name + suffix, iso3=row.iso3 + suffix)
