"""How many examples a second: the search attack of xlt against TextAttack's greedy search (PyPI `textattack`).

    python benchmarks/attack_speed.py --textattack /path/to/its/environment/bin/python

Both attack the same fine-tuned model on the same English records with the same lists of replacements, the same limits
(words changed, budget of queries, function words kept), deletion ranking and greedy search. TextAttack runs twice: with
its own wrapper of models, which pads every text to the model's longest (padding="max_length"), and with one that pads
to the longest of a batch, so that it can be seen what is search and what is padding. Times are of the attack alone,
without loading models, one thread or as many as `--threads` says. TextAttack computes in fp32; `--precision bf16` lets
xlt compute as it does where a profile says so. At the end stands how many times as fast xlt is, by processor time, how
the success rates differ, with the 95 % interval over the records that both attack, and in words whether that is the
aim: ten times as fast at a success equal within noise. The figures are added to attack_speed.csv beside this file,
from which the notebook on robust training shows them.

An environment for TextAttack 0.3.11 (its dependency flair needs transformers < 5 and does not resolve by itself):

    python -m venv ta
    ta/bin/pip install "transformers<5" torch flair==0.15.1 "conllu<5" bioc
    ta/bin/pip install textattack bert-score nltk
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

FIGURES = Path(__file__).with_suffix(".csv")
RESULTS = "results.jsonl"  # of each side a line, in the folder that both share
PLAIN = re.compile(r"[A-Za-z .,;:?!()\"]+")  # both cut such a text into the same words


# the side of xlt ------------------------------------------------------------------------------


def prepare(folder: Path, options: argparse.Namespace) -> None:
    """A fine-tuned model, records with their replacements, and settings, in `folder`; and the result of xlt."""
    import torch

    torch.set_num_threads(options.threads)
    from xlt import Lab
    from xlt.core import device
    from xlt.data.weights import positions
    from xlt.evaluation.attack import candidates, run
    from xlt.evaluation.attack.search import GreedySearch
    from xlt.evaluation.attack.victim import Victim
    from xlt.evaluation.evaluate import model_for
    from xlt.models.encoder import tokenizer_of
    from xlt.models.inference import Predictor
    from xlt.perturb.neighbours import stop_words
    from xlt.spec import tasks
    from xlt.spec.perturbations import Attack
    from xlt.spec.recipe import Evaluation

    lab = Lab.from_params(options.profile)
    device.prefer(options.precision)
    options.precision = "bf16" if device.compute().dtype is torch.bfloat16 else "fp32"
    recipe = lab.recipe(target=options.task).seeded(0)
    lab.run({"victim": recipe}, [])
    task, attack = tasks.get(options.task), Attack(name=options.attack, budget=options.budget)
    evaluation = Evaluation(task=task.name, language="en", max_length=128, attack=attack)
    learner, tokenizer = model_for(lab.store, recipe, evaluation), tokenizer_of(lab.store, recipe)
    learner.config.restart_positions = False  # as every other library reads the model
    rows = lab.store.source.load(task, "en", "test", 20 * options.examples)
    kept = [i for i, row in enumerate(rows) if all(PLAIN.fullmatch(row[name]) for name in ("text_a", "text_b"))]
    rows = rows.select(kept[: options.examples])
    rows = {name: rows[name][:] for name in rows.column_names}
    table: dict[str, list[str]] = {}

    clock = Clock()
    victim, searches = Victim(rows, task, evaluation, Predictor(learner, tokenizer, options.batch)), {}
    for row in range(len(rows["label"])):
        places = candidates.places(rows, row, task.family, attack, "en")
        texts = candidates.texts_of(rows, task.family, row)
        most = max(1, int(attack.edit_rate * candidates.count_words(texts, task.family, "en")))
        searches[row] = GreedySearch(texts, places, most, attack)
        table |= {texts[p.text][p.start : p.end]: list(p.options) for p in places}
    found: dict[int, Any] = {}
    for first in range(0, len(searches), run.CHUNK):
        chunk = {row: searches[row] for row in range(first, min(first + run.CHUNK, len(searches)))}
        found |= run.drive(chunk, victim.ask)
        victim.forget()
    clock.stop()
    ends = [(row, run.edited(searches[row].texts, searches[row].places, found[row].edits)) for row in searches]
    clean = [outcome.right[0] for outcome in victim.ask([(row, search.texts) for row, search in searches.items()])]
    lost = [a and not outcome.right[0] for a, outcome in zip(clean, victim.ask(ends), strict=True)]
    tried = [found[row].queries for row in searches if clean[row]]
    won = [bool(gone) if right else None for gone, right in zip(lost, clean, strict=True)]
    report(folder, Result("xlt", won, tried, clock.wall, clock.cpu))

    tokenizer.model_max_length = min(tokenizer.model_max_length, positions(learner.config))
    learner.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    limits = {"budget": attack.budget, "edit_rate": attack.edit_rate, "batch": options.batch}
    limits |= {"threads": options.threads, "stop_words": sorted(stop_words("en"))}
    (folder / "work.json").write_text(json.dumps({"rows": rows, "table": table, **limits}))


class Clock:
    """Seconds on the wall and of the processor: on a busy machine the second compares better."""

    def __init__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.wall, self.cpu = time.perf_counter() - self.started[0], time.process_time() - self.started[1]


class Result(NamedTuple):
    """Of each record whether the attack won, None where the model is wrong already; the queries of each that it is
    right on; seconds for all of them."""

    who: str
    won: list[bool | None]
    queries: list[int]
    wall: float
    cpu: float

    def figures(self) -> dict[str, Any]:
        examples, tried = len(self.won), [won for won in self.won if won is not None]
        return {
            "system": self.who, "examples": examples, "examples_per_second": round(examples / self.wall, 3),
            "per_processor_second": round(examples / self.cpu, 3), "attacked": len(tried),
            "success": round(sum(tried) / max(1, len(tried)), 4),
            "queries_mean": round(statistics.mean(self.queries or [0]), 1), "queries_max": max(self.queries, default=0),
        }  # fmt: skip


def report(folder: Path, result: Result) -> None:
    """One line of figures, and the result for the comparison at the end."""
    print("  ".join(f"{name} {value}" for name, value in result.figures().items()), flush=True)
    with (folder / RESULTS).open("a") as file:
        file.write(json.dumps(result._asdict()) + "\n")


def compared(ours: Result, theirs: Result) -> dict[str, Any]:
    """How many times as fast xlt is, by processor time, and its success less the other's with the 95 % interval."""
    pairs = [(a, b) for a, b in zip(ours.won, theirs.won, strict=True) if a is not None and b is not None]
    differences = [int(a) - int(b) for a, b in pairs]
    few = len(pairs) < 2
    mean = math.nan if few else statistics.mean(differences)
    half = math.nan if few else 1.96 * statistics.stdev(differences) / len(pairs) ** 0.5
    ends = {"success_difference": mean, "difference_low": mean - half, "difference_high": mean + half}
    return {"times_as_fast": round(theirs.cpu / ours.cpu, 2)} | {name: round(end, 4) for name, end in ends.items()}


