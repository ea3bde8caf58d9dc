"""Exported networks of static units: what torch and ONNX answer alone is what the run answers, on test images."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import command

from bioplaus import api, load
from bioplaus.errors import ConfigError, RunError
from bioplaus.export.run import export

SMALL = {"data": "digits", "data.limit": 150, "probes": [], "epochs": 1, "seeds": 2, "run.figures": False}
RULES: dict[str, dict[str, Any]] = {
    # standardised inputs, biases, a second seed
    "bp": {"rule": "bp", "network": "mlp", "network.hidden": [12, 9], "network.bias": True},
    # running means
    "normalised": {"rule": "ccl", "network": "mlp", "network.hidden": [12], "network.norm": "batch"},
    # convolution and pooling
    "convolution": {"rule": "bp", "network": "cnn5", "network.channels": [3, 4]},
    # a prediction of the rule's own: every label tried, two phases
    "labels tried": {"rule": "ff", "network.hidden": [12, 9]},
    "settles": {"rule": "ep", "network.hidden": [12]},
}


def trained(folder: Path, **settings: Any) -> Path:
    found = api.simulate({**SMALL, "run.root": str(folder), **settings}).run_dir
    assert found is not None
    return found


@pytest.mark.parametrize("name", RULES)
def test_torch_program_answers_as_the_run_does(name: str, tmp_path: Path) -> None:
    run = trained(tmp_path, **RULES[name])
    found = export(run, seed=1)
    pixels = np.random.default_rng(0).random((11, 1, 8, 8), dtype=np.float32)  # other images than those it was checked with
    answered = torch.export.load(found.values["file"]).module()(torch.from_numpy(pixels)).detach().numpy()
    again = load(run)
    np.testing.assert_allclose(answered, again.predict(again.scale(pixels))[1], rtol=1e-5, atol=1e-5)
    assert not np.allclose(answered, again.predict(again.scale(pixels))[0], atol=1e-3)  # the seed that was asked for
    assert found.values["difference"] < 1e-5


@pytest.mark.parametrize("name", ["bp", "convolution"])
def test_onnx_answers_as_the_run_does(name: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    run = trained(tmp_path, **RULES[name])
    file = export(run, "onnx").values["file"]
    onnx.checker.check_model(file)
    graph = onnx.load(file).graph
    sides = [[side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim] for value in (*graph.input, *graph.output)]
    assert sides == [["images", 1, 8, 8], ["images", 10]]
    from onnx.reference import ReferenceEvaluator

    pixels = np.random.default_rng(0).random((5, 1, 8, 8), dtype=np.float32)
    (answered,) = ReferenceEvaluator(file).run(None, {"pixels": pixels})
    again = load(run)
    np.testing.assert_allclose(answered, again.predict(again.scale(pixels))[0], rtol=1e-4, atol=1e-5)
    assert b"bioplaus/" not in Path(file).read_bytes()  # no paths of this machine


def test_program_loads_without_bioplaus_and_without_pickle(tmp_path: Path) -> None:
    file = export(trained(tmp_path, **RULES["bp"]), out=tmp_path / "net.pt2").values["file"]
    code = (
        "import sys\n"
        "sys.modules['bioplaus'] = None\n"
        "import torch\n"
        "def refused(*args, **more): raise AssertionError('a pickle was opened')\n"
        "torch.load = refused\n"
        "module = torch.export.load(sys.argv[1]).module()\n"
        "print(tuple(module(torch.rand(7, 1, 8, 8)).shape), sorted(name for name, _ in module.named_parameters())[:2])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "(7, 10) ['forward_0_bias', 'forward_0_weight']"
    with zipfile.ZipFile(file) as archive:
        assert all(str(Path.cwd()).encode() not in archive.read(name) for name in archive.namelist())


def test_command_line(tmp_path: Path) -> None:
    run = trained(tmp_path, **RULES["bp"])
    done = command("export", str(run), f"out={tmp_path / 'deep' / 'net.pt2'}", "--json")
    assert done.code == 0 and (tmp_path / "deep" / "net.pt2").is_file()
    assert '"seed": 0' in done.out
    for words, message in (
        (["format=onx"], "did you mean 'onnx'"),
        (["seed=7"], "seed=7 is not in this run; it has 0, 1"),
        (["format=nir"], "static units do not go together"),
        (["colour=red"], "export takes format="),
        (["seed=x"], "must be a whole number"),
    ):
        refused = command("export", str(run), *words)
        assert refused.code == 2 and message in refused.err and refused.err.count("\n") == 1
    missing = command("export", str(tmp_path / "nothing"))
    assert missing.code == 1 and "no run directory" in missing.err


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install onnx onnxscript"):
        export(tmp_path, "onnx")


def test_compiled_loops_are_refused(tmp_path: Path) -> None:
    run = trained(tmp_path, rule="multitasking", data="patterns", **{"data.limit": None, "seeds": 1})
    with pytest.raises(RunError, match="cannot be written as one graph"):
        export(run)
