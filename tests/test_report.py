"""Tables and figures of a small invented experiment: 3 seeds, 3 languages, known differences."""

import json
import subprocess
import sys
import types
from base64 import b64decode

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

from IPython.core.formatters import DisplayFormatter  # noqa: E402
from scipy import stats as scipy_stats  # noqa: E402

from xlt import report  # noqa: E402
from xlt.analysis import findings, tables, xtreme
from xlt.core.errors import UserError  # noqa: E402
from xlt.report.alttext import described  # noqa: E402
from xlt.report.artifacts import Kept  # noqa: E402
from xlt.spec.recipe import Encoder, Recipe  # noqa: E402
from xlt.spec.stage import Part, Stage  # noqa: E402

BASE = {"none": 0.60, "mnli": 0.70, "squad": 0.60}
SEEDS = (-0.01, 0.0, 0.01)


def step(intermediate, seed):
    """Intermediate tasks vary over seeds too, the other way round, so that pairs of seeds do."""
    return -SEEDS[seed] if intermediate in ("mnli", "squad") else SEEDS[seed]


MNLI = np.array([0.71, 0.70, 0.69]) - np.array([0.59, 0.60, 0.61])  # what it gains on XNLI in each seed
# three differences of equal variance: Euler's constant, by which the logarithm of such a variance with 2 degrees of
# freedom is too low on average, makes it larger; all 3 x 2 degrees of freedom count (Smyth 2004)
ERROR = MNLI.std(ddof=1) * np.sqrt(np.exp(np.euler_gamma) / 3)
HALF = scipy_stats.t.ppf(0.975, 6) * ERROR
BOUNDS = [f"[{100 * value - 100 * HALF:.1f}, {100 * value + 100 * HALF:.1f}]".replace("-", "−") for value in (0.1, 0)]


def row(intermediate, task, seed, language, value, **fields):
    plain = {"target": task, "perturbation": "none", "metric": "accuracy", "n": 100, "main": True, "run": "r"}
    named = {"recipe": "direct" if intermediate == "none" else intermediate, "intermediate": intermediate}
    same = {"same_task": (intermediate, task) == ("mnli", "xnli")}
    return named | plain | same | {"task": task, "seed": seed, "language": language, "value": value} | fields


@pytest.fixture
def scores():
    """Zero-shot mean of none: 60, mnli: 70, squad: 60 points; seeds a point apart, of none in the other order.

    squad → udpos has not run."""
    offsets = {"en": 0.2, "de": 0.05, "ru": -0.05}
    rows = [
        row(intermediate, task, seed, language, base + step(intermediate, seed) + offset)
        for intermediate, base in BASE.items()
        for task in ("xnli", "udpos")
        if (intermediate, task) != ("squad", "udpos")
        for seed in range(3)
        for language, offset in offsets.items()
    ]
    return pd.DataFrame([*rows, row("none", "xnli", 0, "de", 0.1, metric="other", main=False)])


def cell(matrix, intermediate, target):
    return matrix.set_index(["intermediate", "target"]).loc[(intermediate, target)]


def test_languages_are_averaged_within_a_seed_and_english_is_left_out(scores):
    means = report.seed_means(scores).set_index(["intermediate", "task", "seed"]).sort_index()["value"]
    assert means["none", "xnli"].tolist() == pytest.approx([0.59, 0.60, 0.61])
    english = report.seed_means(scores, "en").set_index(["intermediate", "task", "seed"]).sort_index()["value"]
    assert english["mnli", "xnli"].tolist() == pytest.approx([0.91, 0.90, 0.89])


