"""What a worker of a Dask cluster does for a sweep."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import bioplaus
from bioplaus.errors import ConfigError
from bioplaus.sweeping.plan import FILE

__all__ = ["TOPIC", "refusal", "run"]

#: Under which workers tell how far they are.
TOPIC = "bioplaus-sweep"


def refusal(version: str, path: str, dask_worker: Any) -> str:
    """Return why a worker cannot work for a client of that version on the sweep in a directory, "" if it can."""
    worker = dask_worker  # under this name `Client.run` hands it over
    who = f"the Dask worker {worker.address} on {socket.gethostname()}"
    if bioplaus.__version__ != version:
        return f"{who} has bioplaus {bioplaus.__version__} and this sweep is of bioplaus {version}; install one version on both sides"
    if worker.state.nthreads != 1:
        return f"{who} has {worker.state.nthreads} threads; a run wants a process of its own, start it with --nthreads 1 --nworkers N"
    if not (Path(path) / FILE).is_file():
        return f"{who} does not see {path}; choose a folder that all machines share with run.root=DIR"
    return ""


def run(job: dict[str, Any], version: str, path: str) -> dict[str, Any]:
    """Run a job on this worker; its result is in the sweep's directory before it is returned.

    Raises
    ------
    ConfigError
        If this worker cannot work for the client.
    """
    from distributed import get_worker

    from bioplaus.sweeping.job import Job, run_job  # imports torch, which a worker that is refused need not wait for

    worker = get_worker()
    refused = refusal(version, path, worker)  # it may have joined after the client looked
    if refused:
        raise ConfigError(refused)
    found = Job.of(job)
    return run_job(found, lambda share: worker.log_event(TOPIC, {"folder": found.folder, "share": share}))
