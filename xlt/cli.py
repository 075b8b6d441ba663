"""The console command `xlt`. Heavy imports wait until a command needs them, so that --help is quick."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
from pathlib import Path

import xlt
from xlt.core.console import print_table
from xlt.core.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0, 1 something failed or differs, 2 what the user can mend, 130 Ctrl-C."""
    arguments = _parser().parse_args(argv)
    try:
        code = arguments.command(arguments) or 0
        sys.stdout.flush()
        return code
    except UserError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as in `xlt languages | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again at exit
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _complain(f"the disk is full ({error.filename or 'writing'}): free some space and run again")


def _complain(message: str) -> int:
    print(f"xlt: {message}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="xlt", description="Intermediate-task training in cross-lingual transfer.")
    parser.add_argument("--version", action="version", version=f"xlt {xlt.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=function)
        return sub

    run = command("run", _run, "execute the notebooks of a profile and build its report")
    run.add_argument("--stored", action="store_true", help="start no run: report what is finished so far")
    run.add_argument("--latex", action="store_true", help="write tables as .tex and figures as .pdf, too, for a paper")
    plan = command("plan", _plan, "say what a run would compute, without computing it")
    plan.add_argument("--device", metavar="NAME", help="count with this device, such as H100, and not the one at hand")
    plan.add_argument("--workers", type=_positive, metavar="N", help="count with so many workers or GPUs")
    plan.add_argument("--budget", type=float, metavar="HOURS", help="propose a smaller profile that fits these hours")
    calibrate = command("calibrate", _calibrate, "measure how fast this device is, for plans: 20 seconds, kept")
    for sub in (run, plan):
        sub.add_argument("--only", metavar="NOTEBOOK", help="only this notebook: 02, its name or its file")
    why = command("why", _why, "say why a run is done, missing or stale")
    why.add_argument("name", metavar="RUN", help="name or id of a run")
    claims = command("check", _check, "hold the declared claims against the scores of a report: pass, fail, not run")
    claims.add_argument("--json", action="store_true", help="print a JSON array")
    for sub in (run, plan, calibrate, why, claims):
        sub.add_argument(
            "--profile", default="mini", help="a file of params/ (default: mini), or a path to a YAML file"
        )
    diff = command(
        "diff",
        _diff,
        "compare two reports: number by number, or as means within their intervals where they were made on different "
        "machines; exit code 0 if they say the same or agree so, 1 if not, 2 for bad input",
    )
    diff.add_argument("old", type=Path, metavar="OLD", help="folder of a report, such as reports/mini")
    diff.add_argument("new", type=Path, metavar="NEW", help="folder of another")
    diff.add_argument("--tolerance", type=float, default=1e-9, help="largest equal difference (default: 1e-9)")
    diff.add_argument("--page", type=Path, default="diff.html", help="where the differences go (default: diff.html)")
    score = command("score", _score, "score a file of predictions against a file of references, by a task's metrics")
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
    perturb = command("perturb", _perturb, "perturb the lines or JSON records of standard input")
    perturb.add_argument("--name", help="a perturbation of --list, with an argument after a colon: code-mix:ar")
    perturb.add_argument("--strength", default="0.1", help="probability of each single change, 0 to 1 (default: 0.1)")
    perturb.add_argument("--language", metavar="CODE", help="language of the text, any BCP 47 or ISO 639 code")
    perturb.add_argument("--seed", type=int, default=0)
    perturb.add_argument("--family", help="task family of the records (default: by their columns)")
    perturb.add_argument("--list", action="store_true", help="list the perturbations")
    translate = command("translate", _translate, "translate a task's training data by a translation model")
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
    told = "list the declared tasks (R: how many languages in XTREME-R; *: never read when this was written)"
    listed = command("tasks", _tasks, told)
    listed.add_argument("--json", action="store_true", help="print JSON with all languages, metrics and notes")
    new = command("new-task", _new_task, "look at records of your own and write a params file that runs in two minutes")
    new.add_argument("data", type=Path, metavar="FOLDER_OR_FILE", help="CSV, TSV, JSON, Parquet or CoNLL files")
    new.add_argument("--output", type=Path, metavar="FILE", help="the params file (default: NAME.yaml here)")
    new.add_argument("--force", action="store_true", help="write over the params file")
    languages = command("languages", _languages, "list the languages that tables say more of; any code works")
    for sub in (score, listed, perturb, languages):
        sub.add_argument("--profile", help="with the tasks and languages that this profile declares, too")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def _profile(name: str) -> str:
    """Kernels work in another folder, so a path must not depend on this one."""
    return str(Path(name).resolve()) if name.endswith(".yaml") else name


def _learn(profile: str | None) -> None:
    """Make the tasks and languages known that a profile declares."""
    if profile:
        from xlt.lab import profiles

        profiles.load(_profile(profile))


def _run(arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's end stops the kernel too
    from xlt.core import paths
    from xlt.lab import hub, owner, profiles, selection
    from xlt.report import up_to_date

    profile = _profile(arguments.profile)
    settings = profiles.load(profile)  # what is wrong in it is said at once
    owner.claim(profile)
    whole = not (arguments.only or arguments.stored)
    if whole and not arguments.latex and up_to_date.unchanged(settings):
        report = paths.reports_root() / settings.name / "index.html"
        print(f"nothing has changed since the last whole run; report: {os.path.relpath(report)}")
        return 0
    hub.ready(settings)  # and what it needs and cannot have, too: a notebook would say it later and at length
    if arguments.stored:
        os.environ["XLT_STORED_ONLY"] = "1"
    if arguments.latex:
        os.environ["XLT_LATEX"] = "1"
    chosen = [path.stem for path in selection.of_profile(settings, arguments.only).chosen]
    from xlt.lab import ahead, cluster
    from xlt.report.notebooks import run_notebooks  # papermill takes a second to import

    workers = contextlib.nullcontext() if arguments.stored else cluster.serving(settings.resources)
    with workers:
        if not arguments.stored:
            try:
                ahead.run(profile, chosen)
            except UserError as error:
                _complain(str(error))
                return 1
        code = run_notebooks(profile, arguments.only, _kernels())
    if whole and code == 0:
        up_to_date.note(settings)
    return code


def _kernels() -> int:
    """How many notebooks are executed at a time when their runs are done: one a core, but each takes half a GB."""
    return min(4, len(os.sched_getaffinity(0)))


def _plan(arguments: argparse.Namespace) -> None:
    from xlt.lab import profiles
    from xlt.lab.plan import print_budget, print_plan
    from xlt.lab.selection import left_out_line, of_profile

    profile = _profile(arguments.profile)
    settings = profiles.load(profile)
    selection = of_profile(settings, arguments.only)
    names, counted = [path.stem for path in selection.chosen], (arguments.device, arguments.workers)
    if arguments.budget is not None:
        print_budget(profile, names, arguments.budget, *counted)
    else:
        print_plan(profile, names, left_out_line(selection, settings), *counted)


def _calibrate(arguments: argparse.Namespace) -> None:
    from xlt.lab import profiles
    from xlt.lab.calibrate import calibrate

    settings = profiles.load(_profile(arguments.profile))
    for at, file in calibrate(settings):
        threads = f", {at.threads} thread{'s' if at.threads > 1 else ''}" if at.threads else ""
        print(f"{settings.encoder.called} on {at.name}{threads}: {file}")


def _why(arguments: argparse.Namespace) -> None:
    from xlt.lab.why import why

    print("\n".join(why(_profile(arguments.profile), arguments.name)))


def _check(arguments: argparse.Namespace) -> int:
    import json

    from xlt.analysis import claim_checks, claims
    from xlt.lab import profiles

    profiles.load(arguments.profile)  # a misspelt profile is said so, and its own tasks are known
    declared = claims.load()
    results = claim_checks.check(arguments.profile, declared=declared)
    if arguments.json:
        print(json.dumps([result.row() for result in results], indent=1, ensure_ascii=False))
    else:
        print(claim_checks.as_text(results, declared.use(Path(arguments.profile).stem)))
    return int(any(result.verdict == claim_checks.FAIL for result in results))


def _diff(arguments: argparse.Namespace) -> int:
    from xlt.report import report_diff

    old, new, tolerance = arguments.old, arguments.new, arguments.tolerance
    compared = report_diff.compare(old, new, tolerance)
    report_diff.write_page(compared, old, new, tolerance, arguments.page)
    print(*compared.how, sep="\n")
    print(f"{report_diff.summary(compared)} (numbers within {tolerance:g} are equal)")
    print(f"all differences: {arguments.page}")
    return int(bool(compared.differences))


def _score(arguments: argparse.Namespace) -> None:
    import json

    from xlt.evaluation.score import as_text, score

    _learn(arguments.profile)
    files = (arguments.predictions, arguments.references, arguments.dev)
    result = score(arguments.task, arguments.language, *files)
    print(json.dumps(result) if arguments.json else as_text(result))


def _perturb(arguments: argparse.Namespace) -> int:
    from xlt.perturb.stream import perturbed
    from xlt.report.perturbations import table

    _learn(arguments.profile)
    if arguments.list:
        listed = table()
        print_table(tuple(listed.columns), listed.itertuples(index=False, name=None))
        return 0
    if not (arguments.name and arguments.language):
        raise UserError("xlt perturb needs --name and --language; --list shows the names")
    left: list[int] = []  # one exit code for each record that is left as it is
    settings = (arguments.name, arguments.language, arguments.strength, arguments.seed, arguments.family)
    sys.stdout.buffer.writelines(perturbed(sys.stdin.buffer, *settings, lambda what: left.append(_complain(what))))
    sys.stdout.buffer.flush()
    return max(left, default=0)


def _translate(arguments: argparse.Namespace) -> None:
    from xlt.data.sources import Source
    from xlt.lab import profiles
    from xlt.models.translate import Translator, translate_task

    source = Source.of(profiles.load(arguments.profile))
    translator = Translator(arguments.model, arguments.revision)
    asked = (arguments.start, arguments.examples, arguments.out, arguments.batch)
    folder, lines = translate_task(source, arguments.task, translator, arguments.to, *asked)
    print(f"# written to {folder}; for a params file:\n{lines}", end="")


def _new_task(arguments: argparse.Namespace) -> None:
    from xlt.lab.newtask.command import new_task

    new_task(arguments.data, arguments.output, arguments.force)


def _tasks(arguments: argparse.Namespace) -> None:
    import json

    from xlt.spec.tasks import TASKS

    _learn(arguments.profile)
    listed = [task.listed() for task in TASKS.values()]
    if arguments.json:
        print(json.dumps(listed, ensure_ascii=False))
        return
    header = ("task", "family", "role", "languages", "data set", "licence", "metrics")
    rows = []
    for task in listed:
        codes, other = len(task["languages"]), len(task["xtreme_r"])
        languages = f"{codes or 'any'}" + (f" (R: {other})" if other not in (0, codes) else "")
        sets = task["parts"] or dict.fromkeys([task["dataset"], *task["elsewhere"].values()])
        source, metrics = (
            " + ".join(f"{name}{'*' * (name in task['unread'])}" for name in sets),
            " ".join(task["metrics"]),
        )
        rows.append((task["name"], task["family"], task["role"], languages, source, task["licence"], metrics))
    print_table(header, rows)


def _languages(arguments: argparse.Namespace) -> None:
    from xlt.spec.languages import EVERY, LANGUAGES, OWN

    _learn(arguments.profile)
    known = (LANGUAGES | OWN).values()
    rows = ((x.code, x.name, x.script, x.family or "unknown") for x in known)
    print_table(("code", "name", "script", "family"), rows)
    print(f"\nthese are named in the tasks or declared; {EVERY}")


if __name__ == "__main__":
    sys.exit(main())