def test_transfer_matrix_by_hand(scores):
    matrix = report.transfer_matrix(scores)
    assert matrix["intermediate"].unique().tolist() == ["none", "mnli", "squad"]
    assert len(matrix) == 6
    mnli = cell(matrix, "mnli", "xnli")
    assert mnli["mean"] == pytest.approx(0.70)
    assert mnli["high"] - mnli["mean"] == pytest.approx(4.3027 * 0.01 / np.sqrt(3), rel=1e-3)
    assert mnli["difference"] == pytest.approx(0.10)
    assert mnli["diff_high"] - mnli["difference"] == pytest.approx(HALF, rel=1e-3)
    two = report.transfer_matrix(scores[scores["task"] == "xnli"])  # two differences say nothing of what is usual
    low, high = scipy_stats.ttest_1samp(MNLI, 0).confidence_interval()
    alone = cell(two, "mnli", "xnli")
    assert (alone["diff_low"], alone["diff_high"]) == pytest.approx((low, high))
    assert mnli["same_task"] and not cell(matrix, "mnli", "udpos")["same_task"]
    assert (mnli["n_seeds"], mnli["seeds"]) == (3, 3)


def test_p_is_adjusted_over_the_whole_table(scores):
    raw = 2 * scipy_stats.t.sf(0.10 / ERROR, 6)
    matrix = report.transfer_matrix(scores)  # three differences have a p: 3 x the smallest
    assert cell(matrix, "mnli", "xnli")["p"] == pytest.approx(3 * raw, rel=1e-6)
    assert cell(matrix, "squad", "xnli")["p"] == 1.0


def test_what_did_not_run_says_so(scores):
    matrix = report.transfer_matrix(scores, intermediates=["mnli", "anli"])
    text = report.cells(matrix)
    assert text.index.tolist() == ["none", "mnli", "anli", "squad"]
    assert text.loc["squad", "udpos"] == text.loc["anli", "xnli"] == "not run"
    assert "not run" in report.show_matrix(matrix).html


CONTROLS = {
    "shuffled": tables.Control("mnli with shuffled labels"),
    "longer": tables.Control("the target", ("tatoeba",)),
}


@pytest.fixture
def controlled(scores):
    """The scores with two controls that lie above every intermediate task, and a target without a head."""
    rows = [
        row(name, task, seed, language, value + step(name, seed) + offset)
        for name, task, value in [
            ("shuffled", "xnli", 0.9), ("longer", "xnli", 0.95), ("none", "tatoeba", 0.5), ("shuffled", "tatoeba", 0.4)
        ]
        for seed in range(3)
        for language, offset in {"en": 0, "de": 0.01, "ru": -0.01}.items()
    ]  # fmt: skip
    return pd.concat([scores, pd.DataFrame(rows)], ignore_index=True)


def test_controls_are_the_last_rows_and_said_to_be_controls(controlled):
    matrix = report.transfer_matrix(controlled, controls=CONTROLS)
    assert list(matrix["intermediate"].unique()) == ["none", "mnli", "squad", "shuffled", "longer"]
    assert set(matrix.loc[matrix["control"] != "", "intermediate"]) == set(CONTROLS)
    note = report.footnote(matrix)
    assert "'shuffled' is mnli with shuffled labels; 'longer' is the target." in note and "'mnli' is" not in note
    assert "Controls" not in report.footnote(report.transfer_matrix(controlled))


def test_a_target_without_a_head_has_no_control_that_trains_it_longer(controlled):
    text = report.cells(report.transfer_matrix(controlled, controls=CONTROLS))
    assert text.loc["longer", "tatoeba"] == "–" and text.loc["longer", "udpos"] == "not run"
    against = report.transfer_matrix(controlled, baseline="longer", controls=CONTROLS)
    assert "tatoeba" not in set(against["target"]) and cell(against, "mnli", "xnli")["difference"] < 0


