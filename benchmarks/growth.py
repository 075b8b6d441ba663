"""How time and memory of planning, of a table and of a notebook's page grow with the number of finished runs.

    python benchmarks/growth.py                  # 10, 100, 1,000 and 10,000 runs; some minutes, 1 GB of temporary files
    python benchmarks/growth.py --runs 10 100

Nothing is trained. For each number of runs a folder is made that holds a profile like `smoke` with so many seeds that
its transfer matrix has at least that many runs, and a store in which all of them are finished: run records and scores
of invented values, written by the store itself. Then three things are timed, each in a process of its own, from its
start to its end, with what it starts:

    plan   `xlt plan`: what of these runs is still to be done
    table  the scores of all of them as one table, and what each run cost
    page   the notebook of the transfer matrix, executed from the store, and the report that is built of it

`processor_s` is processor time, of which about `start_s` go into loading libraries whatever the number of runs: that is
the time of the same call on an empty matrix (no runs). `peak_mb` is the most memory that one of the processes held.
The figures are written to growth.csv beside this file.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_suffix(".csv")
COLUMNS = ("runs", "scores", "what", "processor_s", "seconds", "peak_mb", "kb_stored")
NOTEBOOK = "03_zero_shot_transfer"
TABLE = """
import sys
from xlt import Lab
from xlt.lab.studies import transfer
lab = Lab.from_params(sys.argv[1])
study = transfer(lab)
scores, runs = study.run(lab), lab.runs(study.recipes, study.evaluations)
print(len(scores), len(runs))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 100, 1000, 10000], metavar="N")
    parser.add_argument(
        "--output", type=Path, default=FIGURES, metavar="FILE", help="default: growth.csv beside this file"
    )
    options = parser.parse_args()
    rows = [row for wanted in options.runs for row in grown(wanted)]
    with options.output.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def grown(wanted: int) -> Iterator[dict[str, Any]]:
    """Rows of the table for one number of runs."""
    with tempfile.TemporaryDirectory(prefix="xlt-growth-") as folder:
        environment = {"XLT_CACHE": f"{folder}/cache", "XLT_REPORTS": f"{folder}/reports", "XLT_DEVICE": "cpu"}
        os.environ |= environment | {"XLT_STORED_ONLY": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        profile = Path(folder, "grown.yaml")
        runs, scores = fill(profile, wanted)
        commands = {
            "plan": ["-m", "xlt.cli", "plan", "--only", NOTEBOOK, "--profile", str(profile)],
            "table": ["-c", TABLE, str(profile)],
            "page": ["-m", "xlt.cli", "run", "--stored", "--only", NOTEBOOK, "--profile", str(profile)],
        }
        size = sum(file.stat().st_size for file in Path(folder, "cache", "runs").rglob("*") if file.is_file())
        for what, command in commands.items():
            row = {"runs": runs, "scores": scores, "what": what, **timed(command), "kb_stored": round(size / 1024)}
            print(*row.values(), flush=True)
            yield row


def timed(command: list[str]) -> dict[str, Any]:
    """Seconds, processor seconds and peak memory of a Python process and of those that it waited for."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "processor_s": round(usage.ru_utime + usage.ru_stime, 2),
        "seconds": round(time.monotonic() - began, 2),
        "peak_mb": usage.ru_maxrss // 1024,
    }


def fill(profile: Path, wanted: int) -> tuple[int, int]:
    """Write the profile and the store of its finished runs; how many runs and scores there are."""
    from xlt import Lab
    from xlt.lab.studies import transfer
    from xlt.lab.work import execute

    profile.write_text(profile_of(1))
    lab = Lab.from_params(str(profile))
    study = transfer(lab)
    each = len(lab.jobs(study.recipes, study.evaluations))
    seeds = max(1, math.ceil(wanted / each))
    profile.write_text(profile_of(seeds))
    jobs = lab.jobs(study.recipes, study.evaluations, seeds)[:wanted]
    execute(lab.store, jobs[0], lab.profile.resources)  # the encoder without a stage; the notebook uses its tokenizer
    rng = random.Random(0)
    for job in jobs[1:]:
        finish(lab.store, job.recipe, job.evaluations, rng)
    return len(jobs), sum(len(job.evaluations) for job in jobs)


def profile_of(seeds: int) -> str:
    return f"extends: smoke\ndescription: finished runs of invented scores\nseeds: {seeds}\n"


def finish(store: Any, recipe: Any, evaluations: Any, rng: random.Random) -> None:
    """Write what a run and its evaluations leave, but for weights and with invented values."""
    import json

    from xlt.core import provenance
    from xlt.spec import tasks

    made_by = {"code": provenance.code(), "environment": provenance.environment()}
    losses = [round(rng.random(), 4) for _ in range(50)]
    record = {"name": recipe.name, "recipe": recipe.model_dump(mode="json"), "key": store.key(recipe), "steps": 2}
    record |= {"losses": losses, "examples": 100, "parameters": 60000, "trainable": 20000, "peak_mb": 500}
    record |= {"seconds": rng.random(), "finished": time.time(), **made_by}
    with store.creating(recipe) as folder:
        (folder / "run.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    for evaluation in evaluations:
        values = {metric: rng.random() for metric in tasks.get(evaluation.task).metrics}
        result = {"metrics": values, "n": 20, "seconds": 0.1, "finished": time.time()}
        result |= {"key": store.evaluation_key(recipe, evaluation), **made_by}
        store.save_scores(recipe, evaluation, result, [])


if __name__ == "__main__":
    main()
