"""From a folder of records to a params file that runs in minutes, and what to check in it by eye."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import datasets

from xlt.core.console import print_table
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.progress import duration
from xlt.data.sources import Source
from xlt.data.store import Store
from xlt.lab import profiles, runtime, slots
from xlt.lab.lab import Lab
from xlt.lab.newtask import columns, places, samples, text, views
from xlt.lab.studies import transfer
from xlt.spec import tasks
from xlt.spec.languages import language
from xlt.spec.profile import Profile

BUDGET = 90.0  # seconds that training and tests may take by the plan, beside what starting takes
MOST, LEAST = (1600, 200), (48, 16)  # training records, and test records of each language
EPOCHS = (2, 4, 8)
UNPLANNED = (400, 100)  # the same where nobody can say how long they take
STARTING = 25.0  # seconds that notebook and report take
Records = dict[views.Where, datasets.Dataset]


def new_task(data: Path, output: Path | None = None, force: bool = False) -> None:
    """Write the params file and print what it says, the plan and five records.

    Raises:
        UserError: no records; records that no task can be made of, or that are wrong; the file exists.
    """
    survey = places.survey(data)
    name = _name(survey.folder.resolve())
    output = output or Path(f"{name}.yaml")
    if output.suffix != ".yaml":
        raise UserError(f"--output {output}: the name of a params file ends in .yaml")
    if output.exists() and not force:
        raise UserError(f"{output} exists; --force writes over it, --output FILE writes another one")
    if not output.parent.is_dir():
        raise UserError(f"--output {output}: there is no folder {output.parent}")
    seen = samples.read(survey)
    form = columns.form(seen.values, seen.names, seen.apart)
    if form.family == tasks.RETRIEVAL:
        survey = survey.searched()
        seen = samples.read(survey)
    draft = text.Draft(name, output, survey, form, seen.sizes, _at_most(seen.sizes, UNPLANNED))
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / f"{output.stem}.yaml"
        trial.write_text(draft.written(absolute=True), encoding="utf-8")
        profile = profiles.load(str(trial))
    records = _records(Source.of(profile, planned=True), draft)  # checked as in a run: if wrong nothing is written
    lab, why = None, ""
    try:
        draft, lab = _fitted(draft, profile)
    except UserError as error:  # of the encoder, which may be another one: the file is written all the same
        why = str(error)
    write_atomically(output, draft.written())
    print(f"{output}:\n\n{draft.written()}")
    _print_sizes(draft, records)
    _print_apart(draft, records)
    if lab is None:
        print(f"not planned, and no records shown as the model sees them: {why}")
        return
    print(f"\nabout {duration(sum(_seconds(lab)) + STARTING)}: xlt run --profile {draft.output} --only 03\n")
    _print_records(lab, draft, records)


def _name(data: Path) -> str:
    """The task is called as its folder or file."""
    stem = data.name if data.is_dir() else data.name.partition(".")[0]
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.").lower() or "mine"
    return f"my-{name}" if name in tasks.DECLARED else name


def _at_most(sizes: dict[views.Where, int], most: tuple[int, int]) -> tuple[int, int]:
    """Training records, and test records of a language: `most`, or all that there are."""
    trains, tests = ([size for (_, split), size in sizes.items() if split == of] for of in ("train", "test"))
    return min(most[0], max(trains, default=0)), min(most[1], max(tests, default=0))


def _records(source: Source, draft: text.Draft) -> Records:
    """All that a run reads: training records of the language that is learned from, and test records of every one."""
    task = tasks.get(draft.name)
    learned = [(language(draft.learned).code, "train")] if draft.trained else []
    wanted = [*learned, *((code, "test") for code in source.languages(task, "test"))]
    others = [(code, split) for split in task.splits for code in source.languages(task, split)]
    return {where: source.load(task, *where) for where in dict.fromkeys([*wanted, *others])}


def _fitted(draft: text.Draft, profile: Profile) -> tuple[text.Draft, Lab]:
    """The draft with as many examples as leave a run in two minutes, and the lab that it makes."""
    draft = replace(draft, examples=_at_most(draft.sizes, MOST))
    while True:
        lab = Lab(_with(profile, draft), planned=True)
        seconds = _seconds(lab)
        costly = [i for i in (0, 1) if draft.examples[i] > LEAST[i]]
        if sum(seconds) <= BUDGET or not costly:
            return _longer(draft, lab)
        halved = max(costly, key=lambda i: seconds[i])
        fewer = [max(LEAST[i], n // 2) if i == halved else n for i, n in enumerate(draft.examples)]
        draft = replace(draft, examples=(fewer[0], fewer[1]))


def _longer(draft: text.Draft, lab: Lab) -> tuple[text.Draft, Lab]:
    """The same with more epochs where all records take less than the time: few updates teach little."""
    whole = draft.trained and draft.examples[0] >= draft.sizes[draft.learned, "train"]
    for epochs in EPOCHS if whole else ():
        longer = replace(draft, epochs=epochs)
        longer_lab = Lab(_with(lab.profile, longer), planned=True)
        if sum(_seconds(longer_lab)) > BUDGET:
            break
        draft, lab = longer, longer_lab
    return draft, lab


def _with(profile: Profile, draft: text.Draft) -> Profile:
    train, test = draft.examples
    stage = {"examples": train, "epochs": draft.epochs}
    target = {name: fields | stage for name, fields in profile.target.items()} if draft.trained else {}
    default = profile.evaluation["default"] | {"examples": test}
    return profile.model_copy(update={"target": target or profile.target, "evaluation": {"default": default}})


def _seconds(lab: Lab) -> tuple[float, float]:
    """What training and tests take, as if nothing had run yet."""
    store = Store(Path(os.devnull) / "none", lab.store.source)
    seconds, here = runtime.Estimator(store, lab.profile), slots.workers(lab.profile.resources)
    study = transfer(lab)
    jobs = lab.jobs(study.recipes, study.evaluations)
    whole, tests = (sum(seconds(job, trained) for job in jobs) / here for trained in (False, True))
    return whole - tests, tests


def _print_sizes(draft: text.Draft, records: Records) -> None:
    task = tasks.get(draft.name)
    rows = [(code, *(_count(records, code, split) for split in task.splits)) for code in task.languages]
    print_table(("records", *task.splits), rows)


def _print_apart(draft: text.Draft, records: Records) -> None:
    """Labels that stand on one side of a cut alone: in a file that is sorted by them."""
    task = tasks.get(draft.name)
    if task.family != tasks.CLASSIFICATION or "[" not in task.splits["test"]:
        return
    learned, tested = (set(records[language(draft.learned).code, split]["label"]) for split in ("train", "test"))
    if apart := [task.labels[label] for label in sorted(learned ^ tested)]:
        print(f"look: only before or only behind the cut at {places.HELD_OUT}: {', '.join(apart)}; shuffle the lines")


def _count(records: Records, code: str, split: str) -> str:
    return f"{len(records[code, split]):,}" if (code, split) in records else "-"


def _print_records(lab: Lab, draft: text.Draft, records: Records) -> None:
    """Five records as the encoder of the profile reads them, and how many it has to cut."""
    task, fields, tokenizer = tasks.get(draft.name), lab.profile.evaluate(draft.name, "en"), lab.tokenizer
    print("check by eye, as the model sees them:")
    read = {where: rows for where, rows in records.items() if where[1] == "test" or where == next(iter(records))}
    for (code, split), place in views.some(read):
        line = views.view(records[code, split], place, task, task.labels, tokenizer, fields)
        print(f"  {code} {split} {place + 1}: {line}")
    for (code, split), rows in read.items():
        some = rows.select(range(min(len(rows), MOST[1])))
        if what := views.unseen_of(some, task, tokenizer, fields):
            print(f"  {code} {split}: {what}")