def test_a_cell_that_does_not_apply_is_a_dash_on_white_and_not_the_grey_of_undecided(controlled):
    figure = report.heat_map(report.transfer_matrix(controlled, controls=CONTROLS))
    (axes, *_) = figure.axes
    (white,) = [patch for patch in axes.patches if patch.get_facecolor()[:3] == (1, 1, 1)]
    columns, rows = ([label.get_text() for label in axis.get_ticklabels()] for axis in (axes.xaxis, axes.yaxis))
    corner = columns.index("tatoeba"), rows.index("longer")
    assert white.get_xy() == corner and (white.get_width(), white.get_height()) == (1, 1)
    (dash,) = [text for text in axes.texts if text.get_text() == "–"]
    assert dash.get_position() == (corner[0] + 0.5, corner[1] + 0.5)
    assert "– does not apply" in axes.get_xlabel()
    without = report.heat_map(report.transfer_matrix(controlled[controlled["task"] != "tatoeba"]))
    assert "does not apply" not in without.axes[0].get_xlabel()


def test_the_encoder_as_it_is_lacks_no_seeds_as_it_has_none(controlled):
    direct, first = controlled["intermediate"] == "none", controlled["seed"] == 0
    matrix = report.transfer_matrix(controlled[first | ~direct | (controlled["task"] != "tatoeba")], controls=CONTROLS)
    assert report.cells(matrix).loc["none", "tatoeba"] == "49.0\n(has no seeds)"  # that of seed 0
    note = report.footnote(matrix)
    assert "then over 3 seeds" in note
    assert "Has no seeds: the encoder as it is, beside every seed of the others." in note
    fewer = report.transfer_matrix(controlled[first | ~direct | (controlled["task"] != "xnli")])
    assert "(1 of 3 seeds)" in report.cells(fewer).loc["none", "xnli"]


def test_a_control_that_is_trained_like_another_row_says_so(controlled):
    """The target's own records are SQuAD's: two rows, the same scores."""
    twin = controlled[(controlled["intermediate"] == "squad") & (controlled["task"] == "xnli")]
    others = controlled[(controlled["intermediate"] != "longer") | (controlled["task"] != "xnli")]
    scores = pd.concat([others, twin.assign(intermediate="longer", recipe="longer")])
    matrix = report.transfer_matrix(scores, controls=CONTROLS)
    assert report.cells(matrix).loc["longer", "xnli"].endswith("\n(equal to squad)")
    assert "'longer' is equal to 'squad' score by score on xnli: trained alike." in report.footnote(matrix)
    against = report.transfer_matrix(scores, baseline="longer", controls=CONTROLS)
    assert report.cells(against).loc["squad", "xnli"].endswith("+0.0\n(equal to longer)")
    assert set(report.transfer_matrix(controlled, controls=CONTROLS)["twin"]) == {""}
    one_answer = scores.assign(value=scores["value"].where(scores["task"] != "xnli", 0.333))
    assert set(report.transfer_matrix(one_answer, controls=CONTROLS)["twin"]) == {""}


def test_no_control_is_taken_for_the_intermediate_task_that_changes_a_target_most(controlled):
    matrix = report.transfer_matrix(controlled, controls=CONTROLS)
    assert set(report.most_changed(controlled, matrix, "xnli")["intermediate"]) == {"none", "mnli", "squad"}
    said = {answer.question.split()[-1]: answer for answer in findings.transfer(matrix)}
    assert said["xnli?"].effect == pytest.approx(0.10) and said["xnli?"].answer.startswith("mnli")
    assert "Controls: shuffled: +30.0 points" in said["xnli?"].answer
    assert "longer: +35.0 points" in said["xnli?"].answer


def test_a_control_that_never_ran_can_be_a_baseline(scores):
    matrix = report.transfer_matrix(scores, baseline="longer", controls=CONTROLS)
    assert matrix["difference"].isna().all() and cell(matrix, "mnli", "xnli")["mean"] == pytest.approx(0.7)


