"""Every number of the README that is a result stands in a table of the committed reports.

The README is written by hand; its numbers are declared here, sentence by sentence, with where they come from. After a
report is rebuilt, what fails says which sentence is stale and how it reads with the numbers of the tables.
"""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xlt.core.text import interval, plus_minus, points
from xlt.lab.profiles import load

ROOT = Path(__file__).parent.parent
TEXT = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))  # lines are broken anywhere
RESULTS = TEXT[TEXT.index("The committed report of `mini`") : TEXT.index("## What is where")]
SHOWN = {"xnli": "XNLI", "pawsx": "PAWS-X", "udpos": "UDPOS", "panx": "PAN-X", "xquad": "XQuAD", "tatoeba": "Tatoeba",
         "hellaswag": "HellaSwag", "ccg": "CCG", "mnli": "MNLI", "squad": "SQuAD", "squad2": "SQuAD 2.0", "qqp": "QQP",
         "multi-task": "the multi-task stage", "cosmosqa": "CosmosQA", "commonsenseqa": "CommonsenseQA",
         "anli-plus": "ANLI+", "mnli-mlm": "MNLI beside masked language modelling",
         "mnli-translated": "MNLI in all languages", "xcopa": "XCOPA",
         "target, longer": "longer training on itself", "ud-varieties": "tags", "xnli-var": "XNLI",
         "xsid-slots": "slots", "xquad-others": "XQuAD", "tydiqa": "TyDi QA"}  # fmt: skip
WORDS = ("above zero", "below zero", "wider", "narrower", "costs more", "costs less")  # of gaps and of what is lost
NUMBERS = ["no", "one", "two", "three", "four", "five", "six"]


# ---- what the tables say ---------------------------------------------------------------------


def table(report: str, name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "reports" / report / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])


def matrix(report: str, name: str = "0_transfer_matrix") -> pd.DataFrame:
    return table(report, name).set_index(["intermediate", "target"])


def answers(study: str, *asked: str, report: str = "mini") -> list[dict]:
    """The answers of a study whose question has all of these words."""
    file = ROOT / f"reports/{report}/answers/{study}.json"
    found = [one for one in json.loads(file.read_text())["answers"] if all(words in one["question"] for words in asked)]
    assert found, f"{file.name} answers no question with {asked}: declare the sentence anew"
    return found


# ---- how the README writes it ----------------------------------------------------------------


def row(label: str, cells: list[str]) -> dict[str, list[str]]:
    """A row of a table of the README as a sentence with a value for each cell."""
    return {f"| {label} |{' {} |' * len(cells)}": cells}


def cell(found: pd.Series) -> str:
    return plus_minus(found["mean"], found["high"]) + (" †" if found["same_task"] else "")


def difference(one: dict, sign: bool = False) -> str:
    """ "−4.7 [−9.8, 0.5]"; with a plus sign if that is wanted; without an interval in whole points."""
    if pd.isna(one["low"]):
        return points(one["effect"], sign=True, digits=0)
    return interval(one["effect"], one["low"], one["high"], sign=False).removeprefix("" if sign else "+")


def whole(one: dict, unit: str = "") -> str:
    """The size of an effect whose interval excludes zero in whole points: "18 points [12, 24]"."""
    assert one["low"] * one["high"] > 0, one["question"]
    ends = sorted(abs(round(100 * one[end])) for end in ("low", "high"))
    return " ".join(filter(None, [f"{abs(round(100 * one['effect']))}", unit, f"[{ends[0]}, {ends[1]}]"]))


def said(*asked: dict, words: bool = False) -> str:
    """ "undecided: −4.7 [−9.8, 0.5] on XNLI, −2.6 [−6.7, 1.5] on UDPOS", verdict by verdict.

    `words`: what a verdict means of this question, and what is behind it, where the answer says so.
    """
    by_verdict: dict[str, list[tuple[dict, str]]] = {}
    for one in asked:
        target = re.search(r" \(([\w-]+)[^()]*\)$", one["question"])
        where = f" on {SHOWN[target[1]]}" if target else ""
        parts = one["answer"].split("; ") if words and one["verdict"] in ("higher", "lower") else []
        behind = [part for part in parts if part.startswith(("without", "upper", "clean"))]
        where += f" ({'; '.join(behind)})" if behind else ""
        verdict = parts[0] if parts and parts[0] in WORDS else one["verdict"]
        by_verdict.setdefault(verdict, []).append((one, where))
    return "; ".join(_told(verdict, them, len(by_verdict)) for verdict, them in by_verdict.items())


