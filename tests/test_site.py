"""The website of an invented profile: what a reader finds, and that nothing can leave or enter the page."""

import json
import re
import shutil
import subprocess
import types
from collections import Counter

import matplotlib
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

matplotlib.use("Agg")

from matplotlib.figure import Figure  # noqa: E402

from xlt import report
from xlt.core import paths
from xlt.core.errors import UserError  # noqa: E402
from xlt.report import latex, results, site  # noqa: E402

EVIL = "<script>alert(1)</script>"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SUMMARY = {
    "title": "A title",
    "source": "world",
    "state": "clean",
    "answers": [
        {
            "question": "Does it help?",
            "answer": f"Yes {EVIL}",
            "effect": 0.03,
            "low": 0.01,
            "high": 0.05,
            "verdict": "higher",
        },
        {
            "question": "Does the order matter?",
            "answer": "No",
            "effect": -0.01,
            "low": -0.03,
            "high": -0.001,
            "verdict": "undecided",
        },
        {"question": "And this?", "answer": "", "effect": float("nan")},
    ],
    "provenance": {"commit": "abc1234", "seeds": [0, 1, 2]},
}


def notebook(title, outputs=(), count=1):
    cells = [new_markdown_cell(f"# {title}\n\nThe *question*."), new_markdown_cell("Look at the dots.")]
    return new_notebook(cells=[*cells, new_code_cell("print(1)", execution_count=count, outputs=list(outputs))])


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """A profile folder as the notebooks leave it with --latex: two notebooks, two tables, a figure, a summary."""
    monkeypatch.setenv("XLT_LATEX", "1")
    folder = tmp_path / "mini"
    table = pd.DataFrame({"text": [EVIL, "b"], "score": [0.5, None]})
    report.save_table(table, folder / "tables", "words", "A caption & more")
    report.save_table(pd.DataFrame({"recipe": ["direct"], "hours": [1.5]}), folder / "tables", "cost", "Hours")
    report.save_figure(Figure(figsize=(1, 1)), folder / "figures", "dots", "Some dots", 'three "dots"')
    (folder / "summary.json").write_text(json.dumps(SUMMARY), encoding="utf-8")
    (folder / "notebooks").mkdir()
    printed = new_output("stream", text=f"{EVIL} नमस्ते")
    picture = new_output("display_data", data={"image/png": PNG})
    nbformat.write(notebook("First", [printed, picture]), folder / "notebooks" / "01.ipynb")
    nbformat.write(notebook("Second"), folder / "notebooks" / "02.ipynb")
    return folder


def study(profile, notebook, name, *answers):
    """What a study notebook leaves: its answers."""
    (profile / "answers").mkdir(exist_ok=True)
    content = {"study": name, "label": "does the small world show it?", "answers": list(answers)}
    (profile / "answers" / f"{notebook}.json").write_text(json.dumps(content), encoding="utf-8")