def said(found: dict[str, Any], who: str) -> str:
    """`compared` in a sentence, and whether that is the aim."""
    times, mean, low, high = found.values()
    fast = "at least ten times as fast" if times >= 10 else "not ten times as fast"
    if math.isnan(mean):
        return f"xlt beside {who}: {times} times, {fast}; too few records to compare the success"
    equal = "equal within noise" if low <= 0 <= high else "higher" if mean > 0 else "lower"
    return f"xlt beside {who}: {times} times, {fast}; success {mean:+.3f} [{low:+.3f}, {high:+.3f}], {equal}"


def keep(options: argparse.Namespace, ours: Result, others: list[Result], figures: Path = FIGURES) -> None:
    """Add the figures to those of earlier comparisons; one of the same profile, task, attack and size is replaced."""
    named = ("profile", "task", "attack", "budget", "batch", "threads", "precision")
    what = {name: str(getattr(options, name)) for name in named}
    what |= {"profile": Path(options.profile).stem, "measured": datetime.date.today().isoformat()}
    rows = [what | result.figures() | compared(ours, result) for result in (ours, *others)]
    kept = list(csv.DictReader(figures.read_text(encoding="utf-8").splitlines())) if figures.is_file() else []
    same = ("profile", "task", "attack", "budget", "precision")
    kept = [row for row in kept if any(row[name] != what[name] for name in same)]
    with figures.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept + rows)