def _told(verdict: str, them: list[tuple[dict, str]], verdicts: int) -> str:
    if verdict != "not testable":
        return f"{verdict}: {', '.join(f'{difference(one)}{where}' for one, where in them)}"
    # a figure that could not be tested means nothing
    return verdict + ",".join(where for _, where in them) if verdicts > 1 else verdict


def listed(things: list[str], last: str = " and ") -> str:
    return last.join(filter(None, [", ".join(things[:-1]), *things[-1:]])) or "none"


def named(tasks: Iterable[str]) -> str:
    return listed([SHOWN[task] for task in tasks])


# ---- the sentences, with a pair of braces for each value --------------------------------------


def rows_of_mini() -> dict[str, list[str]]:
    """The rows of the table of `mini`."""
    labels = {
        "none": "direct fine-tuning",
        "mnli": "after MNLI",
        "mnli-mlm": "after MNLI beside masked language modelling",
        "mnli-translated": "after MNLI in all languages (translate-train)",
        "mnli, labels shuffled": "control: after MNLI with shuffled labels",
        "target, longer": "control: after as many updates more of the target itself",
    }
    found, targets = matrix("mini"), ["xnli", "pawsx", "udpos", "panx", "xquad", "tatoeba"]
    rows = {}
    for name, label in labels.items():
        rows |= row(label, [cell(found.loc[name, to]) if (name, to) in found.index else "–" for to in targets])
    control = [answers("99_report", f"pretraining add to zero-shot {to}?")[0] for to in targets]
    return rows | row("difference to no pretraining", [difference(one, sign=True) for one in control])


def decided_in_mini() -> dict[str, list[str]]:
    """What the prose says of the transfer matrix."""
    found = matrix("mini").reset_index()
    differences = found[found["difference"].notna()]
    sure = differences[differences["verdict"].isin(["higher", "lower"])]
    retrieval = sure[sure["target"].isin(["tatoeba", "bucc"]) & (sure["verdict"] == "lower")]
    others = [
        f"{SHOWN[one.target]} after {SHOWN[one.intermediate]} "
        f"({interval(one.difference, one.diff_low, one.diff_high, sign=False)})"
        for one in sure.drop(retrieval.index).itertuples()
    ]
    pawsx = found[(found["target"] == "pawsx") & found["control"].isna()].set_index("intermediate")
    two, three = (pawsx.index[pawsx["collapsed"] == count] for count in (2, 3))
    learned = table("mini", "2_intermediate")
    learned["collapsed"] = pd.to_numeric(learned["collapsed"], errors="coerce").fillna(0)  # a dash: not known
    own = learned[(learned["intermediate"] == learned["task"]) & (learned["collapsed"] > 0)]
    lost = listed([NUMBERS[count] for count in sorted(set(own["collapsed"].astype(int)))], " or ")
    counts = [str(len(rows)) for rows in (differences, sure, retrieval)]
    by_cell = found.set_index(["intermediate", "target"])
    rules = table("mini", "4_rules").set_index("recipe").loc["mnli"]

    def change(stage: str, target: str) -> str:
        one = by_cell.loc[stage, target]
        return interval(one["difference"], one["diff_low"], one["diff_high"])

    return {
        "PAWS-X is not learned in any seed after {}, and in two of three after {} (the report names": [
            named(three),
            named(two),
        ],
        "the loss is smaller (BUCC {} instead of {})": [change("mnli-mlm", "bucc"), change("mnli", "bucc")],
        "Tatoeba is at {} after MNLI instead of {}, one seed.": [points(rules[name]) for name in ("held out", "fixed")],
        "MNLI in all languages loses as well (Tatoeba {})": [change("mnli-translated", "tatoeba")],
        "Of the {} differences of the table {} are decided: {} losses of retrieval, and beside them {}. The others": [
            *counts,
            listed(others, ", and "),
        ],
        "{} cannot be told from a guess in {} of three seeds,": [named(own["task"]), lost],
    }


