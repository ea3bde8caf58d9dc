"""``bioplaus doctor``: what of the installation is there, what is not, and how to mend it; one line per check."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["Check", "examine", "text"]

#: Packages without which nothing runs, and those that only some commands need: package -> (module, what it is for).
ESSENTIAL = {
    "torch": "torch",
    "numpy": "numpy",
    "numba": "numba",
    "scipy": "scipy",
    "scikit-learn": "sklearn",
    "matplotlib": "matplotlib",
    "omegaconf": "omegaconf",
    "rich": "rich",
    "safetensors": "safetensors",
    "pyarrow": "pyarrow",
}
OPTIONAL = {
    "snntorch": ("snntorch", "backend=snntorch"),
    "brian2": ("brian2", "backend=brian2"),
    "onnx": ("onnx", "export format=onnx"),
    "nir": ("nir", "export format=nir"),
    "tensorboard": ("tensorboard", "run.tensorboard=true"),
    "marimo": ("marimo", "bioplaus ui"),
    "distributed": ("distributed", "sweep executor=dask"),
    "optuna": ("optuna", "sweep sampler=tpe"),
}
#: First Python that works.
PYTHON = (3, 11)
#: Size of the file that writing is timed with, and speed below which a run would wait for its checkpoints.
PROBE_MB, SLOW_MB = 16, 20.0
#: Space below which a run may not be kept.
LEAST_GB = 1.0


@dataclass(frozen=True)
class Check:
    """What one look has found.

    Parameters
    ----------
    name, found
        What was looked at, and what is there.
    state
        "fine"; "missing" for what nobody needs who does not use it; "warning"; "broken" for what nothing runs without.
    mend
        How to mend it, "" if there is nothing to mend.
    values
        The same as plain data.
    """

    name: str
    found: str
    state: str = "fine"
    mend: str = ""
    values: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def examine(data_root: str | None = None, runs: str = "runs") -> list[Check]:
    """Look at everything. Nothing that is broken stops the look at the rest.

    Parameters
    ----------
    data_root
        Folder of the data sets, as ``data.root``; that of the environment by default.
    runs
        Folder in which runs are kept, as ``run.root``.
    """
    looks: list[tuple[str, Callable[[], list[Check]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("cpu", _cpu),
        ("gpu", _gpu),
        ("data", lambda: _data(data_root)),
        ("runs", lambda: _runs(Path(runs).expanduser())),
    ]
    found = []
    for name, look in looks:
        try:
            found += look()
        except Exception as error:  # a look that fails is a finding
            found.append(Check(name, f"{type(error).__name__}: {' '.join(str(error).split())[:160]}", "broken", "see the message"))
    return found


def text(checks: list[Check]) -> str:
    """Return the checks for readers, one line each."""
    marks = {"fine": "ok", "missing": "-", "warning": "!", "broken": "X"}
    width = max(len(one.name) for one in checks)
    lines = [f"{marks[one.state]:<2} {one.name:<{width}}  {one.found}" + (f"; {one.mend}" if one.mend else "") for one in checks]
    count = {state: sum(one.state == state for one in checks) for state in marks}
    last = "everything essential is there" if not count["broken"] else f"{count['broken']} broken: nothing runs before that is mended"
    return "\n".join([*lines, "", last])


def _python() -> list[Check]:
    from bioplaus import __file__ as home
    from bioplaus import __version__

    fine = sys.version_info[:2] >= PYTHON
    wanted = ".".join(map(str, PYTHON))
    return [
        Check("bioplaus", f"{__version__} in {Path(str(home)).parent}", values={"version": __version__}),
        Check("python", platform.python_version(), "fine" if fine else "broken", "" if fine else f"install Python {wanted} or later"),
    ]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> list[Check]:
    found = [_package(package, module, "broken", "") for package, module in ESSENTIAL.items()]
    return found + [_package(package, module, "missing", use) for package, (module, use) in OPTIONAL.items()]


def _package(package: str, module: str, state: str, use: str) -> Check:
    """Import a package: one that is installed may still not be usable."""
    version = _version(package)
    purpose = f"only for {use}; " if use else ""
    if version is None:
        return Check(package, "not installed", state, f"{purpose}pip install {package}", {"version": None})
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a package does when it is imported
        reason = " ".join(str(error).split())[:120]
        found = f"{version} cannot be imported ({reason})"
        return Check(package, found, "warning" if use else "broken", f"pip install --force-reinstall -c constraints.txt {package}")
    return Check(package, version, values={"version": version})


def _cpu() -> list[Check]:
    import torch

    cores, usable = os.cpu_count() or 1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = load > usable
    found = f"{usable} of {cores} cores may be used, load {load:.1f}"
    mend = "others use the machine: runs take longer than they say" if busy else ""
    threads, policy = torch.get_num_threads(), (os.environ.get("OMP_WAIT_POLICY") or "default").lower()
    return [
        Check("cpu", found, "warning" if busy else "fine", mend, {"cores": cores, "usable": usable, "load": load}),
        Check("threads", f"torch {threads}, waiting threads {policy}; small networks take 1", values={"threads": threads, "policy": policy}),
    ]


def _gpu() -> list[Check]:
    import torch

    build = torch.version.cuda
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        torch.ones(2, device="cuda").sum().item()  # a driver that does not fit says so here
        return [Check("gpu", f"{', '.join(names)}, CUDA {build}; device=auto uses it", values={"names": names, "cuda": build})]
    why = "torch is a build for the CPU" if build is None else f"torch is built for CUDA {build}, and finds none"
    mend = "" if build is None else "look at nvidia-smi: the driver has to fit this CUDA"
    return [Check("gpu", f"none: {why}", "missing", mend, {"names": [], "cuda": build})]


def _data(root: str | None) -> list[Check]:
    from bioplaus import data
    from bioplaus.data import download
    from bioplaus.data.base import data_root
    from bioplaus.errors import DataError

    config = data.config_class("digits")(name="digits", root=root)
    folder, origin = data_root(config)
    there = "" if folder.is_dir() else ", which does not exist"
    found = [Check("data folder", f"{folder} ({origin}){there}", values={"folder": str(folder)})]
    names, missing = [], []
    for name in data.names():
        one = data.config_class(name)(name=name, root=root)
        try:
            data.locate(one)
        except DataError:
            able = f"data={name} data.download=true fetches it, or " if name in download.SETS else ""
            missing.append(Check(f"data={name}", "not found", "missing", f"{able}data.root=DIR or BIOPLAUS_DATA=DIR says where it lies"))
        else:
            names.append(name)
    return [*found, Check("data", f"found: {', '.join(names)}", values={"found": names}), *missing]


def _runs(folder: Path) -> list[Check]:
    """Time the writing of a file, synced, where runs are kept; the folder itself is left as it is."""
    there = folder
    while not there.exists():
        there = there.parent
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            block = os.urandom(1024 * 1024)
            began = time.perf_counter()
            for _ in range(PROBE_MB):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            speed = PROBE_MB / (time.perf_counter() - began)
    except OSError as error:
        return [Check("runs", f"{there.resolve()} cannot be written ({error.strerror})", "broken", "choose another folder with run.root=DIR")]
    free = shutil.disk_usage(there).free / 1e9
    found = f"{folder.resolve()} writes {speed:.0f} MB/s, {free:.1f} GB free"
    values = {"folder": str(folder.resolve()), "mb_per_second": round(speed, 1), "gb_free": round(free, 2)}
    if free < LEAST_GB:
        return [Check("runs", found, "warning", "free space, or choose another folder with run.root=DIR", values)]
    if speed < SLOW_MB:
        return [Check("runs", found, "warning", "slow: a local disk with run.root=DIR, or a larger run.checkpoint_seconds", values)]
    return [Check("runs", found, values=values)]
