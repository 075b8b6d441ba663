"""Scores as files: runs stand once beside them, nothing is lost, and older reports are read as well."""

import gzip

import pandas as pd
import pytest

from xlt import report
from xlt.analysis import effects, score_tables
from xlt.core.errors import UserError
from xlt.report import results, site
from xlt.report.report_diff import compare, diff

RUN = {"source": "the generated world", "task_version": "1", "data": "{}", "commit": "12e4", "dirty": False,
       "device": "cpu", "precision": "fp32", "processor": "Xeon", "instructions": "AVX512", "threads": "2",
       "torch_version": "2.10", "numpy_version": "2.4"}  # fmt: skip


@pytest.fixture
def scores():
    """Two runs with two scores each, as `Lab.run` gives them."""
    common = {"recipe": "mnli → xnli", "intermediate": "mnli", "task": "xnli", "metric": "accuracy", "main": True,
              "split": "test"}  # fmt: skip
    rows = [
        common | {"seed": seed, "language": code, "value": 0.5 + seed / 7, "n": 100, "limit": None, "run": f"1e{seed}"}
        | RUN | {"seconds": 1.5, "finished": "now"}
        for seed in (0, 1) for code in ("de", "sw")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def old_form(scores, folder):
    """The report of an older version: everything in one file."""
    folder.mkdir()
    scores.drop(columns=["seconds", "finished"]).to_csv(folder / "scores.csv", index=False, float_format="%.6g")


def test_what_made_a_run_stands_once(tmp_path, scores):
    sentence = report.save_scores(scores, tmp_path, "scores_ordering")
    assert sentence == "scores_ordering.csv.gz: 4 scores from code 12e4; 0 of them from a changed working tree"
    rows, runs = (pd.read_csv(tmp_path / f"{name}_ordering.csv.gz") for name in ("scores", "runs"))
    assert len(rows) == 4 and len(runs) == 2 and set(runs) & set(rows) == {"run", "origin"}
    assert set(runs) - {"run", "origin"} == set(RUN) - {"task_version", "data"}


def test_the_control_without_pretraining_can_be_made_again_from_its_file(tmp_path, scores):
    """Its row of phase 1: mean of the seeds 0.5 and 0.5 + 1/7, whose difference to pretraining the report shows."""
    control = scores.assign(pretrained=False, intermediate="none", source_language=False)
    both = pd.concat([scores.assign(pretrained=True, source_language=False), control], ignore_index=True)
    report.save_scores(both, tmp_path, "scores_pretrained")
    read = score_tables.read(tmp_path / "scores_pretrained.csv.gz")
    table = report.control_table(read)
    assert table["task"].tolist() == ["xnli"] and table["other languages"].iloc[0] == pytest.approx(0.5 + 1 / 14)
    assert sorted(read.loc[~read["pretrained"], "seed"].unique()) == [0, 1]


def test_equal_scores_give_equal_bytes_that_tell_no_hour(tmp_path, scores):
    copies = []
    for hour in ("now", "later"):
        report.save_scores(scores.assign(finished=hour), tmp_path)
        copies.append([path.read_bytes() for path in sorted(tmp_path.iterdir())])
    assert copies[0] == copies[1] and all(copy[4:8] == bytes(4) for copy in copies[0])


def test_scores_of_one_run_that_were_made_elsewhere_keep_their_origin(tmp_path, scores):
    moved = scores.assign(processor=["Xeon", "EPYC", "Xeon", "Xeon"], dirty=[False, True, False, False])
    report.save_scores(moved, tmp_path)
    assert len(pd.read_csv(tmp_path / "runs.csv.gz")) == 3
    read = results.scores(tmp_path)
    assert list(read["processor"]) == list(moved["processor"]) and list(read["dirty"]) == list(moved["dirty"])


def test_both_forms_are_read_alike(tmp_path, scores):
    old, new = tmp_path / "old", tmp_path / "new"
    old_form(scores, old)
    report.save_scores(scores, new)
    pd.testing.assert_frame_equal(results.scores(old), results.scores(new), check_like=True)
    assert set(results.scores(new)["run"]) == {"1e0", "1e1"} and set(results.scores(new)["commit"]) == {"12e4"}
    before, after = effects.read(old), effects.read(new)
    assert before.keys() == after.keys() == {"scores.csv"}
    pd.testing.assert_frame_equal(*(tables["scores.csv"].scores for tables in (before, after)), check_like=True)
    assert diff(old, new) == [] == diff(new, old)


def test_a_report_is_compared_with_one_of_the_old_form(tmp_path, scores):
    old, new = tmp_path / "old", tmp_path / "new"
    old_form(scores, old)
    report.save_scores(scores.assign(value=[0.5, 0.5, 0.7, 0.6]), new)
    (difference,) = diff(old, new)
    assert difference.name == "scores.csv" and len(difference.changes) == 2 and not difference.notes
    report.save_scores(scores.assign(value=0.5, processor="EPYC"), new)
    comparison = compare(old, new)
    assert comparison.elsewhere and "processor Xeon in the old report and EPYC in the new" in comparison.how[0]


def test_the_new_form_takes_the_place_of_the_old_one(tmp_path, scores):
    old_form(scores, tmp_path / "mini")
    report.save_scores(scores[:2], tmp_path / "mini")
    assert not (tmp_path / "mini" / "scores.csv").exists() and len(results.scores(tmp_path / "mini")) == 2


def test_without_scores_those_of_older_settings_go(tmp_path, scores):
    """`xlt check`, `xlt meta` and the index would read them as if they were of today."""
    for name in ("scores", "scores_ordering"):
        report.save_scores(scores, tmp_path, name)
    old_form(scores, tmp_path / "old")
    (tmp_path / "old/scores.csv").rename(tmp_path / "scores.csv")
    assert report.save_scores(scores[:0], tmp_path) == "scores.csv.gz: nothing was run"
    left = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert left == {"scores_ordering.csv.gz", "runs_ordering.csv.gz"}  # what another notebook wrote stays


DAMAGES = {
    "empty": lambda content: b"",
    "no gzip": lambda content: b"no gzip",
    "cut off": lambda content: content[:60],
    "another table": lambda content: gzip.compress(b"a,b\n1,2\n"),
}


@pytest.mark.parametrize("name", ["scores.csv.gz", "runs.csv.gz"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_one_clear_line(tmp_path, scores, name, damage):
    folder = tmp_path / "mini"
    report.save_scores(scores, folder)
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    stops_every_reader(folder)


def test_scores_without_their_runs_are_no_scores(tmp_path, scores):
    folder = tmp_path / "mini"
    report.save_scores(scores, folder)
    runs = gzip.decompress((folder / "runs.csv.gz").read_bytes())
    (folder / "runs.csv.gz").write_bytes(gzip.compress(runs.rsplit(b"\n", 2)[0]))
    stops_every_reader(folder)
    (folder / "runs.csv.gz").unlink()
    stops_every_reader(folder)


def stops_every_reader(folder):
    for read in (results.scores, effects.read, lambda folder: diff(folder, folder)):
        with pytest.raises(UserError, match=r"scores.csv.gz is empty or damaged"):
            read(folder)


def test_the_index_says_how_much_the_score_files_hold(tmp_path, scores):
    folder = tmp_path / "mini"
    report.save_table(pd.DataFrame({"a": [1]}), folder / "tables", "t", "c")
    report.save_scores(scores, folder)
    page = site.build("mini", tmp_path).read_text(encoding="utf-8")
    assert 'href="scores.csv.gz"' in page and 'href="runs.csv.gz"' in page and "12e4" in page
    assert results.score_files(folder) == [
        {"files": ["scores.csv.gz", "runs.csv.gz"], "scores": 4, "runs": 2, "tasks": 1, "languages": 2, "seeds": 2,
         "commit": "12e4", "device": "cpu"}
    ]  # fmt: skip
    assert list(score_tables.files(folder)) == ["scores.csv"]
