"""The scripts of benchmarks/ still fit the code that they measure: nothing else calls them."""

import ast
import importlib
import sys

import pandas as pd
import pytest

from xlt.core.paths import ROOT

FOLDER = ROOT / "benchmarks"
sys.path.insert(0, str(FOLDER))


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda script: script.stem)
def test_what_a_benchmark_takes_from_the_package_is_there(script):
    """Also what is imported inside a function, where nothing would notice until the benchmark runs."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module.startswith("xlt")]
    modules = {}
    for node in taken:
        place = importlib.import_module(node.module)
        for name in node.names:
            if not hasattr(place, name.name):
                importlib.import_module(f"{node.module}.{name.name}")
            found = getattr(place, name.name)
            if isinstance(found, type(sys)):
                modules[name.asname or name.name] = found
    lost = [
        f"line {node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        if not hasattr(modules[node.value.id], node.attr)
    ]
    assert not lost


def test_updates_of_every_kind_are_timed_and_written_as_they_come(monkeypatch, tmp_path):
    import gpu

    few = {name: (2, 1, fields) for name, (_, _, fields) in gpu.CASES.items()}
    monkeypatch.setattr(gpu, "CASES", few)
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--layers", "1", "--width", "32", "--output", str(tmp_path / "gpu.csv")]
    )
    gpu.main()
    rows = pd.read_csv(tmp_path / "gpu.csv")
    assert set(rows["what"]) == set(gpu.CASES)
    assert (rows["useful subwords a second"] > 0).all()
