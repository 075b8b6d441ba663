"""The processes in which runs execute: workers of dask.distributed, on this machine or wherever a scheduler has them.

One run at a time in a worker, and one GPU (`resources.per_gpu` workers share one). A notebook uses, in this order: the
scheduler of its profile (`resources.scheduler`), that of the `xlt run` that executes it (XLT_SCHEDULER), workers of its
own, which live as long as its kernel. What workers send each other is pickled, as between any processes of Python: a
scheduler belongs on a network that one trusts.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, SpecCluster, Worker

from xlt import __version__
from xlt.core import provenance
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.paths import cache_root, hub_root
from xlt.lab.slots import gpus, workers
from xlt.spec.profile import Resources

ADDRESS = "XLT_SCHEDULER"
_SILENT = 50  # of logging: what goes wrong is said by the engine, in one line
_OURS = "started by xlt"  # workers of this machine and of this code, which need not be checked
_CONNECT = 60  # seconds until a scheduler that does not answer is given up
# What a worker does besides its run, in the same process: a look at the run's stack a hundred times a second, a look at
# its own clock fifty times. That took a tenth of its processor time, where a run uses all of a core.
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
}
# On a CPU oneDNN keeps the code of matrix products, one for each shape, 1,024 of them if nobody says otherwise. Texts
# come in hundreds of shapes: after 40 updates of an encoder of 12 layers x 384 with windows of 256 subwords a process
# held 1.6 GB between updates, with 128 of them 1.2 GB, in the same time. With 16 an update takes a tenth longer.
_KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def local(resources: Resources, count: int) -> SpecCluster:
    """`count` workers on this machine, reachable from this machine alone; each sees one GPU, if there are any."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(resources.threads))
    settings = {
        "distributed.nanny.pre-spawn-environ": threads,  # before NumPy and torch are loaded, which ask for it then
        "distributed.scheduler.allowed-failures": 0,  # the engine decides what goes again
        "distributed.scheduler.worker-ttl": None,  # training may hold a worker for hours
        "distributed.comm.timeouts.connect": f"{_CONNECT}s",
        **_QUIET,
    }
    here = {"host": "127.0.0.1", "dashboard": False}
    options = {**here, "nthreads": 1, "memory_limit": 0, "silence_logs": _SILENT}
    devices = gpus()
    environment = {"TOKENIZERS_PARALLELISM": "false", _KERNELS: os.environ.get(_KERNELS, "128")}
    specs = {
        number: {"cls": Nanny, "options": {**options, "env": environment | _one_gpu(devices, number)}}
        for number in range(count)
    }
    with dask.config.set(settings), _environment(threads):  # what is set here already would count for more
        scheduler = {"cls": Scheduler, "options": {**here, "port": 0, "dashboard_address": "127.0.0.1:0"}}
        return SpecCluster(scheduler=scheduler, workers=specs, silence_logs=_SILENT)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ |= values
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _one_gpu(devices: tuple[str, ...], number: int) -> dict[str, str]:
    """Set before torch is imported in the worker; afterwards it would change nothing."""
    return {"CUDA_VISIBLE_DEVICES": devices[number % len(devices)]} if devices else {}


@contextlib.contextmanager
def serving(resources: Resources) -> Iterator[None]:
    """Workers for every notebook that is executed within the block; gone with it."""
    if resources.scheduler or os.environ.get(ADDRESS):
        yield
        return
    with local(resources, workers(resources)) as cluster, Client(cluster) as connection:
        connection.set_metadata(_OURS, True)
        os.environ[ADDRESS] = cluster.scheduler_address
        try:
            yield
        finally:
            # a connection that outlives its scheduler would look for it for a minute, and then complain
            if used := _own.pop(os.environ.pop(ADDRESS), None):
                used.close()


_own: dict[str, Client] = {}  # a connection for each scheduler; for workers of this process by the cache they write to


def client(resources: Resources, at_most: int) -> Client:
    """The connection to the workers; those of this process are started when they are first needed.

    Raises:
        UserError: the scheduler does not answer.
    """
    named, cache = resources.scheduler or os.environ.get(ADDRESS, ""), str(cache_root())
    known = _own.get(named or cache)
    if known is not None and known.status == "running":
        return known
    if not named:
        close()  # those of another cache: what they finish would not be found here
        _own[cache] = Client(local(resources, min(workers(resources), at_most)))
        return _own[cache]
    how = {"scheduler_file": os.path.expanduser(named)} if named.endswith(".json") else {"address": named}
    try:
        _own[named] = Client(**how, timeout=_CONNECT)
    except (OSError, ValueError) as error:
        raise UserError(
            f"the scheduler {named} does not answer ({error}); start one with `dask scheduler`, or leave out "
            "resources.scheduler"
        ) from None
    return _own[named]


def close() -> None:
    """End the connections, and with them the workers of this process."""
    for connection in _own.values():
        if connection.cluster is not None:
            connection.cluster.close()
        connection.close()
    _own.clear()


# workers elsewhere ------------------------------------------------------------------------------


def foreign(connection: Client) -> bool:
    """Whether somebody else started the workers."""
    return connection.cluster is None and not connection.get_metadata(_OURS, default=False)


def check(connection: Client, addresses: Iterable[str]) -> None:
    """Hold workers against this process: they must run the same code on the same records, and share its store.

    Raises:
        UserError: what is different, and how to mend it.
    """
    token = _token(uuid.uuid4().hex)
    token.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(token, "a worker that sees this shares the store")
    try:
        here = about(token.name)
        for address, there in connection.run(about, token.name, workers=list(addresses)).items():
            for what, value in here.items():
                if there.get(what) != value:
                    raise UserError(f"worker {address}: {what} is {there.get(what)}, here {value}; {_MEND[what]}")
    finally:
        token.unlink(missing_ok=True)


_MEND = {
    "package": "install the same version in its environment",
    "code": "check out the same commit there, without changes",
    "libraries": "install the versions of constraints.txt there",
    "store": "set XLT_CACHE there to the same shared folder",
    "data": "set XLT_HUB_ROOT there to the same folder",
    "threads": "start it with --nthreads 1, as a worker does one run at a time",
}


def _token(name: str) -> Path:
    return cache_root() / "workers" / name


def about(token: str, dask_worker: Worker | None = None) -> dict[str, Any]:
    """What of a process decides results, or whether it can take part at all."""
    data = os.environ.get("XLT_HUB_ROOT")
    try:
        data = str(hub_root()) if data else "the hub"
    except UserError:
        data = f"{data}, which is no folder there"
    code = provenance.code()
    return {
        "package": __version__,
        "code": f"{code['commit']}{' with changes' if code['dirty'] else ''}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in provenance.PACKAGES),
        "store": "the same" if _token(token).is_file() else "another",
        "data": data,
        "threads": dask_worker.state.nthreads if dask_worker else 1,
    }