def texts(page, tag="tr"):
    """The text of each row of a page, marks taken away."""
    rows = re.findall(rf"<{tag}[ >].*?</{tag}>", page, flags=re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


def build(profile):
    return site.build(profile.name, profile.parent).read_text(encoding="utf-8")


def test_index_says_which_notebooks_of_studies_were_left_out(profile):
    assert "Left out" not in build(profile)
    (profile / "summary.json").write_text(json.dumps(SUMMARY | {"left_out": ["study_dialects", "study_ordering"]}))
    assert "Left out, as this profile declares no such study: study_dialects, study_ordering." in build(profile)


def test_index_shows_all_that_was_made(profile):
    page = build(profile)
    for text in ("A title", "Does it help?", "+3.0", "[1.0, 5.0]", "A caption &amp; more", "abc1234", "[0, 1, 2]"):
        assert text in page
    assert "measuring instrument" in page
    assert page.index('id="results"') < page.index('id="cost"') < page.index("Hours")
    assert re.findall(r'href="(tables/words\.\w+)"', page) == [f"tables/words.{e}" for e in ("csv", "md", "tex")]
    assert page.count("not run") == 2  # the empty cell and the unanswered question


def test_every_study_has_its_axis_and_only_sure_effects_are_coloured(profile):
    """By its verdict, not by its interval: a family may leave undecided what has an interval that excludes zero."""
    small = {"question": "Any?", "effect": 0.001, "low": -0.001, "high": 0.002, "verdict": "equivalent"}
    study(profile, "study_small", "Small?", small, small | {"verdict": "not testable"})
    page = build(profile)
    assert re.findall(r'<svg viewBox="0 0 200 20" class="(\w+)"', page) == ["clear", "open", "clear", "open"]
    assert re.findall(r'cx="([\d.]+)"', page) == [
        "157.0",
        "81.0",
        "147.5",
        "147.5",
    ]  # 100 + 95 x 3 / 5, 100 - 95 x 1 / 5, ...
    assert [row for row in texts(page) if "axis" in row] == [
        "The profile as a whole axis: ± 5.0 points",
        "Small? does the small world show it? · axis: ± 0.2 points",
    ]


def test_a_study_that_the_profile_does_not_have_is_not_listed(profile):
    study(profile, "study_dialects", "This profile does not ask it.")
    assert "This profile does not ask it." not in build(profile)


def test_answers_stand_in_one_table_the_main_question_first(profile):
    study(profile, "study_order", "Does the order matter?", {"question": "Any?", "answer": "", "verdict": "not run"})
    helps = {"effect": 0.02, "low": 0.01, "high": 0.03, "detectable": 0.015, "verdict": "helps"}
    study(profile, "02", "Is there transfer?", {"question": "Any?", "answer": "Yes."} | helps)
    page = build(profile)
    label = "does the small world show it?"
    table = page[page.index('<table class="answers"') : page.index("</table>")]
    rows = texts(table)
    assert rows[1].startswith("The profile as a whole")  # what summary.json itself answers
    assert [rows[0], *rows[5:]] == [
        "Question Effect 95 % interval Detectable Verdict",
        f"Is there transfer? {label} · axis: ± 3.0 points",
        "Any? Yes. +2.0 [1.0, 3.0] 1.5 helps",
        f"Does the order matter? {label}",
        "Any? not run",
    ]
    links = re.findall(r'href="([^"]*)"', table)
    assert links == ["notebooks/02.html"]  # the other notebook is not there


def test_what_no_score_can_differ_by_is_not_said_to_be_detectable(profile):
    wide = {"effect": 0.02, "low": -0.5, "high": 0.6, "detectable": 1.397, "verdict": "undecided"}
    study(profile, "study_order", "Does the order matter?", {"question": "Any?", "answer": ""} | wide)
    assert "none within the scale" in build(profile) and "139.7" not in build(profile)


def test_studies_stand_in_the_order_of_the_questions_and_the_head_lists_them(profile):
    names = ("data_mix", "dialects", "my_own", "ordering", "planted_effects")
    for name in names:
        study(profile, f"study_{name}", f"{name}?", {"question": "Any?"})
        nbformat.write(notebook(name), profile / "notebooks" / f"study_{name}.ipynb")
    page = build(profile)
    asked = re.findall(r'<li><a href="#(asked-\d)">(.*?)</a>', page)
    order = ["The profile as a whole", "planted_effects?", "ordering?", "dialects?", "data_mix?", "my_own?"]
    assert asked == [(f"asked-{place}", said) for place, said in enumerate(order, 1)]
    assert all(f'id="{place}"' in page for place, _ in asked)
    listed = re.findall(r'<li><a href="notebooks/study_(\w+)\.html"', page)
    assert listed == ["ordering", "dialects", "data_mix", "planted_effects", "my_own"]


def test_claims_have_their_own_section(profile):
    report.save_table(pd.DataFrame({"claim": ["SQuAD helps."], "verdict": ["pass"]}), profile / "tables", "claims", "c")
    page = build(profile)
    assert page.index('id="answers"') < page.index('<section id="claims"') < page.index('<section id="results"')
    assert page.count("SQuAD helps.") == 1


def test_results_stand_with_their_notebook_and_languages_are_folded(profile):
    names = ("1_early", "0_no", "2_languages_xnli", "mix_all", "data_mix_all", "data_mix")
    for name in names:
        report.save_table(pd.DataFrame({"a": [1]}), profile / "tables", name, "c")
    for stem in ("study_mix", "study_data_mix", "01_first", "02_second"):
        nbformat.write(notebook(stem), profile / "notebooks" / f"{stem}.ipynb")
    page = build(profile)
    groups = re.split(r'<section id="of-', page[: page.index('<section id="notebooks"')])[1:]
    found = {group.partition('"')[0]: re.findall(r'id="table-([^"]*)"', group) for group in groups}
    assert found == {
        "all": ["0_no", "words"],
        "01_first": ["1_early"],
        "02_second": ["2_languages_xnli"],
        "study_data_mix": ["data_mix", "data_mix_all"],
        "study_mix": ["mix_all"],
    }
    folded = re.findall(r"<details>(.*?)</details>", page, flags=re.DOTALL)
    assert len(folded) == 1 and "2_languages_xnli" in folded[0]


def test_of_a_long_table_the_index_shows_the_first_rows_and_says_how_many_there_are(profile):
    long = pd.DataFrame({"arm": [f"arm {place:02}" for place in range(31)]})
    report.save_table(long, profile / "tables", "arms", "All arms.")
    page = build(profile)
    assert "arm 29<" in page and "arm 30<" not in page and "The first 30 of 31 rows" in page
    report.save_table(long[:30], profile / "tables", "arms", "All arms.")
    assert "arm 29<" in build(profile) and "The first 30" not in build(profile)


def test_failed_and_collapsed_runs(profile):
    assert 'id="failures"' not in build(profile)
    report.save_table(pd.DataFrame(columns=["run"]), profile / "tables", "failed_runs", "Runs that failed.")
    assert "Runs that failed. None." in build(profile)
    report.save_table(pd.DataFrame({"run": ["abc"]}), profile / "tables", "collapsed", "Runs that collapsed.")
    (profile / "failures").mkdir()
    nbformat.write(notebook("Stopped here", count=None), profile / "failures" / "03.ipynb")
    page = build(profile)
    part = page[page.index('<section id="failures"') : page.index('<section id="notebooks"')]
    assert "abc" in part and 'href="failures/03.html"' in part
    assert "Stopped here" in (profile / "failures" / "03.html").read_text(encoding="utf-8")


RUN = {"intermediate": "squad", "seed": 0, "task": "xnli", "language": "de", "split": "test", "n": 1200, "value": 0.5}
RUN |= {
    "run": "a1",
    "source": "the hub",
    "commit": "12e4",
    "dirty": False,
    "precision": "fp32",
    "torch_version": "2.10",
}


def checklists(profile):
    """The answer to each item of the page, by its code."""
    build(profile)
    page = (profile / "checklists.html").read_text(encoding="utf-8")
    return {text.split()[0]: text for text in texts(page, "div")}


def test_checklists_name_the_file_of_a_profile_where_it_lies(profile):
    """A user's own is nowhere in params/, and the command takes its file."""
    own = profile.rename(profile.with_name("own"))
    for folder, file, command in ((own, "own.yaml", "own.yaml"), (own.with_name("mini"), "params/mini.yaml", "mini")):
        folder = own.rename(folder)
        pd.DataFrame([RUN]).to_csv(folder / "scores.csv", index=False)
        summary = SUMMARY | {"provenance": {"settings": "0a1b"}}
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        page = " ".join(checklists(folder).values())
        assert f" {file}, of which the digest is 0a1b." in page
        assert f"./run_all.sh --profile {command}, at commit 12e4." in page
        assert "1 seed (0); 1 model evaluated." in page and "1 models" not in page and "1 seeds" not in page
        own = folder


def test_checklists_are_filled_in_from_the_records(profile):
    runs = [RUN, RUN | {"seed": 1, "run": "a2", "language": "sw"}, RUN | {"task": "tatoeba"}, RUN | {"task": "udpos"}]
    pd.DataFrame(runs).to_csv(profile / "scores.csv", index=False)
    keep_data_sets(
        profile,
        ("facebook/xnli", "xnli", "the hub", "CC BY-NC 4.0", "Conneau et al. 2018"),
        ("google/xtreme", "tatoeba", "the hub", "CC BY 2.0 FR", "not stated"),
        ("google/xtreme", "pos, udpos", "the hub", "UD, per treebank", "not stated"),
    )
    cost = {"runs": 4, "hours": 2.5, "parameters": 1e6, "trainable": 5e5, "peak_mb": 900, "device": "cuda"}
    report.save_table(pd.DataFrame([{"recipe": "x"} | cost]), profile / "tables", "cost", "Cost")
    found = checklists(profile)
    assert "xnli: test; de sw; 1,200 examples in each" in found["B5,"]
    assert "facebook/xnli (xnli), from the hub: CC BY-NC 4.0" in found["B2"]
    two = ("(tatoeba), from the hub: CC BY 2.0 FR", "(pos, udpos), from the hub: UD, per treebank")
    assert all(f"google/xtreme {line}" in found["B2"] for line in two)  # one place, two licences
    assert (
        "(xnli), from the hub: Conneau et al. 2018" in found["B1"]
        and "(tatoeba), from the hub: not stated" in found["B1"]
    )
    assert "1,000,000 parameters, 500,000 of them trained" in found["C1"]
    assert "4 runs in 2.5" in found["C1"] and "hours on cuda" in found["C1"]
    assert all(said in found["C3"] for said in ("2 seeds (0, 1); 2 models", "3 answers, 2 of them with an interval"))
    assert "torch 2.10" in found["C4"] and "at commit 12e4." in found["4"]
    assert found["A2"].endswith("to be answered by the authors")


OWN = ("moods", "moods", "the folder moods", "CC BY-NC 4.0", "Doe 2020")
MADE = ("the generated world", "mnli, xnli", "the generated world", "that of this repository", "CITATION.cff")


def keep_data_sets(profile, *rows):
    columns = ["data set", "tasks", "records", "licence", "citation"]
    report.save_table(pd.DataFrame(rows, columns=columns), profile / "tables", "data_sets", "Data sets")


def test_records_of_a_user_beside_the_generated_world_are_told_as_such(profile):
    keep_data_sets(profile, OWN, MADE)
    found, page = checklists(profile), (profile / "index.html").read_text(encoding="utf-8")
    assert "moods (moods), from the folder moods: CC BY-NC 4.0" in found["B2"] and "Doe 2020" in found["B1"]
    assert not any("no records of others" in said for said in found.values())
    assert "But for moods (the folder moods), the data come from a generated world." in page
    part = page[page.index('<section id="data"') : page.index('<section id="provenance"')]
    assert "CC BY-NC 4.0" in part and "tables/data_sets.csv" in part


def test_the_generated_world_alone_has_no_records_of_others(profile):
    keep_data_sets(profile, MADE)
    found, page = checklists(profile), (profile / "index.html").read_text(encoding="utf-8")
    assert "no records of others" in found["B2"] and ">The data come from a generated world." in page


def test_without_records_the_checklists_are_left_to_the_authors(profile):
    for path in (*profile.glob("tables/cost.*"), profile / "summary.json"):
        path.unlink()
    found = checklists(profile)
    assert len(found) > 15 and all(text.endswith("to be answered by the authors") for text in found.values())


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex is installed")
def test_latex_tables_compile_as_they_are(profile):
    shown = pd.DataFrame({"task_1 & more": ["50.0 ± 1.0\n+2.0 [−1.0, 3.0]", "100 % # $ {x} ~ ^ \\ <a> † → –"]})
    report.save_table(pd.DataFrame({"value": [0.5, None]}), profile / "tables", "matrix", "a_1 & 5 %", shown=shown)
    long = pd.DataFrame({"a_question": ["Is SQuAD last better than SQuAD first? " * 3] * 90, "effect": ["−0.1"] * 90})
    report.save_table(long, profile / "tables", "long", "c")
    committed = (
        results.read(paths.ROOT / "reports" / "mini").tables if (paths.ROOT / "reports" / "mini").is_dir() else {}
    )
    for name, table in committed.items():
        text = latex.table(pd.DataFrame(table["rows"], columns=table["columns"]), name, table["caption"])
        (profile / "tables" / f"{name}.tex").write_text(text, encoding="utf-8")
    tables = [*(profile / "tables").glob("*.tex")]
    body = "".join(rf"\input{{{path}}}\clearpage" for path in tables)
    head = r"\documentclass{article}\usepackage{booktabs,graphicx,longtable}\begin{document}"
    (profile / "all.tex").write_text(head + body + r"\end{document}", encoding="utf-8")
    command = ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=profile, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-800:]


