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
BATCH = 64


def main() -> None:
    from xlt.core import device
    from xlt.evaluation.retrieval import pairs
    from xlt.evaluation.retrieval.search import Search
    from xlt.lab.lab import Lab
    from xlt.models.encoder import encoder_of, tokenizer_of
    from xlt.spec import tasks
    from xlt.spec.recipe import Recipe

    lab = Lab.from_params("local")  # whose evaluation of Tatoeba is at the last layer
    device.prefer(lab.profile.resources.precision)
    start, source = Recipe(start=lab.profile.encoder), lab.store.source
    tokenizer, encoder = tokenizer_of(lab.store, start), encoder_of(lab.store, start).eval()
    published = pd.read_csv(HERE / "tatoeba_published.csv", keep_default_na=False)
    table = []
    for row in published.itertuples():
        records = source.load(tasks.get("tatoeba"), row.language, "test").to_dict()
        evaluation = lab.profile.evaluate("tatoeba", row.language)
        found = {}
        for name, prefix in PREFIXES.items():
            prefixed = {side: [prefix + text for text in records[side]] for side in ("source", "target")}
            values, _ = pairs.score(Search(source, evaluation, prefixed, tokenizer, encoder, BATCH))
            found[name] = values["accuracy_xx_to_en"]
        table.append({"language": row.language, "records": len(records["source"]), "published": row.accuracy} | found)
        print(table[-1], flush=True)
    pd.DataFrame(table).to_csv(HERE / "tatoeba.csv", index=False, float_format="%.4g", lineterminator="\n")


if __name__ == "__main__":
    main()