@pytest.mark.parametrize("targets", [[], ["xnli", "tatoeba"]])
def test_before_anything_has_run_every_view_reads_not_run(tmp_path, scores, targets):
    """As with --stored, or where no test set is in a language other than English."""
    nothing = scores.assign(pretrained=True)[:0]
    matrix = report.transfer_matrix(nothing, intermediates=["mnli"], targets=targets, controls=CONTROLS)
    text = report.cells(matrix)
    assert text.drop("longer", errors="ignore").isin(["not run"]).all().all() and list(text.columns) == targets
    assert report.footnote(matrix) == "Nothing in this table has run."
    assert report.heat_map(matrix) and report.show_matrix(matrix).text
    assert all(answer.verdict == "not run" for answer in [*findings.transfer(matrix), findings.retrieval(nothing)])
    assert findings.sanity(nothing, nothing)[-1].verdict == "not run"
    tables_of_nothing = [
        report.retrieval_table(nothing), report.learned_table(nothing), report.cost_table(pd.DataFrame()),
        xtreme.table(nothing, ["mnli"]), pd.DataFrame(),
    ]  # fmt: skip
    for i, table in enumerate(tables_of_nothing):
        report.save_table(table, tmp_path, f"t{i}", "nothing")
    assert "not run" in (tmp_path / "t0.md").read_text(encoding="utf-8")


def test_a_seed_without_all_languages_is_not_averaged(scores):
    lost = (scores["intermediate"] == "mnli") & (scores["seed"] == 1) & (scores["language"] == "de")
    text = report.cells(report.transfer_matrix(scores[~lost])).loc["mnli", "xnli"]
    assert text.endswith("(2 of 3 seeds)")
    failed = scores.assign(value=scores["value"].mask(lost))
    assert report.cells(report.transfer_matrix(failed)).loc["mnli", "xnli"] == text


def test_cells_have_the_sign_of_their_verdict(scores):
    text = report.cells(report.transfer_matrix(scores))
    assert text.loc["none", "xnli"] == "60.0 ± 2.5"
    assert text.loc["mnli", "xnli"] == f"70.0 ± 2.5 †\n+10.0 {BOUNDS[0]} ▲"
    assert text.loc["squad", "xnli"] == f"60.0 ± 2.5\n+0.0 {BOUNDS[1]}"  # undecided
    turned = report.cells(report.transfer_matrix(scores, baseline="mnli"))
    assert turned.loc["none", "xnli"].endswith(" ▼")
    alike = report.cells(report.transfer_matrix(scores, smallest=0.1))  # less than 10 points is no difference here
    assert alike.loc["squad", "xnli"] == f"60.0 ± 2.5\n+0.0 {BOUNDS[1]} ≈"
    assert "▲ higher, ▼ lower, ≈ equivalent" in report.footnote(report.transfer_matrix(scores))


def test_one_seed_has_no_interval_and_no_mark(scores):
    matrix = report.transfer_matrix(scores[scores["seed"] == 1])
    assert report.cells(matrix).loc["mnli", "udpos"] == "70.0\n+10.0"
    assert "1 seed," in report.footnote(matrix) and "power" not in report.footnote(matrix)


def test_mixtures_are_refused(scores):
    with pytest.raises(UserError, match="has recipes mnli, no pretraining"):
        report.transfer_matrix(pd.concat([scores, scores.assign(recipe="no pretraining")]))
    with pytest.raises(UserError, match="perturbations none, typos"):
        report.transfer_matrix(pd.concat([scores, scores.assign(perturbation="typos")]))
    with pytest.raises(UserError, match="two main values"):
        report.transfer_matrix(pd.concat([scores, scores]))
    with pytest.raises(UserError, match="did you mean mnli"):
        report.transfer_matrix(scores, baseline="mnly")
    with pytest.raises(UserError, match="lack the column main"):
        report.transfer_matrix(scores.drop(columns="main"))


def test_html_is_escaped_and_repeatable(scores):
    scores["intermediate"] = scores["intermediate"].replace("squad", "<script>x</script>")
    scores["recipe"] = scores["intermediate"]
    first, again = (report.show_matrix(report.transfer_matrix(scores)) for _ in range(2))
    assert "<script>" not in first.html and "&lt;script&gt;" in first.html
    assert (first.html, repr(first)) == (again.html, repr(again))