def test_pages_are_self_contained_and_harmless(profile):
    pages = [build(profile)] + [p.read_text(encoding="utf-8") for p in (profile / "notebooks").glob("*.html")]
    pages.append((profile / "checklists.html").read_text(encoding="utf-8"))
    assert len(pages) == 4
    for page in pages:
        assert "<script" not in page
        assert "default-src 'none'" in page  # whatever slips through cannot run or load
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page) and "@import" not in page
        assert '<html lang="en">' in page and "<title>" in page and "width=device-width" in page
        for source in re.findall(r'<img[^>]* src="([^"]*)"', page):
            assert source.startswith("data:image/png") or (profile / source).is_file()
    assert sum("&lt;script&gt;alert(1)" in page for page in pages) == 2  # the table's and the printed one


def test_every_picture_has_an_alternative_text(profile):
    assert 'alt="three &#34;dots&#34;"' in build(profile)
    assert 'alt="Figure. Look at the dots."' in (profile / "notebooks" / "01.html").read_text(encoding="utf-8")


def test_every_figure_leads_to_its_file(profile):
    assert '<div class="picture"><a href="figures/dots.png"><img ' in build(profile)
    lab = types.SimpleNamespace(reports=profile)
    kept, _ = report.keep(lab, Figure(figsize=(2, 1)), "kept", "c", alt="A <line> that rises").parts
    data, metadata = kept._repr_mimebundle_()
    shown = new_output("display_data", data=data, metadata=metadata)
    nbformat.write(notebook("Kept", [shown]), profile / "notebooks" / "03.ipynb")
    build(profile)
    page = (profile / "notebooks" / "03.html").read_text(encoding="utf-8")
    assert '<div class="picture"><a href="../figures/kept.png"><img ' in page and 'src="../figures/kept.png"' in page
    assert 'alt="A &lt;line&gt; that rises"' in page and "data:image" not in page
    width = int(re.search(r'<img[^>]*width="(\d+)"', page)[1])
    assert width == pytest.approx(2 * 96, abs=40)  # as drawn, but for the margins
    (profile / "figures" / "kept.png").unlink()
    (profile / "figures" / "kept.json").unlink()
    build(profile)  # the page then holds what the notebook holds
    page = (profile / "notebooks" / "03.html").read_text(encoding="utf-8")
    assert "kept.png" not in page and page.count('src="data:image/png') == 1


