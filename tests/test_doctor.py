"""The look at the installation: what is there, what is not, and which of it ends with exit code 1."""

from __future__ import annotations

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from driving import command

from bioplaus import doctor
from bioplaus.data.idx import pack_idx
from bioplaus.data.idx_set import FILES


def state(name: str, checks: list[doctor.Check]) -> str:
    (found,) = (one.state for one in checks if one.name == name)
    return found


def test_this_installation_is_fine(tmp_path: Path) -> None:
    answer = command("doctor", f"run.root={tmp_path / 'not' / 'there'}", "--json")
    assert answer.code == 0
    found = {one["name"]: one for one in json.loads(answer.out)["checks"]}
    assert found["torch"]["values"]["version"] == metadata.version("torch")
    assert found["runs"]["values"]["mb_per_second"] > 0 and not (tmp_path / "not").exists()
    assert {"python", "numpy", "cpu", "threads", "gpu", "data folder", "data"} <= set(found)


def test_the_first_package_of_every_extra_that_a_command_needs_is_looked_at() -> None:
    """As pyproject.toml lists them; dask comes with distributed, and a package that only helps another one is not asked for."""
    extras = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {line.split(">")[0] for extra in ("export", "tensorboard", "ui", "sweep") for line in extras[extra]}
    assert wanted - set(doctor.OPTIONAL) == {"onnxscript", "dask", "dask-jobqueue"}


def test_one_line_each(tmp_path: Path) -> None:
    answer = command("doctor", f"run.root={tmp_path}", f"data.root={tmp_path}")
    lines = answer.out.splitlines()
    assert lines[-1] == "everything essential is there" and not lines[-2]
    assert all(line[:2] in ("ok", "- ", "! ") for line in lines[:-2])
    assert any(line.startswith("-  data=mnist ") and "BIOPLAUS_DATA=DIR" in line for line in lines)


def test_data_that_lie_there_are_found(tmp_path: Path) -> None:
    import numpy as np

    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    for name in FILES:
        (tmp_path / "MNIST" / "raw" / name).write_bytes(pack_idx(np.zeros((2, 28, 28) if "images" in name else 2, np.uint8)))
    found = doctor.examine(str(tmp_path), str(tmp_path))
    (data,) = (one.found for one in found if one.name == "data")
    assert "mnist" in data.removeprefix("found: ").split(", ") and "cifar10" not in data


def test_a_package_that_is_broken_or_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = doctor.importlib.import_module

    def failing(name: str) -> object:
        if name in ("pyarrow", "brian2"):
            raise AttributeError("module 'numpy' has no attribute 'ptp'")
        return real(name)

    monkeypatch.setattr(doctor.importlib, "import_module", failing)
    monkeypatch.setattr(doctor, "_version", lambda package: None if package in ("numba", "nir") else "1.0")
    found = doctor.examine(None, str(tmp_path))
    states = {one.name: one.state for one in found}
    assert states["pyarrow"] == states["numba"] == "broken" and states["brian2"] == "warning" and states["nir"] == "missing"
    answer = command("doctor", f"run.root={tmp_path}")
    assert answer.code == 1
    assert "X  numba" in answer.out and "pip install numba" in answer.out and "2 broken" in answer.out
    assert "has no attribute 'ptp'" in answer.out


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(**more: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refused)
    assert state("runs", doctor.examine(None, str(tmp_path))) == "broken"


def test_a_full_or_slow_disk_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "SLOW_MB", 1e9)
    assert state("runs", doctor.examine(None, str(tmp_path))) == "warning"
    monkeypatch.setattr(doctor, "SLOW_MB", 0.0)
    monkeypatch.setattr(doctor, "LEAST_GB", 1e9)
    assert state("runs", doctor.examine(None, str(tmp_path))) == "warning"


def test_other_keys_are_refused() -> None:
    answer = command("doctor", "rule=ccl")
    assert answer.code == 2 and "data.root=DIR and run.root=DIR" in answer.err
