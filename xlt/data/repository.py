"""A repository on the hub at one commit: asked for once a run, fetched file by file, then readable without network.

What a run has found (the commit, and of each file its size and hash) is written into the cache as one small JSON file
for each repository and revision. The notebooks and workers of the run read it there, so all of them use the same
commit; without network the last one is used. The files themselves lie in the hub's own cache.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import huggingface_hub
from huggingface_hub import HfApi, RepoFile, errors, hf_hub_download, try_to_load_from_cache
from huggingface_hub.utils import logging, parse_ratelimit_headers

from xlt.core.errors import UserError, unknown
from xlt.core.files import write_atomically
from xlt.core.paths import cache_root

logging.set_verbosity_error()  # of every single try; what matters is said here
huggingface_hub.utils.disable_progress_bars()

_RUN = "XLT_HUB_SINCE"  # when this run began, in seconds since 1970; kernels and workers inherit it
_PATIENCE, _LONGEST = 30.0, 600.0  # seconds to wait in all: for errors to pass, and for rate limits, as they are told
_PASSING = (408, 429, 500, 502, 503, 504)  # statuses that another try may mend
_COMMIT = re.compile(r"[0-9a-f]{40}")
T = TypeVar("T")


class Gone(UserError):
    """The hub does not have the repository: no such id, private, or taken down."""


class Unreachable(UserError):
    """The hub did not answer (`silent`), or only with errors, however often it was asked."""

    silent = False


@dataclass(frozen=True)
class Repository:
    """The files of a data set or model at one commit; of each file its size in bytes and its hash: SHA-256 of large
    ones (Git LFS), else git's SHA-1."""

    name: str
    kind: str  # dataset or model
    revision: str | None  # as it was asked for
    commit: str
    sizes: Mapping[str, int] = field(hash=False, compare=False)
    hashes: Mapping[str, str] = field(hash=False, compare=False)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(path for path in self.sizes if not path.startswith("."))

    @property
    def contents(self) -> tuple[str, ...]:
        """What is not about the rest: all but the card."""
        return tuple(path for path in self.paths if path != "README.md")

    def fingerprint(self, path: str) -> str:
        return self.hashes[path][:16]

    def cached(self, path: str) -> Path | None:
        """The file as it lies in the hub's cache, whole; None where it does not."""
        file = try_to_load_from_cache(self.name, path, revision=self.commit, repo_type=self.kind)
        return Path(file) if isinstance(file, str) and os.path.getsize(file) == self.sizes[path] else None

    def file(self, path: str) -> Path:
        """The file, fetched if the cache does not have it whole.

        Raises:
            UserError: it cannot be had; the message says what to do.
        """
        if local := self.cached(path):
            return local
        if offline():
            raise UserError(f"{self.name}: {path} is not in the hub's cache and there is no network; {self.mend}")
        place = {"repo_id": self.name, "repo_type": self.kind, "revision": self.commit, "filename": path}
        place["endpoint"] = huggingface_hub.constants.ENDPOINT
        for again in (False, True):  # what was cut without a word is fetched once more
            fetch_it = partial(hf_hub_download, **place, force_download=again)
            file = Path(_tried(fetch_it, self.name, self.kind))
            if (size := file.stat().st_size) == self.sizes[path]:
                return file
        wanted = self.sizes[path]
        raise UserError(f"{self.name}: {size:,} of the {wanted:,} bytes of {path} arrive; run again later to fetch it")

    @property
    def mend(self) -> str:
        return f"fetch it with '{fetch(self.name, self.kind, self.revision)}'"


def fetch(name: str, kind: str, revision: str | None = None) -> str:
    """The command that puts into the hub's cache what is read of a repository: of a model one format of its weights."""
    of_kind = ' --include "*.json" "*.model" "*.txt" "*.safetensors"' if kind == "model" else " --repo-type dataset"
    return f"hf download {name}{of_kind}{f' --revision {revision}' if revision else ''}"


def offline() -> bool:
    return huggingface_hub.constants.HF_HUB_OFFLINE


def use_cache_only() -> None:
    """From here on nobody asks the hub, in this process and those that it starts."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    huggingface_hub.constants.HF_HUB_OFFLINE = True


# which commit ---------------------------------------------------------------------------------


def resolve(name: str, kind: str = "dataset", revision: str | None = None) -> Repository:
    """The repository at the commit at which this run uses it.

    Raises:
        Gone: the hub does not have it.
        UserError: no such revision, no access, no network and nothing in the cache.
    """
    repository = _resolved(name, kind, revision, offline())
    if isinstance(repository, UserError):
        raise repository
    return repository


def last(name: str, kind: str, revision: str | None) -> Repository | None:
    """The repository as it was resolved last, by this run or one before; nobody is asked."""
    kept = _kept(name, kind, revision)
    return kept[0] if kept else None


@cache
def _resolved(name: str, kind: str, revision: str | None, cache_only: bool) -> Repository | UserError:
    """Failures are kept, too: what the hub lacks is not asked for again for every language."""
    since = float(os.environ.setdefault(_RUN, str(time.time())))
    kept = _kept(name, kind, revision)
    if kept and (cache_only or kept[1] >= since or _COMMIT.fullmatch(revision or "")):
        return kept[0]
    if cache_only:
        return _snapshot(name, kind, revision) or UserError(
            f"{name} is not in the hub's cache and there is no network; "
            f"fetch it with '{fetch(name, kind, revision)}', or set XLT_HUB_ROOT to a folder that has it"
        )
    try:
        repository = _asked(name, kind, revision)
    except UserError as error:
        if not isinstance(error, Unreachable):
            return error
        if error.silent:  # do not wait for every other repository, too
            print(f"{error}; from here on only what its cache holds is read", file=sys.stderr)
            use_cache_only()
            return _resolved(name, kind, revision, True)
        if kept is None:
            return error
        print(f"{error}; it is read from the cache as it was", file=sys.stderr)
        return kept[0]
    _keep(repository)
    return repository


def _asked(name: str, kind: str, revision: str | None) -> Repository:
    def ask() -> Repository:
        api = HfApi()
        commit = api.repo_info(name, revision=revision, repo_type=kind).sha
        tree = api.list_repo_tree(name, recursive=True, revision=commit, repo_type=kind)
        files = [file for file in tree if isinstance(file, RepoFile)]
        hashes = {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in files}
        return Repository(name, kind, revision, commit, {file.path: file.size for file in files}, hashes)

    return _tried(ask, name, kind, revision)


def _record(name: str, kind: str, revision: str | None) -> Path:
    request = hashlib.sha256(repr((huggingface_hub.constants.ENDPOINT, revision)).encode()).hexdigest()[:8]
    return cache_root() / "hub" / f"{kind}--{name.replace('/', '--')}--{request}.json"


def _kept(name: str, kind: str, revision: str | None) -> tuple[Repository, float] | None:
    """What was found last, and when."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(_record(name, kind, revision).read_text(encoding="utf-8"))
        return Repository(**record["repository"]), record["at"]
    return None