def test_notebook_pages_fold_code_and_link_to_each_other(profile):
    build(profile)
    page = (profile / "notebooks" / "01.html").read_text(encoding="utf-8")
    assert page.count("<details") == 1 and "नमस्ते" in page
    assert 'href="../index.html"' in page and 'href="02.html" rel="next"' in page


def test_unfinished_notebooks_are_named(profile):
    error = new_output("error", ename="E", evalue="x", traceback=["x"])
    nbformat.write(notebook("Broken", [error]), profile / "notebooks" / "03.ipynb")
    nbformat.write(notebook("Jumped", count=7), profile / "notebooks" / "04.ipynb")
    page = build(profile)
    assert page.count("stopped with an error") == page.count("was not run from top to bottom") == 1
    assert "do not use its results" in (profile / "notebooks" / "03.html").read_text(encoding="utf-8")


def test_the_shown_form_of_a_table_is_preferred(profile):
    shown = pd.DataFrame({"task": ["xnli"], "score": ["50.0 ± 1.0\n+2.0"]})
    report.save_table(pd.DataFrame({"value": [0.5]}), profile / "tables", "matrix", "c", shown=shown)
    assert "50.0 ± 1.0\n+2.0</td>" in build(profile)


@pytest.mark.parametrize(("state", "words"), [("dirty", "do not cite"), ("smoke", "mean nothing")])
def test_results_that_must_not_be_cited_say_so(profile, state, words):
    (profile / "summary.json").write_text(json.dumps({"state": state}), encoding="utf-8")
    page = build(profile)
    assert words in page and "measuring instrument" not in page


