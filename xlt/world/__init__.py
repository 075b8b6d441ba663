"""A small seeded world with known truth, said in real languages, in the forms of the real data sets.

It is a measuring instrument: a pipeline must recover effects that were put in. It is no claim about language.

    concepts   what can be said: the `Event`, its words as concepts
    events     random sensible events and their splits
    inference  what follows from what
    grammar    what the languages share, and one module for each, over the words in `lexicon`
    render     one way into all grammars
    draws      records without repetition, as many of each label; columns: features and sets
    codeswitch sentences in two languages
    forms      records in the columns of the real data sets: text, tags, translations, inference, questions
    entities   events with cities, organisations and surnames; tags: entities and supertags; linking: who is meant
    paraphrase questions and texts that say the same or not; nli: SNLI and ANLI
    knowledge  causes, effects, uses and places, which choice and commonsense ask for
    multichecklist  minimum functionality, by the templates of checklist
    readings   harder questions, which qa says; retrieval: pools in which translations and answers are looked for
    files      the whole as a folder in hub layout
"""

from xlt.world.concepts import Event, Token
from xlt.world.files import SIZES, WORLD_VERSION, fingerprint, record_sets, write_world
from xlt.world.render import DIALECTS, LANGUAGES, ask, realise, span, text

__all__ = [
    "DIALECTS", "LANGUAGES", "SIZES", "WORLD_VERSION", "Event", "Token", "ask", "fingerprint", "realise",
    "record_sets", "span", "text", "write_world",
]  # fmt: skip
