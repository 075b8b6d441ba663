"""Can what a hub profile needs be had? Asked once, before any work."""

from __future__ import annotations

import os
from pathlib import Path

from xlt import tasks
from xlt.errors import UserError
from xlt.params import ROOT, Profile


def check(profile: Profile) -> None:
    """Stop at once, naming every missing id, when there is no network and something is not at hand.

    Without network, everything that follows is told to use the hub's cache only.

    Raises:
        UserError: what is missing and how to get it.
    """
    models, data = _needed(profile)
    if not (models or data) or _online():
        return
    _use_cache_only()
    missing = [name for name in models if not _cached(name, "model")]
    absent = [name for name in data if not _cached(name, "dataset")]
    if missing or absent:
        fetch = [f"hf download {name}" for name in missing] + [
            f"hf download {name} --repo-type dataset" for name in absent
        ]
        folder = ", or set XLT_HUB_ROOT to a folder that holds the data sets in hub layout" if absent else ""
        raise UserError(
            f"profile {profile.name} needs {', '.join(missing + absent)} and there is no network; "
            f"where there is one: {'; '.join(fetch)}{folder}. The profiles mini and local need no hub"
        )


def _needed(profile: Profile) -> tuple[list[str], list[str]]:
    """Hub ids of the encoder and of the data sets that are to come from the hub itself."""
    model = profile.encoder.model
    remote = model and not model.startswith(("package:", ".", "/", "~")) and not (ROOT / model).is_dir()
    if profile.data.source == "world" or os.environ.get("XLT_HUB_ROOT"):
        return [model] if remote else [], []
    stages = [*profile.stages, *([profile.pretraining] if profile.pretraining else [])]
    used = [tasks.get(name) for name in (*profile.target, *(part.task for stage in stages for part in stage.parts))]
    used = [tasks.get(name) for task in used for name in (task.name, task.training.name, *task.parts)]
    remote_data = {task.dataset for task in used if not task.dataset.startswith((".", "/", "~"))}
    return [model] if remote else [], sorted(remote_data)


def _online() -> bool:
    import huggingface_hub

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return False
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=5)
    except Exception:  # whatever the HTTP library raises: it cannot be reached
        return False
    return True


def _use_cache_only() -> None:
    import datasets
    import huggingface_hub

    os.environ["HF_HUB_OFFLINE"] = "1"  # for the worker processes
    huggingface_hub.constants.HF_HUB_OFFLINE = True
    datasets.config.HF_HUB_OFFLINE = True


def _cached(name: str, kind: str) -> bool:
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE) / f"{kind}s--{name.replace('/', '--')}" / "snapshots"
    return folder.is_dir() and any(folder.iterdir())
