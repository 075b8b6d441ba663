"""Natural language inference as in HANS (McCoy et al. 2019, arXiv 1902.01007), in English templates.

All words of the hypothesis are in the premise, in any order, as a subsequence or as a constituent, and half of the
hypotheses do not follow. Whoever counts common words is wrong in that half. The columns of parses are empty.
"""

from __future__ import annotations

from itertools import count
from random import Random

from xlt.world.columns import STRING, Row, classes, features, row_by_row
from xlt.world.concepts import Event
from xlt.world.draws import take
from xlt.world.events import event_of
from xlt.world.inference import CLASHES
from xlt.world.render import grammar, text

HEURISTICS = ("lexical_overlap", "subsequence", "constituent")
# subcase -> (heuristic, does the hypothesis follow?, premise, hypothesis). {a} and {b} are two subjects, {does} and
# {did} what each of them does, {adjunct} the place or time of the first.
TEMPLATES = {
    "le_conjuncts": ("lexical_overlap", True, "{a} {does} and {b} {did}.", "{b} {did} and {a} {does}."),
    "le_around_prepositional_phrase": ("lexical_overlap", True, "{a} near {b} {does}.", "{a} {does}."),
    "le_preposition": ("lexical_overlap", True, "{adjunct}, {a} near {b} {does}.", "{a} near {b} {does}."),
    "ln_conjuncts_swapped": ("lexical_overlap", False, "{a} {does} and {b} {did}.", "{a} {did} and {b} {does}."),
    "ln_preposition": ("lexical_overlap", False, "{a} near {b} {does}.", "{b} near {a} {does}."),
    "se_adjunct": ("subsequence", True, "{a} {does} {adjunct}.", "{a} {does}."),
    "se_conjunct": ("subsequence", True, "{a} {does} and {b} {did}.", "{b} {did}."),
    "se_NP/S": ("subsequence", True, "{a} believes {b} {adjunct}.", "{a} believes {b}."),
    "sn_PP_on_subject": ("subsequence", False, "{a} near {b} {does}.", "{b} {does}."),
    "sn_NP/S": ("subsequence", False, "{a} believes {b} {did}.", "{a} believes {b}."),
    "ce_embedded_under_since": ("constituent", True, "Because {a} {does}, {b} {did}.", "{a} {does}."),
    "ce_adverb": ("constituent", True, "Of course {a} {does}.", "{a} {does}."),
    "cn_embedded_under_if": ("constituent", False, "If {a} {does}, {b} {did}.", "{a} {does}."),
    "cn_disjunction": ("constituent", False, "{a} {does} or {b} {did}.", "{b} {did}."),
    "cn_adverb": ("constituent", False, "Perhaps {a} {does}.", "{a} {does}."),
}  # fmt: skip
Templated = tuple[str, Event, Event]  # subcase and the two events


def templated(rng: Random, split: str, size: int) -> list[Templated]:
    """Subcases and events of `split`; the heuristics and, within each, both labels in turn."""
    kinds = [(heuristic, follows) for heuristic in HEURISTICS for follows in (True, False)]
    cases = [[name for name, row in TEMPLATES.items() if row[:2] == kind] for kind in kinds]
    turns = count()

    def draw() -> Templated | None:
        a, b = event_of(rng, split, general=False), event_of(rng, split, general=False)
        if (a.subject, b.subject) not in CLASHES["subject"] or a.verb == b.verb or not (a.place or a.time):
            return None
        return rng.choice(cases[next(turns) % len(cases)]), a, b

    records = take(size, draw)
    rng.shuffle(records)
    return records


@row_by_row
def hans_rows(record: Templated, language: str, i: int) -> Row:
    """Premise, hypothesis, label and where the pair is from, as in HANS. English only."""
    subcase, one, two = record
    heuristic, follows, premise, hypothesis = TEMPLATES[subcase]
    a, does, adjunct = _pieces(one)
    b, did, _ = _pieces(two)
    pair = [template.format(a=a, b=b, does=does, did=did, adjunct=adjunct) for template in (premise, hypothesis)]
    return {
        **{name: sentence[0].upper() + sentence[1:] for name, sentence in zip(_SIDES, pair, strict=True)},
        **dict.fromkeys(_PARSES, ""),
        "label": int(not follows),
        "heuristic": heuristic,
        "subcase": subcase,
        "template": subcase,
    }


def _pieces(event: Event) -> tuple[str, str, str]:
    """Subject, verb with object, adjuncts."""
    english = grammar("en")
    does = text(english.verb(event, ""), english.object(event))
    return text(english.subject(event)), does, text(english.place(event), english.time(event))


_SIDES = ("premise", "hypothesis")
_PARSES = ("parse_premise", "parse_hypothesis", "binary_parse_premise", "binary_parse_hypothesis")
FEATURES = {
    "jhu-cogsci/hans": features(
        "premise hypothesis", label=classes("entailment non-entailment"),
        **dict.fromkeys((*_PARSES, "heuristic", "subcase", "template"), STRING),
    ),
}  # fmt: skip
SETS = {
    "hans_train": ("train", templated, hans_rows, [("jhu-cogsci/hans", "plain_text", "train")]),
    "hans_test": ("test", templated, hans_rows, [("jhu-cogsci/hans", "plain_text", "validation")]),
}