def test_per_language_order_and_values(scores):
    table = report.per_language(scores, "xnli")
    assert table.index.tolist() == ["en", "de", "ru"]
    assert table.loc["de", ("mnli", "mean")] == pytest.approx(0.75)
    assert table.loc["de", ("mnli", "sd")] == pytest.approx(0.01)
    assert report.language_cells(table).loc["de"].tolist() == ["65.0 (1.0)", "75.0 (1.0)", "65.0 (1.0)"]
    with pytest.raises(UserError, match="unknown task 'xnly'"):
        report.per_language(scores, "xnly")


def test_a_shared_run_is_paid_once():
    fields = ["run", "recipe", "seed", "kind", "seconds", "evaluating", "steps", "parameters", "trainable", "peak_mb",
              "device"]  # fmt: skip
    shared = ["p", "direct", 0, "pretraining", 3600, 0, 100, 9, 9, 500.0, "cpu"]
    own = ["x", "direct", 0, "target", 1500, 300, 50, 9, 2, 700.0, "cpu"]
    other = ["y", "mnli", 0, "target", 1200, 600, 50, 9, 2, 600.0, "cpu"]
    table = report.cost_table(pd.DataFrame([shared, own, ["p", "mnli", *shared[2:]], other], columns=fields))
    assert table["hours"].tolist() == [1.5, 1.5, 2.0]
    assert table.loc["direct", ["runs", "steps", "trainable", "peak_mb"]].tolist() == [2, 150, 9, 700.0]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_heat_map_shows_every_cell(scores):
    figure = report.heat_map(report.transfer_matrix(scores))
    assert sorted(texts(figure)) == sorted(
        [f"+10.0 †\n{BOUNDS[0]}", f"+10.0\n{BOUNDS[0]}", f"+0.0\n{BOUNDS[1]}", "not run"]
    )
    mesh = figure.axes[0].collections[0].get_array()
    assert np.ma.getmaskarray(mesh).reshape(2, 2).tolist() == [[False, False], [True, True]]  # grey: squad's row
    alone = report.heat_map(report.transfer_matrix(scores[scores["intermediate"] == "none"]))
    assert texts(alone) == ["no intermediate task beside the baseline 'none'"]


def test_dot_plot_has_every_seed_and_the_scripts(scores):
    figure = report.dot_plot(scores, "xnli", chance=1 / 3)
    dots = sum(len(points.get_offsets()) for points in figure.axes[0].collections)
    assert dots == 3 * 3 * 3  # intermediates x languages x seeds
    assert {"Latin", "Cyrillic", "chance"} <= set(texts(figure))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["en", "de", "ru"]


@pytest.fixture
def latex(monkeypatch):
    """As in `xlt run --latex`."""
    monkeypatch.setenv("XLT_LATEX", "1")


def test_saved_tables_are_escaped_and_repeatable(tmp_path, scores, latex):
    table = pd.DataFrame({"name_1": ["50 % | a\\b", "<b>"], "value": [0.123456789, np.nan]})
    files = report.save_table(table, tmp_path, "t", "A_caption")
    first = [file.read_bytes() for file in files]
    assert report.save_table(table, tmp_path, "t", "A_caption") == files
    assert [file.read_bytes() for file in files] == first
    csv, markdown, tex, sidecar = (content.decode() for content in first)
    assert csv.splitlines() == ["name_1,value", "50 % | a\\b,0.123457", "<b>,"]
    assert "| 50 % \\| a\\\\b | 0.123 |" in markdown and "| \\<b> | not run |" in markdown
    assert r"50 \% | a\textbackslash{}b & 0.123 \\" in tex and r"name\_\allowbreak{}1 & value \\" in tex
    assert json.loads(sidecar) == {"name": "t", "caption": "A_caption"}