def studies_of_mini() -> dict[str, list[str]]:
    """What was planted, and what stands beside it."""
    planted = "study_planted_effects"
    shortcut, elsewhere = answers(planted, "A marker that misleads")
    [twin] = answers(planted, "Two draws of the same plain data")
    [dialect] = answers(planted, "A dialect at strength 1")
    [letters] = answers(planted, "letters that the encoder")
    gaps = answers("study_dialects", "How far below the standard language is the dialect after direct fine-tuning?")
    scripts = answers("study_non_latin_scripts", "How far below Latin scripts are the others")
    smallest = load("mini").studies["dialects"].smallest
    return {
        "with {} points as the smallest effect of interest.": [f"{smallest:g}"],
        "a dialect at full strength costs {}": [whole(dialect, "points of UDPOS")],
        "and letters never seen {}.": [whole(letters)],
        "A shortcut in English intermediate data costs {} of the English target where it misleads; what it costs in "
        "the other languages is {}": [whole(shortcut, "points"), f"{elsewhere['verdict']} ({difference(elsewhere)})"],
        "as is the difference between two draws of the same data ({}).": [difference(twin)],
        "Dialects lie {} and {} below their standard languages,": [
            whole(one, words) + ("" if one["verdict"] == "higher" else f" ({one['verdict']})")
            for one, words in zip(gaps, ("points of XNLI", "of UDPOS"), strict=True)
        ],
        "non-Latin scripts {} and {} below Latin ones.": [whole(one) for one in scripts],
    }


def questions_of_mini() -> dict[str, list[str]]:
    """The questions that stand at the origin; the README has a row for each."""
    scripts, mix, cost = "study_non_latin_scripts", "study_data_mix", "study_perturbations"
    told = {
        "Does ANLI serve dialects better than MNLI?": answers("study_dialects", "(ANLI)", "against standard"),
        "Does ANLI help non-Latin scripts, against direct fine-tuning?": [
            one for one in answers(scripts, "(ANLI)", "against direct") if "perturbed" not in one["question"]
        ],
        "... on perturbed input?": answers(scripts, "(ANLI)", "against direct", "on perturbed input"),
        "Mixed instead of multilingual data, for QA under attack?": answers(mix, "a mix of", "multilingual data only?"),
        "... instead of English ones?": answers(mix, "a mix of", "English data only?"),
        "Does MNLI change what perturbations cost?": answers(cost, "What does English", "(MNLI)?"),
        "Does SQuAD?": answers(cost, "What does English", "(SQuAD)?"),
        "Does the order of tasks matter under perturbation?": answers("study_ordering", "How does the sequence"),
    }
    sentences = {}
    for question, found in told.items():
        sentences |= row(question, [said(*found)])
    return sentences


def calibration() -> dict[str, list[str]]:
    """What is known of the inference."""
    designs, pairs = table("calibration", "calibration_designs"), table("calibration", "calibration_pairs")
    steady = designs[designs["collapse"] == 0]
    level = [points(value) for value in (steady["this"].min(), steady["this"].max(), steady["this"].mean())]
    five = table("calibration", "calibration_power").set_index("seeds").loc[5]
    curves = table("calibration", "power_curves_table")
    seen = [
        curves[(curves["plant"] == plant) & (curves["found"] >= 0.8)].iloc[0]
        for plant in ("A dialect", "Letters never seen")
    ]
    marker = curves[curves["plant"] == "A marker that misleads"]
    assert (marker["found"] < 0.8).all()
    best = marker.loc[marker["found"].idxmax()]
    apart = int((pairs["p"] < 0.05).sum())
    louder = table("calibration", "calibration_louder").set_index("times the SD")["it"]
    return {
        "it raises a false alarm in {} to {} % of contrasts (mean {} %)": level,
        "over seeds alone in up to {} %.": [points(steady["paired"].max(), digits=0)],
        "one standard deviation in {} % of cases, a paired t test in {} %, Welch's in {} %.": [
            points(five[method], digits=0) for method in ("this", "paired", "Welch")
        ],
        "Of {} pairs of equal arms, trained in earnest, {} {} told apart.": [
            str(len(pairs)),
            NUMBERS[apart],
            "is" if apart == 1 else "are",
        ],
        "from {} points on (a dialect) and {} (letters never seen)": [points(abs(one["effect"])) for one in seen],
        "a marker that misleads is found by {} % of them at most, at {} points": [
            points(best["found"], digits=0),
            points(abs(best["effect"])),
        ],
        "one that varies ten times as much as the others of its study is falsely called clear in {} % of cases": [
            points(louder[10])
        ],
        "where {} are wanted": ["5"],
    }


