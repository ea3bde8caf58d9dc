"""Conversion of rate networks: rates by hand, scales beside NumPy's percentile, the relu network's own outputs, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import TINY, command, interrupted
from torch import Tensor

from bioplaus import checkpoint, simulate
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.integrate_fire import IntegrateFire
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.operations import Scope
from bioplaus.spiking import conversion
from bioplaus.spiking.conversion import Converted, accuracy_over_time, convert, scales


def drawn(net: Network, replicas: int = 2) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights, biases and running means that are no round numbers."""
    draw = torch.Generator().manual_seed(4)
    params = {key: torch.randn(replicas, *leaf.shape, generator=draw, dtype=torch.float64) for key, leaf in net.leaves.items()}
    buffers = {key: 0.5 + torch.rand(replicas, *leaf.shape, generator=draw, dtype=torch.float64) for key, leaf in net.buffers.items()}
    return params, buffers


def samples(shape: tuple[int, ...], size: int = 40) -> Feed:
    draw = torch.Generator().manual_seed(6)
    return Feed(torch.rand(size, *shape, generator=draw, dtype=torch.float64), torch.randint(3, (size,), generator=draw))


@pytest.mark.parametrize(("a", "reset", "count"), [(0.25, "subtract", 4), (0.25, "zero", 4), (0.375, "subtract", 6), (0.375, "zero", 5)])
def test_rates_of_a_converted_unit(a: float, reset: str, count: int) -> None:
    """The largest activation, 2, becomes a spike per step: inputs of 2 a give a rate of a in 16 steps."""
    net = Mlp.build(MlpConfig(hidden=[1]), (1,), (1,), Relu())
    feed = Feed(torch.tensor([[2.0], [2 * a]]), torch.zeros(2, dtype=torch.int64))
    params = {key: torch.ones(1, 1, 1) for key in net.leaves}
    made = convert(net, params, {}, feed, IntegrateFire(steps=16, reset=reset), Identity(), "max")
    _, rate = accuracy_over_time(made, Feed(torch.tensor([[2 * a]]), torch.zeros(1, dtype=torch.int64)), 16)
    assert rate.tolist() == [[count / 16]]


