"""The arguments of the console command `xlt`: what each command takes, and what --help says of it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from pathlib import Path

Command = Callable[[argparse.Namespace], int | None]


def parser(functions: Mapping[str, Command], version: str) -> argparse.ArgumentParser:
    """Reads the arguments of `xlt`; `command` of what it gives is the function to be called with it."""
    whole = argparse.ArgumentParser(prog="xlt", description="Intermediate-task training in cross-lingual transfer.")
    whole.add_argument("--version", action="version", version=f"xlt {version}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=functions[name])
        return sub

    run = command("run", "execute the notebooks of a profile and build its report")
    run.add_argument("--stored", action="store_true", help="start no run: report what is finished so far")
    run.add_argument("--latex", action="store_true", help="write tables as .tex and figures as .pdf, too, for a paper")
    plan = command("plan", "say what a run would compute, without computing it")
    plan.add_argument("--device", metavar="NAME", help="count with this device, such as H100, and not the one at hand")
    plan.add_argument("--workers", type=_positive, metavar="N", help="count with so many workers or GPUs")
    plan.add_argument("--budget", type=_amount, metavar="HOURS", help="propose a smaller profile that fits these hours")
    calibrate = command("calibrate", "measure how fast this device is, for plans: 20 seconds, kept")
    for sub in (run, plan):
        sub.add_argument("--only", metavar="NOTEBOOK", help="only this notebook: 02, its name or its file")
    why = command("why", "say why a run is done, missing or stale")
    why.add_argument("name", metavar="RUN", help="name or id of a run")
    claims = command("check", "hold the declared claims against a report: held, refuted, not shown, not run")
    claims.add_argument("--json", action="store_true", help="print a JSON array")
    power = command(
        "power", "say how many seeds, records and hours the questions of the studies need, from finished runs"
    )
    power.add_argument("--study", metavar="NAME", help="only this study")
    for sub in (run, plan, calibrate, why, claims, power):
        sub.add_argument(
            "--profile", default="mini", help="a file of params/ (default: mini), or a path to a YAML file"
        )
    diff = command(
        "diff",
        "compare two reports: number by number, or as means within their intervals where they were made on different "
        "machines; exit code 0 if they say the same or agree so, 1 if not, 2 for bad input",
    )
    diff.add_argument("old", type=Path, metavar="OLD", help="folder of a report, such as reports/mini")
    diff.add_argument("new", type=Path, metavar="NEW", help="folder of another")
    diff.add_argument("--tolerance", type=float, default=1e-9, help="largest equal difference (default: 1e-9)")
    diff.add_argument("--page", type=Path, default="diff.html", help="where the differences go (default: diff.html)")
    over = command("meta", "pool the primary questions of the studies over several reports, as one page")
    over.add_argument(
        "reports", type=Path, nargs="*", metavar="FOLDER", help="reports, of others too (default: all here)"
    )
    over.add_argument("--page", type=Path, metavar="FILE", help="where it goes (default: reports/meta.html)")
    score = command("score", "score a file of predictions against a file of references, by a task's metrics")
    score.add_argument("--task", required=True, help="a task of `xlt tasks`")
    score.add_argument("--language", required=True, metavar="CODE", help="any BCP 47 or ISO 639 code")
    score.add_argument("--predictions", required=True, type=Path, metavar="FILE", help="JSON lines, {id: value} or TSV")
    score.add_argument(
        "--references", required=True, type=Path, metavar="FILE", help="the same, SQuAD's .json, or the task's records"
    )
    score.add_argument(
        "--dev", nargs=2, type=Path, metavar=("PREDICTIONS", "REFERENCES"), help="choose BUCC's threshold on these"
    )
    score.add_argument("--json", action="store_true", help="print a JSON object")
    perturb = command("perturb", "perturb the lines or JSON records of standard input")
    perturb.add_argument("--name", help="a perturbation of --list, with an argument after a colon: code-mix:ar")
    perturb.add_argument("--strength", default="0.1", help="probability of each single change, 0 to 1 (default: 0.1)")
    perturb.add_argument("--language", metavar="CODE", help="language of the text, any BCP 47 or ISO 639 code")
    perturb.add_argument("--seed", type=int, default=0)
    perturb.add_argument("--family", help="task family of the records (default: by their columns)")
    perturb.add_argument("--list", action="store_true", help="list the perturbations")
    translate = command("translate", "translate a task's training data by a translation model")
    translate.add_argument("--task", required=True, help="a task of `xlt tasks`, or of the profile's own")
    translate.add_argument("--model", required=True, help="hub id or folder of a seq2seq model (Marian, NLLB, M2M-100)")
    translate.add_argument("--revision", help="branch, tag or commit of the model on the hub")
    translate.add_argument(
        "--to", required=True, nargs="+", metavar="CODE", help="languages; with the model's own code: de=deu_Latn"
    )
    translate.add_argument("--from", dest="start", default="en", metavar="CODE", help="language of the data (en)")
    translate.add_argument("--examples", type=_positive, metavar="N", help="how many records (default: all)")
    translate.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: in the cache)")
    translate.add_argument("--batch", type=_positive, default=32, metavar="N", help="texts at a time (32)")
    translate.add_argument("--profile", default="local", help="whose data source and tasks to use (default: local)")
    filtering = command("filter", "make adversarial training data: the records that models of the profile get wrong")
    filtering.add_argument(
        "--of",
        required=True,
        nargs="+",
        metavar="TASK",
        help="the pool: classification tasks, or slices: 'mnli[:70%%]'",
    )
    filtering.add_argument("--keep", type=_positive, default=6000, metavar="N", help="records of each set (6000)")
    filtering.add_argument(
        "--name", default="nli", help="the data set is xlt/filtered-NAME (nli: tasks nli-hard, nli-easy, nli-random)"
    )
    filtering.add_argument("--profile", default="local", help="whose encoder, training and data source (local)")
    told = "list the declared tasks (R: how many languages in XTREME-R; *: never read when this was written)"
    listed = command("tasks", told)
    listed.add_argument("--json", action="store_true", help="print JSON with all languages, metrics and notes")
    new = command("new-task", "look at records of your own and write a params file that runs in two minutes")
    new.add_argument("data", type=Path, metavar="FOLDER_OR_FILE", help="CSV, TSV, JSON, Parquet or CoNLL files")
    new.add_argument("--output", type=Path, metavar="FILE", help="the params file (default: NAME.yaml here)")
    new.add_argument("--force", action="store_true", help="write over the params file")
    languages = command("languages", "list the languages that tables say more of; any code works")
    for sub in (score, listed, perturb, languages):
        sub.add_argument("--profile", help="with the tasks and languages that this profile declares, too")
    return whole


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number, 0 or above")
    return amount


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)