def hard_records_of_local() -> dict[str, list[str]]:
    """What records that the encoder gets wrong teach it, and what they do to XNLI."""
    gates = table("local", "adversarial_intermediates_gates").query("gate == 'intermediate'").set_index("arm")
    clean, perturbed, typos = (one_of_local(HARD, where) for where in ("XNLI?", ", under perturb", "typos that people"))
    return {
        "it is right in {} % of the pool's records as they come, a guess in {} %, and after random ones in {} %.": [
            points(gates.loc["nli-hard", "score"]), points(gates.loc["nli-hard", "guess"]),
            points(gates.loc["nli-random", "score"]),
        ],
        "hard records cost XNLI: {} as it is, {} under perturbation, {} with typos that people made": [
            difference(one) for one in (clean, perturbed, typos)
        ],
    }  # fmt: skip


PANX_UPDATES = math.ceil(load("local").target["panx"]["examples"] / load("local").training["batch"])
HARD = "Adversarial (hard) instead of random records of one pool before XNLI"


def one_of_local(*asked: str, study: str = "study_adversarial_intermediates") -> dict:
    """The first answer with these words."""
    return answers(study, *asked, report="local")[0]


def questions_of_local() -> dict[str, list[str]]:
    """The rows of the table of `local`."""
    adversarial, cost, scripts = "study_adversarial_intermediates", "study_perturbations", "study_non_latin_scripts"
    varieties, direct = "study_dialects", "after direct fine-tuning? ("
    told = {
        "Six thousand random NLI records before XNLI instead of none?": (adversarial, "Random records instead of none"),
        "... instead of the same with shuffled labels?": (adversarial, "shuffled labels"),
        "... for each step of log2(1 + their number / 500)?": (adversarial, "each doubling"),
        "SQuAD before XNLI instead of none?": (adversarial, "SQuAD instead of none"),
        "Adversarial (hard) instead of random records before XNLI?": (adversarial, f"{HARD}?"),
        "Does English NLI change what perturbations cost in other languages?": (cost, "What does English", "(NLI)?"),
        "Does SQuAD?": (cost, "What does English", "(SQuAD)?"),
        "What do perturbations cost after direct fine-tuning?": (cost, "What do perturbations cost", "(mean of all)?"),
        "... typos that people made in XNLI?": (cost, "What do typos that people made cost", "(XNLI)?"),
        "... typos that people made in PAN-X?": (cost, "What do typos that people made cost", "(PAN-X)?"),
        "How far are non-Latin scripts below Latin ones after direct fine-tuning?": (scripts, "How far below", direct),
        "... those that are written with spaces?": (scripts, "How far below Latin", "written with spaces"),
        "Do random records change that gap?": (scripts, "Do random records change the gap"),
        "Does SQuAD change it?": (scripts, "Does SQuAD change the gap"),
        "Do hard records help non-Latin scripts, against direct fine-tuning?": (scripts, "against direct fine-tuning?"),
        "How far are varieties below their standard languages after direct fine-tuning?": (
            varieties,
            "How far",
            direct,
        ),
        "Do random records narrow that gap?": (varieties, "Do random records close the gap"),
        "Do random records help in the varieties themselves?": (varieties, "Do random records help", "themselves? ("),
        "Do hard records, against random ones?": (varieties, "Do adversarial examples (hard"),
        **robust_training_of_local(),
        **data_mix_of_local(),
        **ordering_of_local(),
        "What does romanised input cost after direct fine-tuning?": (scripts, "What does romanised input cost"),
        "Do random records change that?": (scripts, "Do random records change what romanised"),
    }
    sentences = {}
    for question, (study, *asked) in told.items():
        sentences |= row(question, [said(*answers(study, *asked, report="local"), words=True)])
    return sentences