def test_scales_are_those_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all samples at once, however they are cut; per replica; zeros of silent units count."""
    net = Mlp.build(MlpConfig(hidden=[30, 50], bias=True), (5,), (3,), Relu())
    params, _ = drawn(net)
    feed = samples((5,), 90)
    activity = [trace.current.clamp(min=0).flatten(1).numpy() for trace in net.forward(params, feed.x.unsqueeze(0), {}).traces]
    for size in (500, 40, 7):
        monkeypatch.setattr(conversion, "CHUNK", size)
        for found, seen in zip(scales(net, params, {}, feed, "robust"), activity, strict=True):
            np.testing.assert_allclose(found.numpy(), np.percentile(seen, 99.9, axis=1), rtol=1e-12)
        for found, seen in zip(scales(net, params, {}, feed, "max"), activity, strict=True):
            np.testing.assert_allclose(found.numpy(), seen.max(1), rtol=1e-12)


def as_rates(made: Converted, x: Tensor) -> list[Tensor]:
    """Activity of the converted layers with relu units in place of spiking ones."""
    scope, found = Scope(made.params), []
    for i, layer in enumerate(made.network.layers):
        unit = Relu() if i < len(made.network.layers) - 1 else Identity()
        x = Layer(layer.name, layer.connection, unit, bias=True, before=layer.before, after=layer.after).forward(scope, x).out
        found.append(x)
    return found


@pytest.mark.parametrize("balance", ["robust", "max"])
@pytest.mark.parametrize(("bias", "norm"), [(False, "none"), (True, "none"), (True, "batch"), (False, "batch")])
@pytest.mark.parametrize("conv", [False, True])
def test_the_rescaled_network_computes_the_same_up_to_its_factors(conv: bool, bias: bool, norm: str, balance: str) -> None:
    """Norms folded in: activities of layer l over lam_l, outputs over lam_L, and with max none above 1 on the samples of the scales."""
    shape: tuple[int, ...] = (2, 8, 8) if conv else (5,)
    net = (
        Cnn5.build(Cnn5Config(channels=[3, 4], bias=bias, norm=norm), shape, (3,), Relu())
        if conv
        else Mlp.build(MlpConfig(hidden=[6, 7], bias=bias, norm=norm), shape, (3,), Relu())
    )
    params, buffers = drawn(net)
    feed = samples(shape)
    made = convert(net, params, buffers, feed, IntegrateFire(), Identity(), balance)
    x = feed.x.unsqueeze(0)
    for found, trace, lam in zip(as_rates(made, x), net.forward(params, x, buffers).traces, made.scales, strict=True):
        torch.testing.assert_close(found, trace.out / lam.view(-1, *[1] * (trace.out.dim() - 1)), rtol=1e-9, atol=1e-11)
        assert balance == "robust" or found.max() <= 1 + 1e-12


def test_a_silent_layer_is_left_as_it_is() -> None:
    net = Mlp.build(MlpConfig(hidden=[3]), (2,), (2,), Relu())
    params = {"forward/0/weight": -torch.ones(1, 3, 2), "forward/1/weight": torch.ones(1, 2, 3)}
    made = convert(net, params, {}, Feed(torch.rand(5, 2), torch.zeros(5, dtype=torch.int64)), IntegrateFire(), Identity(), "max")
    assert [lam.tolist() for lam in made.scales] == [[1.0], [1.0]] and torch.equal(made.params["spiking/0/weight"], params["forward/0/weight"])


def test_accuracy_over_time_by_hand() -> None:
    """Two hidden units of 1/4 and 1: a bias for class 0 of 5/8 and spikes of the second, 1, for class 1; spikes of the first, 4, for class 0.

    Received so far, class 0: 5/8, 10/8, 15/8, 20/8 + 4; class 1: 1, 2, 3, 4. Class 1 leads for three steps.
    """
    layers = [
        Layer("spiking/0", Mlp.build(MlpConfig(hidden=[2]), (1,), (2,), Relu()).layers[0].connection, IntegrateFire(steps=4), bias=True),
        Layer("spiking/1", Mlp.build(MlpConfig(hidden=[2]), (2,), (2,), Relu()).layers[0].connection, Identity(), bias=True),
    ]
    params = {
        "spiking/0/weight": torch.tensor([[[0.25], [1.0]]]),
        "spiking/0/bias": torch.zeros(1, 2),
        "spiking/1/weight": torch.tensor([[[4.0, 0.0], [0.0, 1.0]]]),
        "spiking/1/bias": torch.tensor([[0.625, 0.0]]),
    }
    made = Converted(Network("spiking", (1,), layers), params, [])
    accuracy, rate = accuracy_over_time(made, Feed(torch.ones(3, 1), torch.tensor([0, 1, 1])), 4)
    assert accuracy.tolist() == [pytest.approx([2 / 3, 2 / 3, 2 / 3, 1 / 3])] and rate.tolist() == [[(1 + 4) / 8]]


def test_rates_come_to_those_of_the_relu_network() -> None:
    """After T steps a first-layer unit has fired floor(a T) / T."""
    net = Mlp.build(MlpConfig(hidden=[9]), (4,), (3,), Relu())
    params, _ = drawn(net, 1)
    feed = samples((4,))
    made = convert(net, params, {}, feed, IntegrateFire(steps=64), Identity(), "max")
    activity = net.forward(params, feed.x.unsqueeze(0), {}).traces[0].out / made.scales[0]
    inside = torch.floor(activity.clamp(max=1) * 64 + 1e-9) / 64  # the largest one is 1 but for the last bit
    _, rate = accuracy_over_time(made, feed, 64)
    assert float(rate) == pytest.approx(float(inside.mean()), abs=1.01 / 64 / activity.numel())


def test_what_cannot_be_converted_is_refused_in_one_line() -> None:
    feed = samples((5,))
    for config, unit, words in (
        (MlpConfig(hidden=[3]), Tanh(), "only networks of relu units can be converted"),
        (MlpConfig(hidden=[3], norm="batch", norm_place="input"), Relu(), "use network.norm_place=current"),
    ):
        net = Mlp.build(config, (5,), (3,), unit)
        with pytest.raises(ConfigError, match=words):
            convert(net, *drawn(net), feed, IntegrateFire(), Identity())
    net = Mlp.build(MlpConfig(hidden=[3]), (5,), (3,), Relu())
    with pytest.raises(ConfigError, match="balance=foo is not known; choose robust or max"):
        convert(net, *drawn(net), feed, IntegrateFire(), Identity(), "foo")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two relu networks in two packs."""
    root = tmp_path_factory.mktemp("runs")
    given = {**TINY, "rule": "bp", "neuron": "relu", "seeds": 2, "run.pack": "1", "run.root": str(root), "epochs": 6}
    found = simulate(given).run_dir
    assert found is not None
    return found


