"""What a measurement of speed says: rates, how many times as fast one way is as another, and whether that is the aim.

The unit is the repetition: ways that were measured in the same one are compared, and a ratio's interval is over
repetitions (Student's t of its logarithm). It says how well this machine was measured, not what another would do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xlt.analysis.findings import Answer
from xlt.analysis.stats import Interval, mean_interval
from xlt.core.paths import ROOT
from xlt.core.text import DASH, NOT_RUN
from xlt.lab.speed.measure import Measured
from xlt.lab.speed.stopwatch import PARTS
from xlt.spec.speed import DYNAMIC, OWN, PADDED, READING, TRAINING, XLT, Case, Run, Speed

QUESTION = "How many times as fast are training and reading here as what a researcher would otherwise run?"
_CASE = ["encoder", "records_of"]


def ratio(rates: pd.DataFrame, what: str, of: str, against: str) -> Interval:
    """How many times as many records a second, in one case; nan where one of the two was not measured."""
    table = rates[rates["what"] == what].pivot(index="repetition", columns="way", values="records")
    if not {of, against} <= set(table):
        return Interval(float("nan"), float("nan"), float("nan"))
    return Interval(*np.exp(mean_interval(np.log(table[of] / table[against]))))


def of_case(measured: Measured, case: Case) -> pd.DataFrame:
    rates = measured.rates
    return rates[(rates["encoder"] == case.encoder) & (rates["records_of"] == case.records)]


def summary(measured: Measured) -> pd.DataFrame:
    """A row for each case, kind of work and way: means over repetitions, and how many times as fast ours is.

    `share`: of the rate of a matrix product alone, in the precision of the way; useful tokens alone count as work.
    `floor`: records a second if everything were matrix products at the highest rate here.
    """
    rows = []
    for case, rates in measured.rates.groupby(_CASE, sort=False):
        for (what, way), found in rates.groupby(["what", "way"], sort=False):
            each = found["flops"].mean() / found["records"].mean()
            row = dict(zip(_CASE, case, strict=True)) | {
                "what": what,
                "way": way,
                "precision": found["precision"].iloc[0],
            }
            row |= {"records": found["records"].mean(), "tokens": found["tokens"].mean()}
            row |= {"share": found["flops"].mean() / measured.matrix[row["precision"]]}
            row |= {"floor": max(measured.matrix.values()) / each, "repetitions": len(found)}
            for name, of in (("xlt_times", XLT), ("own_times", OWN)):
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), ratio(rates, what, of, way), strict=True))
            rows.append(row)
    return pd.DataFrame(rows)


def times(found: Interval) -> str:
    """ "7.4 [7.1, 7.7]", without bounds where there is one repetition."""
    if np.isnan(found.value):
        return NOT_RUN
    value, *bounds = (f"{number:.1f}" if number < 20 else f"{number:,.0f}" for number in found)
    return value if np.isnan(found.low) else f"{value} [{', '.join(bounds)}]"


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """`summary` as it is read: a row for each case and way, training and reading side by side."""
    rows = []
    for (encoder, records, way), works in table.groupby([*_CASE, "way"], sort=False):
        row = {"encoder": encoder, "records": records, "way": way}
        for found in works.to_dict("records"):
            row |= {f"{found['what']}: {title}": text for title, text in _cells(found).items()}
        rows.append(row)
    return pd.DataFrame(rows).fillna(DASH).set_index(["encoder", "records", "way"])


def _cells(found: dict[str, Any]) -> dict[str, str]:
    """The cells of a row of `summary`; a way of ours is not compared with itself, nor with its other recipe."""
    cells = {
        "records (useful tokens) a second": f"{found['records']:,.1f} ({found['tokens']:,.0f})",
        "share of the matrix rate": f"{100 * found['share']:.1f} % ({found['precision']})",
        "floor": f"{found['floor']:,.0f}",
    }
    for title, name in (("xlt", "xlt_times"), ("second recipe", "own_times")):
        ratio_to_way = Interval(found[name], found[f"{name}_low"], found[f"{name}_high"])
        if found["way"] not in (XLT, OWN) and not np.isnan(ratio_to_way.value):
            cells[f"{title} is so many times as fast"] = times(ratio_to_way)
    return cells


def aims(speed: Speed, measured: Measured) -> pd.DataFrame:
    """Every declared aim, in the first case, with what was measured and a verdict; others than of this kind of machine
    are not run.

    An aim passes where the ratio is at least as high; whether its interval lies wholly on that side is said beside it.
    """
    rates, rows = of_case(measured, speed.cases[0]), []
    for aim in sorted(speed.aims, key=lambda aim: aim.machine != measured.machine["kind"]):
        row = {"work": aim.what, "against": aim.against, "at least": f"{aim.least:g} times", "machine": aim.machine}
        if aim.machine != measured.machine["kind"]:
            rows.append(row | {"of": f"{XLT}, either recipe", "measured": NOT_RUN, "verdict": f"needs a {aim.machine}"})
            continue
        for of in (XLT, OWN) if aim.what == TRAINING else (XLT,):
            found = ratio(rates, aim.what, of, aim.against)
            rows.append(row | {"of": of, "measured": times(found), "verdict": _verdict(found, aim.least)})
    return pd.DataFrame(rows, columns=["work", "of", "against", "at least", "measured", "verdict", "machine"])


def _verdict(found: Interval, least: float) -> str:
    verdict = "pass" if found.value >= least else "fail"
    return f"{verdict}, within noise" if found.low < least <= found.high else verdict


def answer(speed: Speed, measured: Measured) -> str:
    """The question of the page, answered in a sentence, for the first case."""
    case, rates = speed.cases[0], of_case(measured, speed.cases[0])
    shape = speed.encoders[case.encoder]
    said = {
        (what, of, against): times(ratio(rates, what, of, against))
        for what in (TRAINING, READING) for of in (XLT, OWN) for against in (PADDED, DYNAMIC)
    }  # fmt: skip
    judged = aims(speed, measured)
    judged = judged[judged["measured"] != NOT_RUN]
    passed = judged["verdict"].str.startswith("pass").sum()
    return (
        f"On this {measured.machine['kind']} xlt trains {said[TRAINING, XLT, PADDED]} times as many records a "
        f"second as the example scripts of transformers do by default, {said[TRAINING, XLT, DYNAMIC]} times as many "
        f"as they do with dynamic padding, and reads {said[READING, XLT, PADDED]} and {said[READING, XLT, DYNAMIC]} "
        f"times as many; trained as the profiles for a CPU do, without dropout and with frozen embeddings, "
        f"{said[TRAINING, OWN, PADDED]} times and {said[TRAINING, OWN, DYNAMIC]} times (encoder {case.encoder}: "
        f"{shape.layers} layers of {shape.width}; {case.records}; 95 % intervals over {case.repetitions} repetitions). "
        f"Aims for such a machine that are reached: {passed} of {len(judged)}."
    )


def answers(speed: Speed, measured: Measured) -> list[Answer]:
    """The answer and the aims of this kind of machine for the index of the report; ratios are no effects in points."""
    nan = float("nan")
    found = [Answer(QUESTION, answer(speed, measured), nan, nan, nan)]
    for row in aims(speed, measured).itertuples(index=False):
        if row.measured != NOT_RUN:
            asked = f"{row.work.capitalize()}: is {row.of} at least {row[3]} as fast as {row.against}?"
            found.append(Answer(asked, f"{row.verdict}: {row.measured} times", nan, nan, nan, verdict=row.verdict))
    return found


def whole_run(measured: Measured, run: Run, case: Case) -> pd.DataFrame:
    """Minutes that each part of a whole run takes, way by way: columns way, part, minutes; what is work stands first.

    Updates are divided as the profiler saw them. Start and checkpoint were measured for ours and stand for all ways.
    """
    means = of_case(measured, case).groupby(["what", "way"])["records"].mean()
    costs, rows = measured.costs, []
    for found in measured.parts.to_dict("records"):
        way = found["way"]
        learning = run.learned / means[TRAINING, way]
        seconds = {part: learning * found[part] for part in PARTS}
        seconds |= {"tokenising": costs["tokenising"] * (run.learned + run.read)}
        seconds |= {"start": costs["start"], "checkpoint": costs["end"]}
        seconds |= {"reading": run.read / means[READING, XLT if way == OWN else way]}
        rows += [{"way": way, "part": part, "minutes": value / 60} for part, value in seconds.items()]
    return pd.DataFrame(rows)


def explained(spent: pd.DataFrame) -> str:
    """The largest parts of the first and of the last way, in a sentence."""
    said = []
    for way in (PADDED, OWN):
        parts = spent[spent["way"] == way].set_index("part")["minutes"].sort_values(ascending=False)
        largest = ", ".join(f"{part} {100 * value / parts.sum():.0f} %" for part, value in parts.head(3).items())
        said.append(f"{way}: {parts.sum():,.0f} minutes, most of them {largest}")
    return "; ".join(said) + "."


def kept(name: str) -> pd.DataFrame:
    """A table of benchmarks/, measured apart from this run."""
    file = ROOT / "benchmarks" / f"{name}.csv"
    return pd.read_csv(file) if file.is_file() else pd.DataFrame({"what": [NOT_RUN]})


def precisions(runs: pd.DataFrame) -> pd.DataFrame:
    """Each recipe in bf16 beside the same in fp32, over the seeds that have both, in pairs: fractions.

    `runs`: benchmarks/precision.csv. `difference` is bf16 less fp32, with its 95 % t interval; `another seed` the SD
    over seeds in fp32, which is what a difference must be held against.
    """
    if "precision" not in runs:
        return runs
    rows = []
    for (recipe, languages), part in runs.groupby(["recipe", "languages"], sort=False):
        by = part.pivot(index="seed", columns="precision", values="value").dropna()
        difference = mean_interval(by["bf16"] - by["fp32"])
        rows.append((recipe, languages, len(by), by["fp32"].mean(), by["bf16"].mean(), *difference, by["fp32"].std()))
    names = ["recipe", "languages", "seeds", "fp32", "bf16", "difference", "low", "high", "another seed"]
    return pd.DataFrame(rows, columns=names)


def machine(measured: Measured) -> pd.DataFrame:
    """On what all this was measured."""
    here = measured.machine
    rates = ", ".join(f"{name} {value / 1e9:,.0f} GFLOP/s" for name, value in measured.matrix.items())
    facts = {
        "processor": here["processor"], "kind": here["kind"], "device and precision": here["precision"],
        "instruction set": here["instructions"], "threads": here["threads"], "a matrix product alone": rates,
        "versions": ", ".join(f"{name} {version}" for name, version in here["packages"].items()),
        "measured": here["measured"],
    }  # fmt: skip
    return pd.DataFrame({"here": facts}).rename_axis("what")


def lengths(speed: Speed) -> pd.DataFrame:
    """How long the records are, as the profile declares it."""
    rows = [
        {"records": name, "shortest": drawn.lengths[0], "median": drawn.lengths[len(drawn.lengths) // 2],
         "longest": drawn.lengths[-1], "taken from": drawn.source}
        for name, drawn in speed.records.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
