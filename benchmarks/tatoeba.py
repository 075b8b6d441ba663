"""Retrieval of translations by the encoder of `local` as it comes, language by language, beside published figures.

    XLT_HUB_ROOT=~/hub python benchmarks/tatoeba.py     # three minutes on one core with AMX

tatoeba_published.csv holds the accuracies that the results repository of MTEB gives for intfloat/multilingual-e5-small
at revision e4ce987 (github.com/embeddings-benchmark/results, its Tatoeba.json of mteb 1.12.75): a sentence of the
language finds its English translation. tatoeba.csv holds what the encoder in four bits reaches through this project's
own code on the same sentences, all of them, at its last layer: with the prefix "query: " before every sentence, as the
encoder was trained and as MTEB reads it, and without, as this project reads every encoder.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
PREFIXES = {"with_prefix": "query: ", "without": ""}


def main() -> None:
    from xlt.core import device
    from xlt.lab.lab import Lab
    from xlt.models.encoder import encoder_of, tokenizer_of
    from xlt.spec import tasks
    from xlt.spec.recipe import Recipe

    lab = Lab.from_params("local")
    device.prefer(lab.profile.resources.precision)
    start = Recipe(start=lab.profile.encoder)
    tokenizer, encoder = tokenizer_of(lab.store, start), encoder_of(lab.store, start).eval()
    published = pd.read_csv(HERE / "tatoeba_published.csv", keep_default_na=False)
    table = []
    for row in published.itertuples():
        records = lab.store.source.load(tasks.get("tatoeba"), row.language, "test").to_dict()
        found = {name: accuracy(records, prefix, tokenizer, encoder) for name, prefix in PREFIXES.items()}
        table.append({"language": row.language, "records": len(records["source"]), "published": row.accuracy} | found)
        print(table[-1], flush=True)
    pd.DataFrame(table).to_csv(HERE / "tatoeba.csv", index=False, float_format="%.4g", lineterminator="\n")


def accuracy(records: dict[str, list], prefix: str, tokenizer, encoder) -> float:
    """The share of sentences whose nearest English one by cosine is their translation."""
    from xlt.evaluation import metrics
    from xlt.models.cells import Cell
    from xlt.models.vectors import embed

    cell = Cell(encoder.config.num_hidden_layers, "mean", False)
    foreign, english = (
        embed([prefix + text for text in records[side]], tokenizer, encoder, [cell], 128, 64)[cell]
        for side in ("source", "target")
    )
    found = metrics.retrieve(foreign, english)
    return sum(records["target"][i] == text for i, text in zip(found, records["target"], strict=True)) / len(found)


if __name__ == "__main__":
    main()