def test_command_converts_a_run(trained: Path) -> None:
    answer = command("convert", str(trained), "steps=64")
    assert answer.code == 0 and "relu network: test accuracy" in answer.out
    values = json.loads((trained / "conversion" / "conversion.json").read_text())
    arrays, _ = checkpoint.load(trained / "conversion" / "conversion.safetensors")
    for balance in ("robust", "max"):
        found = values["balances"][balance]
        assert len(found["accuracy_over_time"]) == 64 and len(found["firing_rate"]) == 1
        assert found["accuracy_over_time"][-1] == pytest.approx(found["accuracy"]["mean"])
        assert abs(found["gap"]) < 0.1  # a wrong scale or a lost bias answers by chance
        assert arrays[f"{balance}/1/spiking/0/weight"].shape == (1, 8, 64)
    assert (trained / "conversion" / "conversion.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["steps=0"], "steps=0 must be a whole number >= 1"),
        (["steps=1.5"], "steps=1.5 must be a whole number >= 1"),
        (["balance=foo"], "balance=foo is not known; choose both, robust or max"),
        (["stps=3"], "convert takes steps=n, balance=both|robust|max and out=DIR, not stps"),
        (["steps=2", "out=FILE"], "cannot make the folder"),
        (["steps=2", "out=FILE/below"], "choose another with out=DIR"),
    ],
)
def test_bad_words_get_one_line(words: list[str], line: str, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    answer = command("convert", str(trained), *(word.replace("FILE", str(tmp_path / "taken")) for word in words))
    assert answer.code in (1, 2) and line in answer.err and answer.err.count("\n") == 1 and not answer.out


def test_a_folder_whose_name_is_a_number(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("convert", str(trained), "steps=2", "out=3").code == 0 and (tmp_path / "3" / "conversion.json").is_file()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"rule": "surrogate"}, "this one has lif; train with neuron=relu"),
        ({"rule": "bp", "neuron": "tanh"}, "this one has tanh; train with neuron=relu"),
        ({"rule": "ff", "neuron": "relu"}, "rule=ff reads its answer from more than one pass through the network"),
        ({"rule": "bp", "network": "autoencoder", "network.channels": [4, 4]}, "does not classify; only classifiers are converted"),
    ],
)
def test_runs_that_are_not_relu_classifiers_get_one_line(given: dict[str, Any], line: str, tmp_path: Path) -> None:
    tiny = {key: value for key, value in TINY.items() if key != "network.hidden" or "network" not in given}
    run = simulate({**tiny, "epochs": 1, "run.root": str(tmp_path), **given}).run_dir
    answer = command("convert", str(run), "steps=2")
    assert answer.code == 2 and line in answer.err and answer.err.count("\n") == 1


def test_unfinished_runs_and_other_folders_get_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("convert", str(interrupted({"rule": "bp", "neuron": "relu"}, 3)))
    assert answer.code == 1 and "is not finished; go on with: bioplaus resume" in answer.err
    assert "no run directory nowhere" in command("convert", "nowhere").err


@pytest.mark.parametrize("given", [{"network.hidden": []}, {"network.norm": "batch"}, {"dtype": "float64", "network.bias": True}])
def test_other_relu_networks_convert(given: dict[str, Any], tmp_path: Path) -> None:
    result = simulate({**TINY, "rule": "bp", "neuron": "relu", "run.root": str(tmp_path), **given})
    answer = command("convert", str(result.run_dir), "steps=40", "--json")
    assert answer.code == 0, answer.err
    for found in json.loads(answer.out)["balances"].values():
        assert len(found["accuracy_over_time"]) == 40 and math.isfinite(found["gap"])
        if not given.get("network.hidden", [8]):  # nothing spikes: the accuracy is the network's at every step
            assert found["gap"] == pytest.approx(0) and set(found["accuracy_over_time"]) == {found["accuracy"]["mean"]}