def test_the_same_input_gives_the_same_bytes(profile):
    assert build(profile) == build(profile)


def test_a_summary_is_optional(profile):
    (profile / "summary.json").unlink()
    assert "Results of the profile mini" in build(profile)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tables/words.csv", "", "mini/tables/words.csv is empty or damaged"),
        ("tables/words.json", "{", "mini/tables/words.json is damaged"),
        ("tables/words.json", None, "mini/tables/words.json is missing"),
        ("figures/dots.png", "x", "mini/figures/dots.png is not a PNG"),
        ("figures/dots.json", "[]", "mini/figures/dots.json is damaged"),
        ("answers/01.json", "{", "mini/answers/01.json is damaged"),
        ("answers/01.json", "{}", "mini/answers/01.json: answers must be a list"),
        ("scores.csv", "", "mini/scores.csv is empty or damaged"),
        ("summary.json", "no", "mini/summary.json is damaged"),
        ("summary.json", '{"state": "fine"}', "state is 'fine'; known: clean, dirty, smoke"),
        ("summary.json", '{"answers": ["x"]}', "answers must be a list"),
        ("notebooks/01.ipynb", "", "mini/notebooks/01.ipynb is empty or damaged"),
        ("notebooks/01.ipynb", "[]", "mini/notebooks/01.ipynb is empty or damaged"),
        ("notebooks/01.ipynb", '{"nbformat": 4}', "mini/notebooks/01.ipynb is empty or damaged"),
    ],
)
def test_damaged_input_is_one_clear_line(profile, file, content, message):
    if content is None:
        (profile / file).unlink()
    else:
        (profile / "answers").mkdir()
        (profile / file).write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as error:
        build(profile)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_profile_without_results(tmp_path):
    with pytest.raises(UserError, match="profile nothing has no results"):
        site.build("nothing", tmp_path)