# the side of TextAttack, in its own environment ---------------------------------------------------


def textattack(folder: Path) -> None:
    """TextAttack's greedy search with word importance by deletion, on what `prepare` has written."""
    import torch
    import transformers

    work = json.loads((folder / "work.json").read_text())
    words = folder / "nltk_data" / "corpora" / "stopwords"  # it reads this list when it is imported
    words.mkdir(parents=True, exist_ok=True)
    (words / "english").write_text("\n".join(work["stop_words"]))
    os.environ["NLTK_DATA"] = str(folder / "nltk_data")
    torch.set_num_threads(work["threads"])
    from textattack import Attack
    from textattack.goal_functions import UntargetedClassification
    from textattack.models.wrappers import HuggingFaceModelWrapper
    from textattack.search_methods import GreedyWordSwapWIR

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "model").eval()
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder / "model")

    class Longest(HuggingFaceModelWrapper):
        """Pads to the longest text of a batch."""

        def __call__(self, texts: list[str]) -> Any:
            inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
            with torch.no_grad():
                return self.model(**inputs).logits

    swap, limits = _parts(work)
    wrappers = {"padded to the longest of a batch": Longest, "as it comes": HuggingFaceModelWrapper}
    for name, wrapper in wrappers.items():
        goal = UntargetedClassification(
            wrapper(model, tokenizer), query_budget=work["budget"], model_batch_size=work["batch"]
        )
        attack = Attack(goal, limits, swap, GreedyWordSwapWIR("delete"))
        clock = Clock()
        results = [attack.attack(*example) for example in _examples(work["rows"])]
        clock.stop()
        names = [type(result).__name__ for result in results]
        won = [None if n == "SkippedAttackResult" else n == "SuccessfulAttackResult" for n in names]
        tried = [r.num_queries for r, w in zip(results, won, strict=True) if w is not None]
        report(folder, Result(f"textattack, {name}", won, tried, clock.wall, clock.cpu))


def _examples(rows: dict[str, list]) -> list[tuple[Any, int]]:
    from collections import OrderedDict

    from textattack.shared import AttackedText

    texts = zip(rows["text_a"], rows["text_b"], rows["label"], strict=True)
    return [(AttackedText(OrderedDict(premise=a, hypothesis=b)), label) for a, b, label in texts]


def _parts(work: dict[str, Any]) -> tuple[Any, list]:
    """The same replacements and limits, as a transformation and constraints of TextAttack."""
    from textattack.constraints import Constraint, PreTransformationConstraint
    from textattack.constraints.pre_transformation import RepeatModification
    from textattack.transformations import WordSwap

    table = work["table"]

    class Swap(WordSwap):
        def _get_replacement_words(self, word: str) -> list[str]:
            return table.get(word, [])

    class Listed(PreTransformationConstraint):
        """Only words that have replacements, as in xlt."""

        def _get_modifiable_indices(self, text: Any) -> set[int]:
            return {i for i, word in enumerate(text.words) if word in table}

    class Rate(Constraint):
        """At most so many words changed."""

        def _check_constraint(self, transformed: Any, reference: Any) -> bool:
            most = max(1, int(work["edit_rate"] * len(reference.words)))
            return len(transformed.attack_attrs["modified_indices"]) <= most

    return Swap(), [RepeatModification(), Listed(), Rate(compare_against_original=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--textattack", metavar="PYTHON", help="the interpreter of an environment that has it")
    parser.add_argument("--profile", default="mini")
    parser.add_argument("--task", default="xnli", help="a target with two texts")
    parser.add_argument("--attack", default="characters")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--budget", type=int, default=500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--precision", choices=("fp32", "bf16"), default="fp32",
        help="of xlt, as resources.precision of a profile; TextAttack computes in fp32",
    )  # fmt: skip
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        textattack(options.worker)
        return
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), options)
        if options.textattack:
            subprocess.run([options.textattack, __file__, "--worker", name], check=True)
            ours, *others = (Result(**json.loads(line)) for line in (Path(name) / RESULTS).read_text().splitlines())
            print("\n".join(said(compared(ours, theirs), theirs.who) for theirs in others))
            keep(options, ours, others)
        else:
            print("textattack: not compared; name its interpreter with --textattack", file=sys.stderr)


if __name__ == "__main__":
    main()