def robust_training_of_local() -> dict[str, tuple[str, ...]]:
    """Rows of the same table: the words of the question in the study of robust training."""
    rows = {
        "ADV on PAN-X, radius 0.01 of the median embedding, instead of plain fine-tuning?": "(radius 0.01 of",
        "... radius 0.03?": "(radius 0.03)?",
        "... radius 0.1?": "(radius 0.1)?",
        "... radius 0.1, under a search attack?": "ADV (0.1) under a search attack?",
        "RS-RP, radius 0.1, instead of plain fine-tuning?": "RS-RP (0.1) instead of plain fine-tuning?",
        "... under perturbation?": "RS-RP (0.1) instead of plain fine-tuning, under perturbation?",
        "Code-mixed copies beside the records, in as many updates?": "Code-mixed copies",
    }
    return {row: ("study_robust_training", words) for row, words in rows.items()}


def data_mix_of_local() -> dict[str, tuple[str, ...]]:
    """Rows of the same table: the words of the question in the study of the mix of data."""
    rows = {
        "Mixed instead of multilingual questions before TyDi QA in English, for XQuAD under attack?": (
            "XQuAD in other languages under adversarial attack, against multilingual",
        ),
        "... mixed instead of English ones?": ("XQuAD in other languages under adversarial attack, against English",),
        "... TyDi QA in Korean and Swahili, mixed instead of multilingual ones?": (
            "TyDi QA under",
            "multilingual data only",
        ),
        "... TyDi QA in Korean and Swahili, mixed instead of English ones?": (
            "TyDi QA under",
            "against English data only",
        ),
        "Multilingual instead of English questions, mean of XQuAD and TyDi QA, records as they are?": (
            "Multilingual instead of English intermediate data?",
        ),
        "... under typos and a distractor?": ("Multilingual instead of English intermediate data, under typos",),
        "... mixed instead of English questions, records as they are?": ("Mixed instead of English only?",),
        "... mixed instead of English questions, under typos and a distractor?": (
            "Mixed instead of English only, under typos",
        ),
        "... English questions instead of none, records as they are?": ("English intermediate data instead of none",),
    }
    return {row: ("study_data_mix", *words) for row, words in rows.items()}


def ordering_of_local() -> dict[str, tuple[str, ...]]:
    """Rows of the same table: the words of the question in the study of the order of tasks. XNLI has not run there."""
    before = "before PAN-X, perturbed: MNLI last instead of first?"
    rows = {
        f"Orders of MNLI, CCG and QQP {before}": ("under perturbation (MNLI last", "(panx)"),
        "... CCG last instead of first?": ("under perturbation (CCG last", "(panx)"),
        "... QQP last instead of first?": ("under perturbation (QQP last", "(panx)"),
        "... records as they are: MNLI last instead of first?": ("MNLI last than by MNLI first", "(panx)"),
        "... CCG last?": ("Is CCG last", "(panx)"),
        "... QQP last?": ("Is QQP last", "(panx)"),
        "One task after the other (all orders) instead of none?": ("better than direct fine-tuning", "(panx)"),
        "... instead of one of them alone, in as many updates?": ("better than a single task", "(panx)"),
        "... instead of all at once?": ("better than all at once in as many updates? (panx)",),
    }
    return {row: ("study_ordering", *words) for row, words in rows.items()}


