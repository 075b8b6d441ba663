"""A hub of a few files over HTTP on this machine, with faults on request; and a fixture that makes it *the* hub."""

import hashlib
import io
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PARQUET = "refs/convert/parquet"
_REQUEST = re.compile(r"/(datasets|models)/([\w.-]+/[\w.-]+)(?:/(revision|tree|refs|resolve)(?:/(.+))?)?")


def parquet(**columns):
    """The bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def card(*files):
    """A card that names each of these CONFIG/SPLIT-... files under its config."""
    lines = ["---", "configs:"]
    for config in dict.fromkeys(file.partition("/")[0] for file in files):
        lines += [f"- config_name: {config}", "  data_files:"]
        for file in files:
            if file.startswith(f"{config}/"):
                lines += [f"  - split: {file.partition('/')[2].partition('-')[0]}", f"    path: {file}"]
    return "\n".join([*lines, "---", ""]).encode()


class SmallHub:
    """`put` makes a commit; `faults`: (part of "METHOD path", status or "reset" or "cut", how many times)."""

    def __init__(self):
        self.repositories, self.faults, self.requests = {}, [], []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def put(self, name, files, branch="main", kind="datasets"):
        told = repr(sorted((path, hashlib.sha1(content).hexdigest()) for path, content in files.items()))
        commit = hashlib.sha1(f"{name} {branch} {told}".encode()).hexdigest()
        self.repositories.setdefault((kind, name), {}).update({branch: (commit, files), commit: (commit, files)})
        return commit

    def asked(self):
        """How many requests of each kind there were."""
        return Counter("api" if "/api/" in request else "files" for request in self.requests)

    def fault(self, request):
        for number, (part, what, times) in enumerate(self.faults):
            if part in request and times:
                self.faults[number] = (part, what, times - 1)
                return what
        return None

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        request = f"{self.command} {self.path}"
        self.hub.requests.append(request)
        what = self.hub.fault(request)
        if what == "reset":
            self.close_connection = True
            return self.connection.close()
        if isinstance(what, int):
            code = {401: "GatedRepo", 403: "GatedRepo"}.get(what, "")
            return self.answer(what, b"{}", {"X-Error-Code": code, "RateLimit": '"api";r=0;t=0'})
        return self.serve(cut=what == "cut")

    do_HEAD = do_GET

    def serve(self, cut):
        path = self.path.replace("%2F", "/").partition("?")[0]
        of_kind = path if path.startswith(("/api/", "/datasets/")) else f"/models{path}"
        found = _REQUEST.fullmatch(of_kind.removeprefix("/api"))
        branches = found and self.hub.repositories.get((found[1], found[2]))
        if not branches:
            return self.answer(401 if found else 200, b"{}", {"X-Error-Code": "RepoNotFound"} if found else {})
        if found[3] == "refs":
            names = [name for name in branches if len(name) < 40]
            told = [{"name": name, "ref": name, "targetCommit": branches[name][0]} for name in names]
            return self.answer(200, json.dumps({"branches": told, "tags": [], "converts": []}).encode())
        rest = found[4] or "main"
        branch = next((name for name in branches if rest == name or rest.startswith(f"{name}/")), None)
        if branch is None:
            return self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        commit, files = branches[branch]
        if found[3] == "tree":
            return self.answer(200, json.dumps([_listed(path, content) for path, content in files.items()]).encode())
        if found[3] != "resolve":
            return self.answer(200, json.dumps({"id": found[2], "sha": commit}).encode())
        content = files.get(rest[len(branch) + 1 :])
        if content is None:
            return self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        sent = content[: len(content) // 2] if cut else content
        return self.answer(200, sent, {"ETag": f'"{_hash(content)}"', "X-Repo-Commit": commit})

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


def _large(content):
    return content.startswith(b"PAR1")


def _hash(content):
    return (hashlib.sha256 if _large(content) else hashlib.sha1)(content).hexdigest()


def _listed(path, content):
    told = {"type": "file", "path": path, "size": len(content), "oid": _hash(content)[:40]}
    return told | ({"lfs": {"oid": _hash(content), "size": len(content), "pointerSize": 1}} if _large(content) else {})


def a_new_run(monkeypatch):
    """Forget what this process knows of the hub, as a new run would."""
    from xlt.data import layout, repository

    monkeypatch.delenv("XLT_HUB_SINCE", raising=False)
    for kept in (repository._resolved, layout.layout, layout._card):
        kept.cache_clear()


@pytest.fixture
def small_hub(monkeypatch, tmp_path):
    """A hub that this process asks, with caches of its own; nobody waits between tries."""
    hub = SmallHub()
    constants = "huggingface_hub.constants"
    monkeypatch.setattr(f"{constants}.ENDPOINT", hub.url)
    monkeypatch.setattr(
        f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(f"{constants}.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "xlt-cache"))
    monkeypatch.setattr("time.sleep", lambda _: None)
    a_new_run(monkeypatch)
    yield hub
    hub.stop()
    a_new_run(monkeypatch)
