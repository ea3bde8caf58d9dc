"""Jobs spread over the workers of a Dask cluster: one that is there, or one of processes on this machine.

The scheduler gives a job whose worker has gone to another one, which goes on from the last checkpoint. Results lie in the sweep's directory
before the client hears of them: what workers finish after a client was killed is not lost.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bioplaus import __version__
from bioplaus.errors import BioplausError, ConfigError, RunError
from bioplaus.sweeping import remote
from bioplaus.sweeping.job import Job, Next, Report, failed
from bioplaus.sweeping.optional import needed
from bioplaus.sweeping.plan import Plan

__all__ = ["run_on_dask"]


def run_on_dask(jobs: Next, workers: int, plan: Plan, report: Report) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Run jobs and yield each with its result, as they come.

    Parameters
    ----------
    workers
        Of a cluster that is made here, its processes. A search asks for so many trials at once.

    Raises
    ------
    RunError
        If the scheduler does not answer, or leaves.
    ConfigError
        If a worker has another version of bioplaus, several threads, or does not see the sweep's directory.
    """
    distributed = needed("distributed", "executor=dask")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of workers that leave: what it means is said here
    with contextlib.ExitStack() as stack:
        client = _client(distributed, plan, workers, stack)
        _check_workers(client, plan)
        at_work: dict[Any, Job] = {}
        by_folder: dict[str, Job] = {}

        def hear(event: tuple[float, dict[str, Any]]) -> None:
            job = by_folder.get(event[1]["folder"])
            if job is not None:
                report(job, event[1]["share"])

        client.subscribe_topic(remote.TOPIC, hear)
        coming = distributed.as_completed()

        def fill() -> None:
            while (not plan.search or len(at_work) < workers) and (job := jobs()) is not None:
                future = client.submit(remote.run, asdict(job), __version__, str(plan.path), pure=False)
                at_work[future], by_folder[job.folder] = job, job
                coming.add(future)

        fill()
        for future in coming:
            job = at_work.pop(future)
            yield job, _result(distributed, future, job, plan)
            fill()


def _client(distributed: Any, plan: Plan, workers: int, stack: contextlib.ExitStack) -> Any:
    address = plan.options.scheduler
    if address is None:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, memory_limit=0,
            silence_logs=logging.CRITICAL,
        )  # fmt: skip
        return stack.enter_context(distributed.Client(stack.enter_context(cluster)))
    try:
        return stack.enter_context(distributed.Client(address, timeout=plan.options.timeout))
    except (OSError, TimeoutError) as error:
        raise RunError(
            f"no Dask scheduler answers at {address} within {plan.options.timeout:g} s; start one with dask scheduler, "
            "mend scheduler=, or leave it out for processes on this machine"
        ) from error
    except ValueError as error:
        raise ConfigError(f"scheduler={address} is not an address ({error}); write it as tcp://host:8786") from error


def _check_workers(client: Any, plan: Plan) -> None:
    """Refuse before anything runs; who joins later is asked by its first job."""
    answers = client.run(remote.refusal, __version__, str(plan.path), on_error="return")
    if not answers:
        print("bioplaus: no Dask worker has joined yet; jobs wait for one", file=sys.stderr)
    for worker, answer in answers.items():
        if isinstance(answer, Exception):
            text = " ".join(str(answer).split())[:200]
            raise ConfigError(f"the Dask worker {worker} cannot work for bioplaus {__version__} ({text}); install bioplaus {__version__} there")
        if answer:
            raise ConfigError(answer)


def _result(distributed: Any, future: Any, job: Job, plan: Plan) -> dict[str, Any]:
    try:
        return future.result()  # type: ignore[no-any-return]
    except BioplausError:  # of the worker, not of the job, whose troubles are in its result
        raise
    except distributed.KilledWorker:
        return failed(job, f"every worker that had it died, {_tries(distributed)} in all; it may need more memory than they have")
    except (distributed.CancelledError, OSError) as error:
        raise RunError(f"the Dask scheduler has gone; finished runs are kept, go on with: bioplaus resume {plan.path}") from error
    except Exception as error:
        return failed(job, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def _tries(distributed: Any) -> int:
    import dask

    return int(dask.config.get("distributed.scheduler.allowed-failures")) + 1