def _keep(repository: Repository) -> None:
    file = _record(repository.name, repository.kind, repository.revision)
    file.parent.mkdir(parents=True, exist_ok=True)
    record = {"at": time.time(), "repository": asdict(repository)}
    write_atomically(file, json.dumps(record, indent=1))


def _snapshot(name: str, kind: str, revision: str | None) -> Repository | None:
    """The repository as `hf download` left it in the hub's cache; what it did not fetch is not listed."""
    folder = Path(huggingface_hub.constants.HF_HUB_CACHE) / f"{kind}s--{name.replace('/', '--')}"
    ref = folder / "refs" / (revision or "main")
    commit = ref.read_text().strip() if ref.is_file() else revision or ""
    root = folder / "snapshots" / commit
    if not (commit and root.is_dir()):
        return None
    files = {file.relative_to(root).as_posix(): file for file in sorted(root.rglob("*")) if file.is_file()}
    sizes = {path: file.stat().st_size for path, file in files.items()}
    # a file of the cache is a link to one that is named by its hash
    return Repository(name, kind, revision, commit, sizes, {path: file.resolve().name for path, file in files.items()})


# one request ----------------------------------------------------------------------------------


def _tried(ask: Callable[[], T], name: str, kind: str, revision: str | None = None) -> T:
    """What `ask` returns; again after errors that pass: rate limits (as long as the hub says), 5xx, broken connections.

    Raises:
        UserError: one that does not pass, in a line that says what to do.
    """
    wait, waited = 1.0, 0.0
    while True:
        try:
            return ask()
        except errors.HFValidationError:
            raise UserError(f"{name} is no id of the hub; write owner/name") from None
        except (OSError, errors.HTTPError, ValueError) as error:  # ValueError: of JSON that was cut
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            response = _response(error)
            if response is not None and response.status_code not in _PASSING:
                raise _complaint(error, name, kind, revision) from None
            answer = _told(response)
            pause = wait if answer is None else max(wait, answer + 1)
            if (waited := waited + pause) > (_PATIENCE if answer is None else _LONGEST):
                failed = Unreachable(f"the hub does not answer, or not well ({_said(error)}): {name}; run again later")
                failed.silent = response is None
                raise failed from None
            time.sleep(pause)
            wait *= 2


def _response(error: Exception) -> Any:
    """The hub's answer, if it gave one."""
    own = getattr(error, "response", None)
    return own if own is not None else getattr(error.__cause__, "response", None)


def _told(response: Any) -> float | None:
    """Seconds after which the hub wants to be asked again, if it says so."""
    if response is None:
        return None
    limit, after = parse_ratelimit_headers(response.headers), response.headers.get("Retry-After", "")
    if response.status_code == 429 and limit and not limit.remaining:
        return float(limit.reset_in_seconds)
    return float(after) if after.isdecimal() else None


def _complaint(error: Exception, name: str, kind: str, revision: str | None) -> UserError:
    data = kind == "dataset"
    what, page = "data set" if data else "model", f"{huggingface_hub.constants.ENDPOINT}/{'datasets/' * data}{name}"
    if isinstance(error, errors.GatedRepoError):
        return UserError(f"{name} is gated: accept its terms on {page}, then log in with 'hf auth login'")
    if isinstance(error, errors.DisabledRepoError):
        return Gone(f"the hub has taken down the {what} {name}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return Gone(f"the hub has no {what} {name}; correct its id, or if it is private log in with 'hf auth login'")
    if isinstance(error, errors.RevisionNotFoundError):
        return unknown("revision", revision or "main", _revisions(name, kind), name)
    return UserError(f"{name}: the hub answers {_said(error)}")


def _revisions(name: str, kind: str) -> list[str]:
    with suppress(OSError, errors.HTTPError, ValueError):
        refs = HfApi().list_repo_refs(name, repo_type=kind)
        return [ref.name for ref in (*refs.branches, *refs.tags)]
    return ["main"]


def _said(error: Exception) -> str:
    response = _response(error)
    if response is not None:
        return f"HTTP {response.status_code}"
    cause = error.__cause__ or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:120]
