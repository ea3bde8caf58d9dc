"""The program from Python: what a result offers, checked against arithmetic of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from driving import ROOT, TINY
from numpy.typing import NDArray

import bioplaus
from bioplaus import data, load, simulate
from bioplaus.api import resume
from bioplaus.data import DataConfig
from bioplaus.errors import ConfigError, RunError
from bioplaus.progress import Silent


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def forward(weights: dict[str, NDArray[Any]], x: NDArray[Any], layers: int) -> NDArray[Any]:
    """Return the scores of an ELU network without biases, in numpy."""
    h = x.reshape(len(x), -1).astype(np.float64)
    for layer in range(layers):
        z = h @ weights[f"forward/{layer}/weight"].T.astype(np.float64)
        h = z if layer == layers - 1 else np.where(z > 0, z, np.expm1(np.minimum(z, 0)))
    return h


@pytest.mark.parametrize("rule", ["bp", "ccl"])
@pytest.mark.parametrize("pack", ["1", "2"])
def test_predictions_parameters_and_scores_agree(rule: str, pack: str) -> None:
    result = simulate({**TINY, "network.hidden": [9, 8], "run.pack": pack}, rule=rule, seeds=2, seed=4)
    test = data.load(DataConfig(limit=160))
    outputs = result.predict(test.test_x)
    assert outputs.shape == (2, 360, 10)
    for r, seed in enumerate((4, 5)):
        weights = result.parameters(seed)
        assert weights["forward/0/weight"].shape == (9, 64)
        expected = forward(weights, test.test_x, 3)
        np.testing.assert_allclose(outputs[r], expected, rtol=1e-4, atol=1e-4)
        hits = float((expected.argmax(1) == test.test_y).mean())
        assert result.summary["test_accuracy"]["values"][r] == pytest.approx(hits, abs=1e-9)
        shifted = expected - expected.max(1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(360), test.test_y]
        assert result.summary["test_loss"]["values"][r] == pytest.approx(losses.mean(), rel=1e-4)
    both = result.parameters()
    assert both["forward/0/weight"].shape == (2, 9, 64)
    np.testing.assert_array_equal(both["forward/2/weight"][1], result.parameters(5)["forward/2/weight"])
    with pytest.raises(ConfigError, match=r"seed 0 is not in this run; it has \[4, 5\]"):
        result.parameters(0)


def test_inputs_of_other_shapes() -> None:
    result = simulate({**TINY, "run.save": False})
    test = data.load(DataConfig(limit=160)).test_x[:3]
    flat = test.reshape(3, 64)
    np.testing.assert_array_equal(result.predict(test), result.predict(flat))
    np.testing.assert_array_equal(result.predict(torch.from_numpy(flat)), result.predict(flat.astype(np.float64)))
    assert result.predict(flat[:0]).shape == (1, 0, 10)
    for wrong in (flat[:, :63], flat[0], np.zeros((2, 3, 8, 8))):
        with pytest.raises(ConfigError, match="do not fit samples of shape"):
            result.predict(wrong)


def test_loaded_run_is_the_run() -> None:
    result = simulate({**TINY, "probes": ["angle"]}, rule="ccl", seeds=2)
    assert result.run_dir is not None
    for place in (result.run_dir, str(result.run_dir), result.run_dir.relative_to(Path.cwd())):
        again = load(place)
        assert again.summary == result.summary and again.config == result.config
        assert again.metrics.equals(result.metrics) and again.run_dir == result.run_dir
    mine, theirs = result.parameters(), again.parameters()
    assert list(mine) == list(theirs) and all(np.array_equal(mine[key], theirs[key]) for key in mine)
    test = data.load(DataConfig(limit=160)).test_x
    np.testing.assert_array_equal(result.predict(test), again.predict(test))


def test_selected_weights_not_the_last_ones() -> None:
    """At a rate far too high the best epoch is not the last; its weights are what is tested and kept."""
    result = simulate({**TINY, "epochs": 8, "rule.lr": 20.0, "plasticity.clip": "per_network"})
    rows = [row for row in result.metrics.to_pylist() if (row["split"], row["metric"]) == ("validation", "loss")]
    assert [row["epoch"] for row in rows] == list(range(9))
    losses = [row["value"] for row in rows]
    (chosen,) = result.summary["selected_epoch"]
    assert chosen == int(np.argmin(losses)) < 8
    parts = data.load(DataConfig(limit=160))
    assert result.summary["validation_loss"]["values"][0] == pytest.approx(losses[chosen], rel=1e-9)
    outputs = result.predict(parts.validation_x)[0]
    hits = float((outputs.argmax(1) == parts.validation_y).mean())
    assert result.summary["validation_accuracy"]["values"][0] == pytest.approx(hits)


def test_run_of_no_epoch_is_the_untrained_network() -> None:
    nothing = simulate({**TINY, "epochs": 0})
    start = simulate({**TINY, "rule.lr": 0.0})
    for key, value in nothing.parameters(0).items():
        np.testing.assert_array_equal(value, start.parameters(0)[key])
    assert nothing.run_dir is not None
    again = load(nothing.run_dir)
    assert again.summary == nothing.summary


def test_config_is_what_was_saved() -> None:
    result = simulate({**TINY, "rule.lr": [0.1, 0.2]}, seeds=2, rule="top")
    assert result.run_dir is not None
    assert result.config == yaml.safe_load((result.run_dir / "config.yaml").read_text())
    assert result.config["rule"]["lr"] == [0.1, 0.2] and result.config["network"]["hidden"] == [8]


def test_nothing_is_saved_on_request() -> None:
    result = simulate({**TINY, "run.save": False})
    assert result.run_dir is None and result.summary["run_dir"] is None and list(Path.cwd().iterdir()) == []
    figures = result.plot("here")
    assert figures and all(path.parent == Path("here") and path.is_file() for path in figures)


def test_figures_only_where_wanted() -> None:
    drawn = simulate({**TINY, "run.figures": True, "epochs": 1})
    assert drawn.run_dir is not None
    names = {path.name for path in (drawn.run_dir / "figures").iterdir()}
    assert {"learning_curves.png", "weights.png"} <= names


class Log(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def start(self, total: int, done: int, title: str) -> None:
        self.told.append(("start", total, done))

    def update(self, done: int, text: str) -> None:
        self.told.append(("update", done))

    def stop(self) -> None:
        self.told.append(("stop",))


def test_progress_is_told_in_updates_of_all_packs() -> None:
    log = Log()
    simulate({**TINY, "run.save": False, "run.pack": "1"}, seeds=2, progress=log)
    assert log.told == [("start", 30, 0), ("update", 10), ("update", 20), ("update", 30), ("stop",)]


def test_metrics_have_every_epoch_and_seed() -> None:
    result = simulate({**TINY, "run.save": False, "probes": ["dead"]}, seeds=2)
    rows = result.metrics.to_pylist()
    for split, epochs in (("train", {1, 2, 3}), ("validation", {0, 1, 2, 3}), ("probe", {0, 1, 2, 3})):
        some = [row for row in rows if row["split"] == split]
        assert {row["epoch"] for row in some} == epochs and {row["seed"] for row in some} == {0, 1}
        assert all(row["step"] == 5 * row["epoch"] for row in some)


def test_a_finished_run_is_not_resumed_and_what_may_be_wanted_is_said() -> None:
    path = simulate(TINY).run_dir
    with pytest.raises(RunError, match=rf"{path} is finished; bioplaus plot {path} draws its figures again; to train longer start anew"):
        resume(path)


def test_unfinished_run_is_not_loaded() -> None:
    result = simulate(TINY)
    assert result.run_dir is not None
    (result.run_dir / "summary.json").unlink()
    with pytest.raises(RunError, match=r"not finished; go on with: bioplaus resume"):
        load(result.run_dir)


def test_errors_are_raised_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="did you mean 'ccl'"):
        simulate(rule="ccx")
    assert capsys.readouterr() == ("", "")


def test_importing_the_package_imports_no_torch() -> None:
    code = (
        "import sys, bioplaus; assert 'torch' not in sys.modules; assert set(bioplaus.__all__) >= {'load', 'simulate'}\n"
        "try: bioplaus.nothing\nexcept AttributeError: pass\nelse: raise SystemExit(1)\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    assert bioplaus.simulate is simulate


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_run_made_on_a_gpu_is_read_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained as a GPU would pack it (all seeds together, also wide ones); here the GPU is played by the CPU."""
    from bioplaus import simulator

    with monkeypatch.context() as played:
        played.setattr(simulator, "choose_device", lambda name: torch.device("cpu"))
        played.setattr(simulator, "pack_sizes", lambda settings, network, device: [[0, 1]])
        made = simulate({**TINY, "network.hidden": [130], "seeds": 2, "device": "cuda"}, rule="bp")
    assert made.run_dir is not None
    found = load(made.run_dir)
    x = np.zeros((1, 64), np.float32)
    assert found.simulator.device.type == "cpu" and np.array_equal(found.predict(x), made.predict(x))


def test_scale_makes_of_pixels_what_the_network_was_trained_on() -> None:
    from sklearn.datasets import load_digits

    result = simulate({**TINY, "run.save": False}, rule="bp")
    splits = result.simulator.splits
    pixels = load_digits().data / 16
    np.testing.assert_allclose(result.scale(pixels[splits.test_index]), splits.test_x, atol=1e-6)
    right = (result.predict(result.scale(pixels[splits.test_index]))[0].argmax(-1) == splits.test_y).mean()
    assert right == pytest.approx(result.summary["test_accuracy"]["mean"])
