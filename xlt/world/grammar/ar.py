"""Modern Standard Arabic: verb - subject - object - place - time, written from right to left without vowel marks.

Modelled: agreement of the verb with the gender of its subject, gender of nouns and adjectives (colours apart:
أحمر, حمراء), the alif of the indefinite accusative (كتابا كبيرا, but أحمر), broken and sound plurals after
5 to 10 with a feminine singular adjective (5 كتب حمراء), لا before the verb, question words first.
The article stays attached to its noun. Forms, order and script were checked by eye.

Simplified: people are masculine unless they are women, digits instead of number words.

All that a dialect does otherwise, order and endings too, is read from the lexicon, so that the same
rules over another lexicon give the dialect.
"""

from __future__ import annotations

from xlt.world.concepts import CLOCKS, COLOURS, NAMES, NOUNS, SOMEONE, SOMETHING, Event, Token
from xlt.world.lexicon import lexicon

QUESTION_WORDS = {"subject": "who", "object": "what", "place": "where", "time": "when"}
# words tagged otherwise than the rest of their phrase
TAGS = {"في": "ADP", "على": "ADP", "موسيقية": "ADJ"}


def clause(event: Event) -> list[Token]:
    """A present-tense statement."""
    return _realise(event, "", lexicon("ar"))


def question(event: Event, asked: str) -> list[Token]:
    """The question for one role of the event."""
    return _realise(event, asked, lexicon("ar"))


def _realise(event: Event, asked: str, forms: dict) -> list[Token]:
    """The sentence with the forms, endings and order of this lexicon."""
    phrases = {
        "subject": _subject(event.subject, forms),
        "verb": _verb(event, asked, forms),
        "object": _object(event, forms),
        "place": _words(forms["places"][event.place], "NOUN", "place") if event.place else [],
        "time": _time(event.time, forms),
    }
    order = forms["words"]["order"].split()
    if asked:
        upos = "PRON" if asked in ("subject", "object") else "ADV"
        phrases[asked] = [Token(forms["words"][QUESTION_WORDS[asked]], upos, asked)]
        if asked == "subject" or forms["words"]["question_word_first"]:
            order.sort(key=lambda role: role != asked)
    mark = Token("؟" if asked else ".", "PUNCT", glued=True)
    return [token for role in order for token in phrases[role]] + [mark]


def _words(phrase: str, upos: str, part: str) -> list[Token]:
    return [Token(form, TAGS.get(form, upos), part) for form in phrase.split()]


def _subject(subject: str, forms: dict) -> list[Token]:
    if subject == SOMEONE:
        return _words(forms["words"]["someone"], "PRON", "subject")
    if subject in NAMES:
        return _words(forms["names"][subject][0], "PROPN", "subject")
    return _words(forms["people"][subject][0], "NOUN", "subject")


def _verb(event: Event, asked: str, forms: dict) -> list[Token]:
    masculine = asked == "subject" or event.subject == SOMEONE
    feminine = not masculine and (forms["names"] | forms["people"])[event.subject][1] == "f"
    before, after = forms["words"]["negation"] if event.negated else ("", "")
    form = forms["verbs"][event.verb]
    if isinstance(form, list):  # a participle, as for 'want' in the dialects
        form, before = form[feminine], "مش" if before else ""
    else:
        stem = form[1:-1] + "ا" if after and form.endswith("ى") else form[1:]
        form = forms["words"]["imperfect"] + ("ت" if feminine else "ي") + stem + after
    return _words(before, "PART", "") + [Token(form, "VERB")]


def _time(time: str | None, forms: dict) -> list[Token]:
    if time is None:
        return []
    if time in CLOCKS:
        return _words(forms["words"]["clock"], "NOUN", "time") + [Token(time, "NUM", "time")]
    return _words(forms["times"][time], "ADV" if time == "now" else "NOUN", "time")


def _object(event: Event, forms: dict) -> list[Token]:
    if event.noun == SOMETHING:
        return _words(forms["words"]["something"], "PRON", "object")
    singular, gender, plural = forms["nouns"][event.noun]
    accusative = "" if event.count or gender == "f" else forms["words"]["accusative"]
    number = _words(str(event.count), "NUM", "object") if event.count else []
    noun = plural if event.count else singular if singular.endswith("و") else singular + accusative  # بيانو is foreign
    tokens = number + _words(noun, "NOUN", "object")
    if event.adjective:
        masculine, feminine = _adjective(event, forms)
        ending = "" if event.adjective in COLOURS else accusative
        tokens.append(Token(feminine if event.count or gender == "f" else masculine + ending, "ADJ", "object"))
    return tokens


def _adjective(event: Event, forms: dict) -> list[str]:
    animal = event.noun == "animal" or NOUNS.get(event.noun, ("",))[0] == "animal"
    return forms["words"]["old_animal"] if event.adjective == "old" and animal else forms["adjectives"][event.adjective]