def scores_of_the_orders_of_local() -> dict[str, list[str]]:
    """What the answers about the order rest on: one arm, in two seeds of three."""
    arms = ("qqp, mnli, ccg", "mnli, ccg, qqp", "ccg, qqp, mnli", "none")
    scores = pd.read_csv(ROOT / "reports/local/scores_ordering.csv.gz")
    read = scores.query("task == 'panx' and main and split == 'test' and condition == 'clean' and not source_language")
    by_seed = read.pivot_table(index="seed", columns="arm", values="value")
    apart = by_seed["mnli, ccg, qqp"] - by_seed["qqp, mnli, ccg"]
    left = table("local", "ordering_forgetting").set_index(["after", "task"])["mean"]
    first = [left[task, task] for task in ("mnli", "ccg", "qqp")]
    last = [
        left[order, order.rpartition(" ")[2]] for order in ("ccg → qqp → mnli", "qqp → mnli → ccg", "mnli → ccg → qqp")
    ]
    return {
        "PAN-X has {} after QQP, MNLI and CCG, {} and {} after the two other orders, and {} directly;": [
            points(clean_of_local("ordering", "panx", arm)) for arm in arms
        ],
        "by seed the decided difference is {}, {} and {},": [points(value) for value in apart],
        "(MNLI {} as the first task and {} as the last, CCG {} and {}, QQP {} and {})": [
            points(value) for pair in zip(first, last, strict=True) for value in pair
        ],
    }  # fmt: skip


def scores_of_the_mix_of_local() -> dict[str, list[str]]:
    """What the answers about the mix of data rest on."""
    attacks = table("local", "data_mix_attack").query("languages == 'all'").set_index(["target", "arm"])
    arms = ("English", "mixed", "multilingual", "none")
    return {
        "On XQuAD F1 is {} after English questions, {} after mixed, {} after multilingual ones and {} without any.": [
            points(clean_of_local("data_mix", "xquad-others", arm)) for arm in arms
        ],
        "thirty records of a language fall from {}, {}, {} and {} to {}, {}, {} and {}, hardly above a guess": [
            points(attacks.loc[("xquad-others", arm), score]) for score in ("clean", "searched") for arm in arms
        ],
    }  # fmt: skip


def behind_answers_of_local() -> dict[str, list[str]]:
    """What the answers rest on: one language, the clean score alone, the subword at which a tag is read."""
    less = one_of_local(HARD, "in what perturbation costs")
    bare = table("local", "non_latin_scripts_bare").query("task == 'udpos'").set_index("language")["bare"]
    return {
        "ADV costs more the wider its ball is, in the {} updates that all arms have": [str(PANX_UPDATES)],
        "What perturbation costs is {} points less after them, but only because the clean score falls further ({}).": [
            points(-less["effect"]), said_behind(less, "clean"),
        ],
        "of the words of Chinese {} % and of Thai {} % are read so, of English {} %": [
            points(bare[code]) for code in ("zh", "th", "en")
        ],
        "German ones lie {} (tags) and {} (slots) below, Norwegian ones {} (slots), Levantine Arabic {}, "
        "Cantonese {} (tags)": [
            difference(one_of_local(*asked, study="study_dialects"))
            for asked in (("German", "(ud-"), ("German", "(xsid"), ("Norwegian",), ("Levantine",), ("Cantonese",))
        ],
    }  # fmt: skip


def in_short_of_local() -> dict[str, list[str]]:
    """What the report says in five sentences, and the scores that its points are of."""
    script, dialects, cost = "study_non_latin_scripts", "study_dialects", "study_perturbations"
    asked = [
        (script, "How far below Latin", "direct fine-tuning? (panx"), (script, "How far below Latin", "tuning? (udpos"),
        (dialects, "How far", "direct fine-tuning? (ud"), (dialects, "How far", "direct fine-tuning? (xsid"),
        (cost, "What do perturbations cost", "(mean of all)? (xnli"), (cost, "What do perturbations", "all)? (panx"),
    ]  # fmt: skip
    effects = [points(one_of_local(*words, study=study)["effect"]) for study, *words in asked]
    files = sorted((ROOT / "reports/local/answers").glob("study_*.json"))
    given = [one["verdict"] for file in files for one in json.loads(file.read_text())["answers"]]
    kinds = ("higher", "lower", "equivalent", "undecided", "not testable", "not run")
    tags = one_of_local("Do random records help", "themselves? (ud", study="study_dialects")
    squad = one_of_local("English intermediate data instead of none", study="study_data_mix")
    nli = one_of_local("Random records instead of none")
    levels = [clean_of_local(*one) for one in (("non_latin_scripts", "xnli"), ("non_latin_scripts", "panx"),
              ("non_latin_scripts", "udpos"), ("dialects", "ud-varieties"), ("dialects", "xsid-slots"))]  # fmt: skip
    return {
        "three), bf16, embeddings left as they are, {} to {} test records of a language, mostly {} or {};": [
            "20", "1,000", "100", "200",
        ],
        "are {} on XNLI, {} on PAN-X, {} on UDPOS, {} on the tags of varieties and their standards, {} on their": [
            points(level) for level in levels
        ],
        "scores lie {} (PAN-X) and {} (UDPOS) points lower in non-Latin scripts than in Latin ones, {} (tags) and {} "
        "(slots) lower in varieties than in their standard languages, and fall by {} (XNLI) and {} (PAN-X)": effects,
        "and NLI costs the tags of varieties {}.": [points(-tags["effect"])],
        "question answering before question answering {}, and NLI before XNLI {}, this in one": [
            points(squad["effect"]), points(nli["effect"]),
        ],
        "Of {} questions {} are higher, {} lower, {} equivalent, {} undecided, {} not testable and {} not run;": [
            str(len(given)), *(str(given.count(kind)) for kind in kinds),
        ],
    }  # fmt: skip


