"""The job files of docs/sweeps.md, as they are printed there, on a batch system that is a few lines of shell."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import ROOT
from sweeping_kit import results

PAGE = ROOT / "docs" / "sweeps.md"
#: a job is a process group of its own, whose number is its name; its file is read at once, since it may be gone when the job begins
SUBMIT = 'setsid bash -c "$(cat "$1")" > job.out 2>&1 & echo {answer}; echo $! >> {jobs}\n'
CANCEL = 'kill -- "-${1%%.*}" 2>/dev/null; true\n'
SMALL = "data.limit=300 epochs=1 seeds=2 threads=1"


@pytest.fixture
def where(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which sbatch, srun and qsub are there; what was submitted is ended with the test."""
    pytest.importorskip("dask_jobqueue")
    if not PAGE.is_file():
        pytest.skip("the page is in the checkout only")
    bin, jobs = tmp_path / "bin", tmp_path / "jobs"
    bin.mkdir()
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "activate").write_text("")
    programs = {
        "sbatch": SUBMIT.format(answer="Submitted batch job $!", jobs=jobs),
        "qsub": SUBMIT.format(answer="$!.head", jobs=jobs),
        "srun": 'exec "$@"\n',
        "scancel": CANCEL,
        "qdel": CANCEL,
        "python": f'exec {sys.executable} "$@"\n',
        "dask": f'exec {sys.executable} -m dask "$@"\n',
        "bioplaus": f'exec {sys.executable} -m bioplaus "$@"\n',
    }
    for name, text in programs.items():
        (bin / name).write_text("#!/bin/bash\n" + text)
        (bin / name).chmod(0o755)
    path = f"{bin}{os.pathsep}{os.environ['PATH']}"
    yield {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__COMM__DEFAULT_HOST": "127.0.0.1"}
    for job in jobs.read_text().split() if jobs.is_file() else ():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(job), signal.SIGKILL)


def block(language: str, having: str) -> str:
    """Return the only code block of the page with these words."""
    (found,) = (one for one in re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S) if having in one)
    return str(found)


def replaced(text: str, changes: dict[str, str]) -> str:
    """Return a text with each of these, which must be in it, made smaller."""
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def ran(words: list[str], where: dict[str, str], folder: Path) -> str:
    done = subprocess.run(words, env=where, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_job_file_of_slurm_runs_a_sweep(where: dict[str, str], tmp_path: Path) -> None:
    text = replaced(block("sh", "#SBATCH"), {'rule=ccl,fa "rule.lr=log(0.01,1,9)" seeds=20': f"rule=bp,top {SMALL}", "workers=32": "workers=2"})
    # the last command is waited for, and then the job ends, as under Slurm: with all that it started
    (tmp_path / "sweep.sh").write_text(text + "echo over > over\n")
    submitted = {**where, "SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "2"}
    ran(["sbatch", "sweep.sh"], submitted, tmp_path)
    ran(["timeout", "200", "bash", "-c", "until [ -e over ]; do sleep 0.2; done"], where, tmp_path)
    (path,) = (tmp_path / "runs").glob("sweep-*")
    assert len(results(path)) == 2, (tmp_path / "job.out").read_text()


@pytest.mark.parametrize("system", ["Slurm", "PBS"])
def test_workers_of_a_batch_system_that_come_and_go(where: dict[str, str], tmp_path: Path, system: str) -> None:
    upper = system.upper()
    text = replaced(
        block("python", "dask_jobqueue"),
        {
            "from dask_jobqueue.slurm import SLURMCluster  # or: from dask_jobqueue.pbs import PBSCluster": (
                f"from dask_jobqueue.{system.lower()} import {upper}Cluster"
            ),
            "with SLURMCluster(cores=16, processes=16, ": f"with {upper}Cluster(cores=2, processes=2, ",
            "jobs=4": "jobs=1",
            '{"rule.lr": "log(0.01,1,9)"}, rule="ccl,fa", seeds=20': '{"data.limit": 300}, rule="bp,top", epochs=1, seeds=2, threads=1',
            "workers=64": "workers=2",
        },
    )
    (tmp_path / "sweep.py").write_text(text)
    said = ran([sys.executable, "sweep.py"], where, tmp_path)
    (path,) = (tmp_path / "runs").glob("sweep-*")
    assert len(results(path)) == 2, said