def test_every_sign_of_ours_is_one_that_pdflatex_knows(tmp_path, latex):
    """▲ ▼ ≈ stand for verdicts below every matrix, → in the names of recipes."""
    caption = "▲ higher, ▼ lower, ≈ equivalent; † ‡ § ± −0.5 a → b"
    report.save_table(pd.DataFrame({"a": ["*b", "60.0 ▲\n≈"]}), tmp_path, "t", caption)
    tex = (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert all(ord(sign) < 128 for sign in tex)
    assert r"$\bigtriangleup$" in tex and r"$\bigtriangledown$" in tex and r"a $\rightarrow$ b" in tex
    assert "{*}b" in tex and "needs LuaLaTeX" not in tex  # \\ of the row before would take a bare star for its own
    report.save_table(pd.DataFrame({"a": ["Київ", "Ärger, š"]}), tmp_path, "t", "c")
    first = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()[0]
    assert first == "% needs LuaLaTeX or XeLaTeX, and a font that has К в и ї"


def test_saved_matrix_keeps_numbers_and_what_is_shown(tmp_path, scores, latex):
    matrix = report.transfer_matrix(scores)
    report.save_table(matrix, tmp_path, "m", "c", shown=report.cells(matrix))
    assert pd.read_csv(tmp_path / "m.csv")["mean"].count() == 5
    sidecar = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert sidecar["columns"] == ["intermediate", "xnli", "udpos"]
    assert sidecar["rows"][2] == ["squad", f"60.0 ± 2.5\n+0.0 {BOUNDS[1]}", "not run"]
    bounds = BOUNDS[1].replace("−", "$-$").replace("[", "{[}").replace("]", "{]}")
    assert rf"\shortstack[r]{{60.0 $\pm$ 2.5 \\ +0.0 {bounds}}}" in (tmp_path / "m.tex").read_text()


def test_saved_figures_are_small_repeatable_and_described(tmp_path, scores, latex):
    matrix = report.transfer_matrix(scores)
    first = [file.read_bytes() for file in report.save_figure(report.heat_map(matrix), tmp_path, "f", "c", "what")]
    again = [file.read_bytes() for file in report.save_figure(report.heat_map(matrix), tmp_path, "f", "c", "what")]
    assert first == again
    assert len(first[0]) <= 200_000 and first[1].startswith(b"%PDF")
    assert json.loads(first[2]) == {"name": "f", "caption": "c", "alt": "what"}


def test_what_a_paper_takes_is_written_on_request_alone(tmp_path, scores, monkeypatch):
    def endings():
        files = report.save_table(scores, tmp_path, "t", "c")
        files += report.save_figure(report.dot_plot(scores, "xnli"), tmp_path, "f", "c")
        return [file.suffix for file in files if file.is_file()]

    assert endings() == [".csv", ".md", ".json", ".png", ".json"]
    monkeypatch.setenv("XLT_LATEX", "1")
    assert endings() == [".csv", ".md", ".tex", ".json", ".png", ".pdf", ".json"]
    monkeypatch.delenv("XLT_LATEX")
    endings()
    assert not [*tmp_path.glob("*.tex"), *tmp_path.glob("*.pdf")]  # they would be older than what stands beside them


def test_a_notebook_shows_a_kept_figure_by_its_words_and_not_where_it_lies(tmp_path, scores):
    png, *_ = report.save_figure(report.heat_map(report.transfer_matrix(scores)), tmp_path, "f", "c", "what")
    data, about = DisplayFormatter().format(Kept(png, "what"))
    assert data["text/plain"] == "what" and set(data) == {"image/png", "text/plain"}
    assert str(tmp_path) not in str(data) + str(about)


def test_long_tables_go_over_pages_and_break_their_texts(tmp_path, latex):
    short = pd.DataFrame({"text": ["a sentence that is long enough"], "value": [0.5]})
    tex = {n: report.save_table(pd.concat([short] * n), tmp_path, f"t{n}", "c")[2].read_text() for n in (3, 31)}
    assert r"\resizebox" in tex[3] and r"\begin{tabular}{lr}" in tex[3]
    assert "booktabs,longtable" in tex[31] and r"\begin{longtable}{p{0.34\linewidth}r}" in tex[31]
    assert tex[31].count(r"text & value \\") == 2 and tex[31].index(r"\label{tab:t31}") < tex[31].index(
        r"\endfirsthead"
    )
    sentence = short.assign(text="a sentence " * 9)
    assert "longtable" in report.save_table(sentence, tmp_path, "s", "c")[2].read_text()


def test_figures_describe_themselves(tmp_path, scores):
    matrix = report.transfer_matrix(scores)

    def alt(figure):
        sidecar = report.save_figure(figure, tmp_path, "f", "c")[-1]
        return json.loads(sidecar.read_text(encoding="utf-8"))["alt"]

    assert alt(report.heat_map(matrix)) == (
        "Gain over 'none', zero-shot languages. Higher or lower after Holm's correction in 2 of 4 cells; "
        f"xnli after mnli +10.0 † {BOUNDS[0]}; udpos after mnli +10.0 {BOUNDS[0]}"
    )
    assert alt(report.dot_plot(scores, "xnli")) == (
        "xnli: every seed in every language, across: accuracy (points) from 54 to 91. Down: language: en; de; ru. "
        "Marks: none; mnli; squad."
    )
    alone = report.heat_map(report.transfer_matrix(scores[scores["intermediate"] == "none"]))
    assert alt(alone) == "no intermediate task beside the baseline 'none'"


def test_a_kept_figure_is_shown_as_it_was_saved(tmp_path, scores):
    lab = types.SimpleNamespace(reports=tmp_path)
    kept, caption = report.keep(lab, report.dot_plot(scores, "xnli"), "dots", "A *caption*").parts
    assert caption == "*A \\*caption\\**"  # a page is read without the files in which it stands, too
    data, about = kept._repr_mimebundle_()
    assert b64decode(data["image/png"]) == (tmp_path / "figures" / "dots.png").read_bytes()
    assert about["image/png"]["alt"] == data["text/plain"] != "A caption"
    assert about["image/png"]["file"] == "../figures/dots.png" and 600 < about["image/png"]["width"] < 800
    assert report.keep(lab, "no training in this phase", "loss", "c") == "no training in this phase"
    table = pd.DataFrame({"a": [1]})
    assert report.keep(lab, table, "t", "c", meaning="m").parts[1:] == ("m", "*c*")
    assert report.keep(lab, table, "t", "c", meaning="c").parts[1:] == ("c",)


def test_notebooks_show_whole_tables():
    assert pd.DataFrame(1, index=range(100), columns=range(50))._repr_html_().count("<td>") == 5000
    # one small number does not turn its column into powers of ten
    assert pd.DataFrame({"a": [0.0504, 3e-5, 12.0, -0.5]})["a"].to_string(index=False).split() == [
        "0.050", "3e-05", "12", "-0.500",
    ]  # fmt: skip


def test_importing_needs_no_torch():
    code = "import sys, xlt.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_schedule_is_told_as_the_profile_declares_it():
    """The best of the checkpoints is never called the last one, nor a sample the whole training set."""
    stage = Stage(task="mnli", epochs=2, batch=4, accumulate=8, lr=1e-5, select="dev", check_every=1000, patience=30)
    short = stage.model_copy(update={"task": "qqp", "steps": 94, "examples": 3000, "select": "last", "patience": None})
    table = report.schedule_table([stage, short, stage])
    assert table["stage"].tolist() == ["mnli", "qqp"] and table["batch"].tolist() == [32, 32]
    assert table["length"].tolist() == ["2 epochs", "94 updates"] and table["records"].tolist() == ["all", "3,000"]
    assert table["kept"].tolist() == [
        "the best on English dev, first 500 records, a check every 1,000 updates; ends after 30 checks without gain",
        "the last checkpoint",
    ]
    one = stage.model_copy(update={"steps": 1, "patience": 1, "check_every": 1, "select_examples": 1})
    kept = "the best on English dev, first 1 record, a check every 1 update; ends after 1 check without gain"
    assert report.schedule_table([one])[["length", "kept"]].to_numpy().tolist() == [["1 update", kept]]
    part, slight = (stage.model_copy(update=fields) for fields in ({"slice": "70%:"}, {"shuffle_labels": True}))
    table = report.schedule_table([part, stage, slight], {part: 6000, stage: 20000, slight: 20000}.get)
    assert table["records"].tolist() == ["all 6,000 of rows 70%:", "all 20,000"]
    more = Part(task="mnli", languages=("de", "fr"), examples=250), Part(task="qqp")
    both = stage.model_copy(update={"also": more})
    table = report.schedule_table([both])
    assert table.loc[0, ["learns", "languages", "records"]].tolist() == ["mnli, qqp", "1 + 2 + 1", "all + 250 + all"]
    faster = stage.model_copy(update={"head_lr": 2e-3})
    assert report.schedule_table([stage, faster])["lr"].tolist() == ["1e-05", "1e-05, heads 0.002"]
    assert report.schedule_table([]).to_numpy().tolist() == [["none in this profile"]]


class Trained:
    """A lab with the losses of finished runs, by recipe."""

    def __init__(self, losses):
        self.known = losses
        self.store = types.SimpleNamespace(done=losses.__contains__)

    def losses(self, recipe):
        return pd.DataFrame({"step": [10, 20], "loss": self.known[recipe]})


def test_losses_stand_in_a_panel_for_each_recipe_whatever_task_its_stage_names():
    """MNLI, MNLI with shuffled labels and a mixture that begins with it: one task, three curves."""
    stages = [Stage(task="mnli", lr=1e-4), Stage(task="mnli", lr=1e-4, shuffle_labels=True)]
    stages.append(Stage(task="mnli", lr=1e-4, also=(Part(task="qqp"),)))
    recipes = {name: Recipe(start=Encoder(), stages=(one,)) for name, one in zip("abc", stages, strict=True)}
    losses = dict(zip(recipes.values(), ([1.1, 0.5], [1.1, 1.0], [2.0, 1.5]), strict=True))
    figure = report.loss_curves(Trained(losses), recipes | {"as it is": Recipe(start=Encoder())})
    drawn = {axes.get_title(): axes.lines[0].get_ydata().tolist() for axes in figure.axes}
    assert drawn == {"a": [1.1, 0.5], "b": [1.1, 1.0], "c": [2.0, 1.5]}
    assert not figure.legends and all(axes.get_legend() is None for axes in figure.axes)
    told = "a: 1.10 to 0.50; b: 1.10 to 1.00; c: 2.00 to 1.50."
    assert described(figure) == f"Training loss, the first and the last mean of each stage. {told}"
    assert report.loss_curves(Trained({}), recipes) == "no training in this phase"


def test_what_was_looked_for_and_not_found_is_a_sentence_and_no_file(tmp_path):
    lab, table = types.SimpleNamespace(reports=tmp_path), pd.DataFrame({"word": ["a"]})
    assert report.keep_found(lab, table[:0], "words", "Words.", "Every word was read.") == "Every word was read."
    assert not (tmp_path / "tables").exists()
    report.keep_found(lab, table, "words", "Words.", "Every word was read.")
    assert pd.read_csv(tmp_path / "tables" / "words.csv")["word"].tolist() == ["a"]


def test_languages_without_test_records_stand_in_a_table():
    lacking = {"xnli": ["sw", "ur"], "udpos": []}
    lab = types.SimpleNamespace(missing=lacking.get)
    assert report.missing(lab, lacking).to_dict("list") == {"task": ["xnli"], "no test records in": ["sw ur"]}
    assert report.missing(lab, ["udpos"]).to_dict("list") == {"task": ["none lacks a language"]}


def test_a_notebook_shows_an_error_of_ours_as_its_one_line(capsys):
    """As that of notebook 05 with a profile that measures nothing."""
    from IPython.core.interactiveshell import InteractiveShell

    said = "the profile mini measures no speed"
    InteractiveShell().run_cell(f"from xlt.core.errors import UserError\nraise UserError('{said}')")
    assert capsys.readouterr().out.strip() == said
