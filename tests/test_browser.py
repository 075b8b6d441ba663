"""The report in a real browser, wide and on a phone: nothing is broken, cut off, or fetched from anywhere."""

import json
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

matplotlib.use("Agg")

from xlt import report
from xlt.core import paths
from xlt.report import site  # noqa: E402
from xlt.report.figures import canvas  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed")

LONG = "a_name_without_any_place_to_break_it_" * 6
RTL = "מודל לשוני רב־לשוני"


def wide_notebook():
    """What notebooks print: a wide table, long lines, a picture, formulas, a long word."""
    frame = pd.DataFrame({f"language {i}": [LONG[:20], 0.5] for i in range(30)})
    figure, axes = canvas(9, 3)
    axes.plot([1, 2])
    outputs = [
        new_output("stream", text=LONG * 3),
        new_output("stream", name="stderr", text=LONG),
        new_output("execute_result", data={"text/html": frame.to_html(), "text/plain": "x"}, execution_count=1),
        new_output("display_data", data={"image/png": png(figure)}),
        new_output("display_data", data={"text/markdown": f"**{LONG}** `{LONG}`"}),
    ]
    text = f"# A title with {LONG}\n\nA question? [The limits](#Limits)\n\n| a | b |\n|---|---|\n| `{LONG}` | {LONG} |"
    code = new_code_cell(f"x = '{LONG}'", execution_count=1, outputs=outputs)
    return new_notebook(cells=[new_markdown_cell(text), code, new_markdown_cell("## Limits\n\nMany.")])


def png(figure):
    from base64 import b64encode
    from io import BytesIO

    file = BytesIO()
    figure.savefig(file)
    return b64encode(file.getvalue()).decode()


def answer(question, effect=None, verdict="", **fields):
    low, high = (None, None) if effect is None else (effect - 0.02, effect + 0.02)
    return {"question": question, "effect": effect, "low": low, "high": high, "verdict": verdict} | fields


def invented(folder):
    """A report with everything that a page can hold, each thing as wide as it may come."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "failures").mkdir()
    (folder / "answers").mkdir()
    executed = wide_notebook()
    for name in ("03_transfer", "study_ordering", "99_report"):
        nbformat.write(executed, folder / "notebooks" / f"{name}.ipynb")
    nbformat.write(executed, folder / "failures" / "study_data_mix.ipynb")
    table = pd.DataFrame({"recipe": [LONG[:60], RTL]} | {f"language {i}": [0.5, None] for i in range(40)})
    for name in ("0_matrix", "3_languages_xnli", "ordering_orders", "cost", "collapsed"):
        report.save_table(table.assign(runs=2, hours=1.5, parameters=9, trainable=9, peak_mb=7, device="cpu"),
                          folder / "tables", name, f"A caption. {LONG}")  # fmt: skip
    report.save_table(table[:0], folder / "tables", "failed", "Runs that failed.")
    figure, axes = canvas(12, 3)
    axes.plot([0, 1])
    for name in ("ordering_curve", "3_languages_xnli"):
        report.save_figure(figure, folder / "figures", name, "A caption", "a line that rises")
    answers = [answer("Does it help?", 0.03, "helps", detectable=0.04, answer="It helps " + LONG),
               answer(f"And {LONG}?", -0.01, "no clear effect"), answer("And this?", verdict="not run")]  # fmt: skip
    study = {"study": f"Does the order matter? {LONG}", "label": "reproduction", "answers": answers}
    (folder / "answers" / "study_ordering.json").write_text(json.dumps(study), encoding="utf-8")
    summary = {"title": f"A title {LONG}", "state": "dirty", "note": LONG, "provenance": {"settings": LONG}}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def committed(folder):
    if not (paths.ROOT / "reports" / "mini").is_dir():
        pytest.skip("no reports/mini")
    shutil.copytree(paths.ROOT / "reports" / "mini", folder)


@pytest.fixture(scope="module", params=[invented, committed], ids=["invented", "mini"])
def pages(request, tmp_path_factory):
    """All pages of a report, just built."""
    folder = tmp_path_factory.mktemp("report") / "mini"
    request.param(folder)
    site.build("mini", folder.parent)
    return [folder / "index.html", folder / "checklists.html",
            *(path.with_suffix(".html") for path in sorted(folder.glob("*/*.ipynb")))]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


# What is on the page, asked in the page. Wider than the window may be only what stands in a box that scrolls.
FINDINGS = """() => {
  const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
  const boxed = e => e.parentElement && (scrolls(e.parentElement) || boxed(e.parentElement));
  const hides = e => /hidden|clip/.test(getComputedStyle(e).overflowX);
  const name = e => e.tagName + '.' + (e.getAttribute('class') || '') + ' ' + e.textContent.slice(0, 40);
  const all = [...document.body.querySelectorAll('*')].filter(e => e.getClientRects().length && !boxed(e));
  return {
    wide: all.filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(name),
    cut: all.filter(e => hides(e) && e.scrollWidth > e.clientWidth + 1).map(name),
    sideways: document.documentElement.scrollWidth - innerWidth,
    unboxed: all.filter(e => e.matches('.scroll') && !scrolls(e)).map(name),
    broken: [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.outerHTML.slice(0, 80)),
    mute: [...document.images].filter(i => !i.alt.trim()).map(i => i.outerHTML.slice(0, 80)),
    links: [...document.links].map(a => a.href),
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
  };
}"""


def look(browser, pages, width):
    """What each page holds with every fold open, and what the browser complained of or asked for."""
    heard, found = [], {}
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.on("request", lambda r: heard.append(r.url) if urlsplit(r.url).scheme not in ("file", "data") else None)
    context.on("requestfailed", lambda r: heard.append(f"failed: {r.url[:200]}"))
    page = context.new_page()
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(str(error)))
    for path in pages:
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        found[path] = page.evaluate(FINDINGS)
    context.close()
    return found, heard


@pytest.mark.parametrize("width", [380, 1280])
def test_a_browser_finds_nothing_wrong(browser, pages, width):
    found, heard = look(browser, pages, width)
    assert heard == []
    for path, page in found.items():
        wrong = {k: page[k] for k in ("wide", "cut", "unboxed", "broken", "mute") if page[k]}
        assert not wrong and page["sideways"] <= 0, (path.name, wrong, page["sideways"])
    dead = [link for page in found.values() for link in page["links"] if not leads_somewhere(link, found)]
    assert dead == []


def leads_somewhere(link, pages):
    """A file that is there and, of a page of the report, a place in it. Nobody follows links to the world."""
    parts = urlsplit(link)
    if parts.scheme == "https":
        return True
    path = Path(unquote(parts.path))
    return path.is_file() and (not parts.fragment or unquote(parts.fragment) in pages[path]["ids"])