def clean_of_local(study: str, target: str, arm: str = "none", condition: str = "clean") -> float:
    """The mean score of an arm in the table of a study."""
    means = table("local", f"{study}_scores").set_index(["target", "condition", "arm"])["mean"]
    return means[target, condition, arm]


def samples_of_local() -> dict[str, list[str]]:
    """The same models on other records, and what means over languages or conditions are made of."""
    on_others = [
        points(clean_of_local(study, target, "random") - clean_of_local(study, target), sign=True)
        for study, target in (("non_latin_scripts", "xnli"), ("dialects", "xnli-var"))
    ]
    clean = one_of_local("at what clean cost", "(NLI)? (xnli)", study="study_perturbations")
    tags = one_of_local("Do random records help", "themselves? (ud", study="study_dialects")
    gap = one_of_local("Do random records close", "(ud", study="study_dialects")
    standards = re.search("upper languages −([0-9.]+)", gap["answer"])[1]
    gaps = table("local", "dialects_gaps").query("arm == 'none' and target == 'ud-varieties'")
    gaps = gaps.set_index("variety")["gap"]
    costs = table("local", "perturbations_costs").query("arm == 'none' and group == 'all' and target == 'panx'")
    costs = costs.set_index("condition")["cost"]
    assert len(gaps) == 10 and gaps.idxmin() == "hyw" and gaps.idxmax() == "nap" and len(costs) == 9
    assert costs.idxmin() == "diacritics" and costs.idxmax() == "invisible"
    scores = pd.read_csv(ROOT / "reports/local/scores_non_latin_scripts.csv.gz")
    scores = scores.query("arm == 'none' and task == 'udpos' and main and split == 'test'")
    wide = scores.pivot_table(index="language", columns="condition", values="value")
    lost = (wide["clean"] - wide["romanise"]).dropna()
    pgd = [clean_of_local("robust_training", "panx", arm, "pgd") for arm in ("adv 0.1", "none")]
    nli = one_of_local("Random records instead of none")
    return {
        "On {} records in seven languages random records help XNLI by {}; on {} in ten languages the same models "
        "differ by {}, on {} in eight by {}, on four languages of xnli-var by {}: the gain": [
            "1,000", points(nli["effect"]), "200", on_others[0], "100", difference(clean), on_others[1],
        ],
        "Before tags they cost varieties {} and the standard languages {},": [points(-tags["effect"]), standards],
        "mean of ten varieties, from {} (Western Armenian) to {} (Neapolitan, {} records); one of them, at {}, is": [
            points(gaps.min()), points(gaps.max()), "20", points(gaps["qaf"]),
        ],
        "So romanised Chinese gains {} of UDPOS, while the six other languages lose {}.": [
            points(-lost["zh"]), points(lost.drop("zh").mean()),
        ],
        "at strengths of our choice, diacritics cost {} of PAN-X and invisible characters {}.": [
            points(costs.min()), points(costs.max()),
        ],
        "Within a ball of a tenth it keeps {} points where plain fine-tuning keeps {}; the search attack was read on "
        "{} records": [*map(points, pgd), "20"],
    }  # fmt: skip


