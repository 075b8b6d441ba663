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
from xlt.core.arguments import parser
from xlt.core.console import print_table
from xlt.core.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0, 1 something failed or differs, 2 what the user can mend, 130 Ctrl-C."""
    arguments = parser(_COMMANDS, xlt.__version__).parse_args(argv)
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
    from xlt.lab.lab import Lab
    from xlt.report import plans
    from xlt.report.notebooks import run_notebooks  # papermill takes a second to import

    workers = contextlib.nullcontext() if arguments.stored else cluster.serving(settings.resources)
    with workers:
        if not arguments.stored:
            try:
                if studies := [name for name in chosen if name.startswith("study_")]:
                    for line in plans.keep(Lab.from_params(profile), studies):
                        print(f"[plan] {line}")
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
    from xlt.report.plans import print_foreseen

    profile = _profile(arguments.profile)
    settings = profiles.load(profile)
    selection = of_profile(settings, arguments.only)
    names, counted = [path.stem for path in selection.chosen], (arguments.device, arguments.workers)
    if arguments.budget is not None:
        print_budget(profile, names, arguments.budget, *counted)
    else:
        print_plan(profile, names, left_out_line(selection, settings), *counted)
        print_foreseen(profile, names, arguments.device)


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
    from xlt.lab import owner, profiles

    profiles.load(arguments.profile)  # a misspelt profile is said so, and its own tasks are known
    owner.check(arguments.profile)  # or another's scores would be held against the claims
    declared = claims.load()
    results = claim_checks.check(arguments.profile, declared=declared)
    if arguments.json:
        print(json.dumps([result.row() for result in results], indent=1, ensure_ascii=False))
    else:
        print(claim_checks.as_text(results, declared.use(Path(arguments.profile).stem)))
    return int(any(result.verdict in claim_checks.FAILED for result in results))


def _power(arguments: argparse.Namespace) -> None:
    from xlt.lab.lab import Lab
    from xlt.report import power

    for name, table in power.tables(Lab.from_params(_profile(arguments.profile)), arguments.study).items():
        print(f"{name} (8 x 4, 3 h: eight seeds with four times the records, three hours of one worker from the ")
        print("pretrained encoder on, find it four times in five, as decided there)")
        print_table(tuple(table.columns), table.astype(str).itertuples(index=False, name=None))


def _diff(arguments: argparse.Namespace) -> int:
    from xlt.report import report_diff

    old, new, tolerance = arguments.old, arguments.new, arguments.tolerance
    compared = report_diff.compare(old, new, tolerance)
    report_diff.write_page(compared, old, new, tolerance, arguments.page)
    print(*compared.how, sep="\n")
    print(f"{report_diff.summary(compared)} (numbers within {tolerance:g} are equal)")
    print(f"all differences: {arguments.page}")
    return int(bool(compared.differences))


def _meta(arguments: argparse.Namespace) -> None:
    from xlt.core import paths
    from xlt.report import meta

    page = arguments.page or paths.reports_root() / "meta.html"
    asked = meta.write(meta.folders(arguments.reports), page)
    for question in asked:
        said = meta.said(question.pooled) if question.pooled else "fewer than two profiles have tested it"
        print(f"{question.text} {said}")
    print(f"page: {os.path.relpath(page)}")


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


def _filter(arguments: argparse.Namespace) -> None:
    from xlt.lab.filtering import command

    command(_profile(arguments.profile), arguments.of, arguments.keep, arguments.name)


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


_COMMANDS = {
    "run": _run,
    "plan": _plan,
    "calibrate": _calibrate,
    "why": _why,
    "check": _check,
    "power": _power,
    "diff": _diff,
    "meta": _meta,
    "score": _score,
    "perturb": _perturb,
    "translate": _translate,
    "filter": _filter,
    "tasks": _tasks,
    "new-task": _new_task,
    "languages": _languages,
}


if __name__ == "__main__":
    sys.exit(main())