def test_committed_reports_are_small():
    """Each commit of a report adds to every clone; pictures, scores and pages together are at most 10 MB."""
    listed = subprocess.run(["git", "ls-files", "reports"], cwd=paths.ROOT, capture_output=True, text=True)
    sizes = Counter()
    for name in listed.stdout.splitlines():
        if (paths.ROOT / name).is_file():
            sizes[name.split("/")[1]] += (paths.ROOT / name).stat().st_size
    older = {name for name in sizes if (paths.ROOT / "reports" / name / "scores.csv").is_file()}
    assert {name: size for name, size in sizes.items() if name not in older and size > 10_000_000} == {}


def test_the_checklists_say_of_which_study_so_many_seeds_are(profile):
    """Two seeds of the one, one of the other: not two of all."""
    for name, seeds in (("ordering", (0, 1)), ("dialects", (0, 1)), ("data_mix", (0,))):
        pd.DataFrame([RUN | {"seed": seed, "run": f"{name}{seed}"} for seed in seeds]).to_csv(
            profile / f"scores_{name}.csv", index=False
        )
    said = "1 seed (0): data_mix; 2 seeds (0, 1): dialects, ordering; 5 models evaluated."
    assert said in checklists(profile)["C3"]


def test_answers_that_are_no_effects_have_no_axis_in_points_and_no_empty_verdict(profile):
    (profile / "summary.json").unlink()
    ratio = {"question": "How fast?", "answer": "6.5 [6.0, 6.9] times", "effect": float("nan"), "verdict": ""}
    study(profile, "05_speed", "Fast?", ratio, ratio | {"question": "And?", "answer": "", "verdict": ""})
    page = build(profile)
    assert "Effects in points" not in page and "No answer here is an effect in points: each says its unit" in page
    rows = [row for row in texts(page) if row.startswith(("How fast?", "And?"))]
    assert rows == ["How fast? 6.5 [6.0, 6.9] times –", "And? not run"]
    study(profile, "study_small", "Small?", {"question": "Any?", "effect": 0.01, "low": 0, "high": 0.02})
    assert "Effects in points" in build(profile)


def test_the_index_names_the_notebooks_and_sections_that_were_not_made(profile):
    asked = ["01", "02", "03_zero_shot_transfer", "99_report"]
    page = site.build(profile.name, profile.parent, asked).read_text(encoding="utf-8")
    assert "not whole. Of the notebooks of its profile there are none of: 03_zero_shot_transfer, 99_report." in page
    assert "So there is nothing here of: claims, failed and collapsed runs, data sets." in page
    assert "not whole" not in site.build(profile.name, profile.parent, ["01", "02"]).read_text(encoding="utf-8")


def test_the_index_says_of_which_commit_and_day_a_page_is_where_pages_differ(profile, monkeypatch):
    def page_of(commit, name):
        shown = f"<table><tr><th>{results.CODE}</th>\n      <td>{commit}, state clean</td></tr></table>"
        about = new_output("display_data", data={"text/html": shown})
        nbformat.write(notebook(name, [about]), profile / "notebooks" / f"{name}.ipynb")

    days = {"aaa1111": "2026-01-02", "bbb2222": ""}  # the history of the second is not here
    monkeypatch.setattr(site.provenance, "committed", days.get)
    for name in ("study_a", "study_b"):
        page_of("aaa1111", name)
        study(profile, name, f"{name}?", {"question": "Any?", "effect": 0.01, "low": 0, "high": 0.02})
    assert "page of code" not in build(profile)
    page_of("bbb2222", "study_b")
    page = build(profile)
    heads = [row for row in texts(page) if row.startswith("study_")]
    assert [row.rpartition(" · ")[2] for row in heads] == ["page of code aaa1111 of 2026-01-02", "page of code bbb2222"]
    listed = page[page.index('id="notebooks"') :]
    assert listed.count("page of code aaa1111 of 2026-01-02") == 1 and listed.count("page of code bbb2222") == 1