def said_behind(answer: dict, begins: str) -> str:
    """The part of an answer in words that begins so."""
    return next(part for part in answer["answer"].split("; ") if part.startswith(begins))


def retrieval_of_e5() -> dict[str, list[str]]:
    """What the encoder of `local` retrieves, beside published figures."""
    found = pd.read_csv(ROOT / "benchmarks" / "tatoeba.csv", keep_default_na=False)  # "na" is a language
    beside = found["with_prefix"] - found["published"]
    means = {name: points(found[name].mean()) for name in ("with_prefix", "published", "without")}
    return {
        "finds the translations of Tatoeba in {} % of cases, mean of {} languages, where MTEB's results have {} for": [
            means["with_prefix"], str(len(found)), means["published"],
        ],
        "by language the difference is between {} and {} points": [
            points(beside.min(), sign=True), points(beside.max(), sign=True),
        ],
        "Without the prefix, as this project reads every encoder, it is {}.": [means["without"]],
    }  # fmt: skip


def heads_of_before() -> dict[str, list[str]]:
    """What a target's head was worth that began as the intermediate task's."""
    found = pd.read_csv(ROOT / "benchmarks/heads.csv")
    others = found.query("languages == 'others'").pivot(index="seed", columns="heads", values="value")
    alike = found.groupby("heads")["cosine"].mean()
    paired = scipy_stats.ttest_rel(others["shared"], others["apart"]).confidence_interval()
    return {
        "{} in the other languages with a shared head and {} with one drawn apart, a difference of {}.": [
            *(points(others[way].mean()) for way in ("shared", "apart")),
            interval((others["shared"] - others["apart"]).mean(), *paired, sign=False),
        ],
        "have a cosine of {} where it is shared, of {} where it is not": [
            f"{abs(alike[way]):.2f}" for way in ("shared", "apart")
        ],
    }


def another_error_of_four_bits() -> dict[str, list[str]]:
    """How far other scripts lie below Latin ones with trained weights that bear an error as large as the encoder's."""
    means = pd.read_csv(ROOT / "benchmarks/four_bits.csv").groupby(["weights", "task", "script"])["value"].mean()
    gaps = means.unstack("script").eval("Latin - others")
    pairs = [points(gaps[kind, task]) for task in ("panx", "udpos", "xnli") for kind in ("as trained", "another grid")]
    fallen = (means["as trained"] - means["another grid"]).max()
    return {
        "these gaps between scripts are {} and {} (PAN-X), {} and {} (UDPOS), {} and {} (XNLI), and the mean of a task "
        "and a group of scripts falls by {} points at most": [*pairs, points(fallen)],
        "lose most of what they learned (PAN-X is at {})": [points(means["the same grid", "panx"].mean())],
    }  # fmt: skip


GROUPS = (
    rows_of_mini, decided_in_mini, studies_of_mini, questions_of_mini, calibration, hard_records_of_local,
    in_short_of_local, samples_of_local, scores_of_the_orders_of_local, questions_of_local,
    scores_of_the_mix_of_local, behind_answers_of_local, retrieval_of_e5, another_error_of_four_bits,
    heads_of_before,
)  # fmt: skip


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_the_readme_says_what_the_tables_of_the_reports_say(group):
    stale = []
    for words, values in group().items():
        now = words.format(*values)
        if now not in RESULTS:
            there = re.search(".+?".join(map(re.escape, words.split("{}"))), RESULTS)
            stale.append(f"README: {there[0] if there else 'no sentence ' + words!r}\nwrite:  {now}")
    assert not stale, "numbers of the README are not those of reports/:\n" + "\n".join(stale)


def test_every_number_among_the_results_of_the_readme_is_declared_here():
    rest = RESULTS
    for words, values in (sentence for group in GROUPS for sentence in group().items()):
        rest = rest.replace(words.format(*values), "…")
    undeclared = re.findall(r"[^.|]*(?<![\w-])\d[^.|]*", rest)  # F1 and e5 are names
    assert not undeclared, f"numbers of the README that are stale or have no sentence here: {undeclared}"
