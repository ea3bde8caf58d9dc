"""Cells that fire once and SpikeProp: crossings by bisection, XOR in plain Python, finite differences, learning, silence, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from driving import command
from torch import Tensor

from bioplaus import data, simulate
from bioplaus.network import Network
from bioplaus.networks.spike_times import SpikeTimesConfig, SpikeTimesPreset
from bioplaus.neurons.smooth import Identity
from bioplaus.passes import downward
from bioplaus.spiking.first_spikes import potential_slope
from bioplaus.spiking.time_task import SpikeTimes
from bioplaus.streams import Streams

TAU, THRESHOLD, WINDOW = 7.0, 5.0, 40.0
XOR_X, XOR_Y = torch.tensor([[[0.0, 0], [0, 1], [1, 0], [1, 1]]], dtype=torch.float64), torch.tensor([[0, 1, 1, 0]])


def network(inputs: int = 2, classes: int = 2, **keys: Any) -> Network:
    return SpikeTimesPreset.build(SpikeTimesConfig(**keys), (inputs,), (classes,), Identity())


def drawn(net: Network, *seeds: int) -> dict[str, Tensor]:
    return net.draw(Streams(seeds or (0,), device=torch.device("cpu"), dtype=torch.float64).at(0))[0]


def eps(s: float, tau: float = TAU) -> float:
    return s / tau * math.exp(1 - s / tau) if s > 0 else 0.0


def first_crossing(membrane: Any, threshold: float = THRESHOLD, window: float = WINDOW) -> float | None:
    """The first crossing by a walk in steps of 0.01 ms and bisection: another way than the network's."""
    steps = round(100 * window)
    for n in range(steps):
        low, high = n / 100, (n + 1) / 100
        if membrane(high) >= threshold:
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (low, middle) if membrane(middle) >= threshold else (middle, high)
            return (low + high) / 2
    return None


def layer_by_hand(times: list[float | None], w: Any, inhibitory: int, delays: list[float]) -> list[float | None]:
    """One layer in plain Python; None for a cell that does not fire."""
    signs = [-1 if i >= len(times) - inhibitory else 1 for i in range(len(times))]

    def membrane(j: int) -> Any:
        arriving = [(i, k, t + d) for i, t in enumerate(times) if t is not None for k, d in enumerate(delays)]
        return lambda t: sum(signs[i] * float(w[j][i][k]) * eps(t - a) for i, k, a in arriving)

    return [first_crossing(membrane(j)) for j in range(len(w))]


@pytest.mark.parametrize("weight", [5.01, 6.0, 11.0, 80.0])
def test_a_single_synapse_fires_where_its_potential_crosses(weight: float) -> None:
    """``w (s/tau) exp(1 - s/tau) = threshold`` below tau, by bisection: ``s = -tau W(-threshold / (e w))``, principal branch."""
    low, high = 0.0, TAU
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if weight * eps(middle) < THRESHOLD else (low, middle)
    net = network(inputs=1, hidden=[], delays=1, delay_step=3.0)
    params = {"forward/0/weight": torch.tensor([[[[weight], [0.0]]]], dtype=torch.float64)}
    run = net.forward(params, torch.tensor([[[0.25], [1.0]]], dtype=torch.float64))
    expected = torch.tensor([0.75 * 6 + 3 + low, 3 + low], dtype=torch.float64)
    torch.testing.assert_close(run.out.flatten(), expected, rtol=0, atol=1e-7 if weight < 5.1 else 1e-11)
    slope = weight * (1 - low / TAU) * math.exp(1 - low / TAU) / TAU
    torch.testing.assert_close(run.traces[0].current.flatten(), torch.full((2,), slope, dtype=torch.float64), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dt", [0.1, 0.5, 2.0])
def test_xor_forward_is_that_of_plain_python(dt: float) -> None:
    net, delays = network(dt=dt), [float(k + 1) for k in range(16)]
    params = drawn(net, 0, 4)
    run = net.forward(params, XOR_X)
    assert run.out.shape == (2, 4, 1)
    for r in (0, 1):
        w = [params[f"forward/{i}/weight"][r].tolist() for i in (0, 1)]
        for b, bits in enumerate(XOR_X[0].tolist()):
            hidden = layer_by_hand([6 * (1 - bit) for bit in bits] + [0.0], w[0], 0, delays)
            out = layer_by_hand(hidden, w[1], 1, delays)
            assert run.traces[0].out[r, b].tolist() == pytest.approx(hidden, abs=1e-9)
            assert run.out[r, b].tolist() == pytest.approx(out, abs=1e-9)


@pytest.mark.parametrize(("hidden", "output"), [([], "per_class"), ([5], "single"), ([4, 3], "per_class")])
def test_changes_are_the_gradient_by_finite_differences(hidden: list[int], output: str) -> None:
    net = network(hidden=hidden, output=output, delays=6, delay_step=2.0, slope_floor=1e-6)
    task = SpikeTimesPreset.make_task(SpikeTimesConfig(output=output), 2)
    params, x, y = drawn(net, 1), XOR_X * 0.9 + 0.05, XOR_Y
    run = net.forward(params, x)
    assert all(trace.neuron.fired.all() for trace in run.traces)
    found = downward(net, params, run, task.error(run.out, y))
    step = 1e-5
    for key, change in found.items():
        exact, flat = change.dense().flatten(), params[key].flatten()
        differences = torch.empty_like(exact)
        for n in range(len(flat)):
            ends = []
            for sign in (1, -1):
                other = flat.clone()
                other[n] += sign * step
                ends.append(task.loss(net.forward({**params, key: other.view_as(params[key])}, x).out, y))
            differences[n] = float(ends[1] - ends[0]) / (2 * step)
        assert float((exact - differences).norm() / differences.norm()) < 1e-6


def test_errors_reach_the_inputs_too() -> None:
    net, task = network(), SpikeTimes(2, 10.0, 16.0, True)
    params, x = drawn(net, 2), XOR_X * 0.9 + 0.05
    run = net.forward(params, x)
    error = task.error(run.out, XOR_Y)
    for layer, trace in zip(reversed(net.layers), reversed(run.traces)):
        error, _ = layer.give_back(trace, layer.wanted(trace, error)[0], params[layer.weight])
    for place in ((0, 1, 0), (0, 3, 1)):
        ends = []
        for sign in (1, -1):
            other = x.clone()
            other[place] += sign * 1e-5
            ends.append(float(task.loss(net.forward(params, other).out, XOR_Y)))
        assert float(error[place]) == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-6)


def test_the_slope_is_held_at_the_floor() -> None:
    """Where the membrane is flatter than the floor, the change is that of the floor: smaller by the ratio."""
    steep, held = network(hidden=[], slope_floor=1e-6), network(hidden=[], slope_floor=10.0)
    params, task = drawn(steep), SpikeTimes(2, 10.0, 16.0, True)
    changes = []
    for net in (steep, held):
        run = net.forward(params, XOR_X[:, :1])
        changes.append(downward(net, params, run, task.error(run.out, XOR_Y[:, :1]))["forward/0/weight"].dense())
    slope = float(run.traces[0].current)
    assert 0.1 < slope < 10
    torch.testing.assert_close(changes[1], changes[0] * slope / 10)


def test_a_cell_that_never_fires() -> None:
    """It counts at the end of the window, sends nothing, and wants nothing unless it is pushed."""
    still, pushed = network(), network(push=0.5)
    params = drawn(still)
    params["forward/0/weight"][:, 1] *= 0.05
    params["forward/0/weight"][:, 3] *= -1
    params["forward/1/weight"] *= 4  # so that the output fires without them
    run = still.forward(params, XOR_X)
    assert (run.traces[0].out[..., [1, 3]] == WINDOW).all() and (run.traces[0].out[..., [0, 2, 4]] < WINDOW).all()
    without = {**params, "forward/1/weight": params["forward/1/weight"].clone()}
    without["forward/1/weight"][:, :, [1, 3]] = 7.0
    assert torch.equal(still.forward(without, XOR_X).out, run.out)
    error = SpikeTimes(2, 10.0, 16.0, True).error(run.out, XOR_Y)
    nothing = downward(still, params, run, error)["forward/0/weight"].dense()
    assert (nothing[:, [1, 3]] == 0).all() and (nothing[:, [0, 2, 4]] != 0).any()
    raised = downward(pushed, params, pushed.forward(params, XOR_X), error)["forward/0/weight"].dense()
    torch.testing.assert_close(raised[:, [0, 2, 4]], nothing[:, [0, 2, 4]])

    # half the mean over samples of each synapse's potential at the largest membrane, which is sought on the grid
    expected = torch.zeros(3, 16, dtype=torch.float64)
    for bits in XOR_X[0].tolist():
        times = [6 * (1 - bit) for bit in bits] + [0.0]
        at = [[[eps(t - a - k - 1) for k in range(16)] for a in times] for t in np.arange(0, 40.5, 0.5)]
        on_grid = torch.tensor(at, dtype=torch.float64)
        expected += 0.5 / 4 * on_grid[int((on_grid * params["forward/0/weight"][0, 1]).sum((1, 2)).argmax())]
    torch.testing.assert_close(raised[0, 1], expected)


def test_a_silent_network_has_the_loss_of_the_window() -> None:
    net, task = network(), SpikeTimes(2, 10.0, 16.0, True)
    params = {key: value * 0 for key, value in drawn(net).items()}
    out = net.forward(params, XOR_X).out
    assert (out == WINDOW).all() and float(task.loss(out, XOR_Y)) == (24**2 + 30**2) / 4


def test_inputs_of_zero_can_be_silent() -> None:
    net = network(hidden=[], silent_zeros=True)
    params = drawn(net)
    other = {key: value.clone() for key, value in params.items()}
    other["forward/0/weight"][:, :, 0] *= 3
    x = torch.tensor([[[0.0, 1.0]]], dtype=torch.float64)
    assert torch.equal(net.forward(params, x).out, net.forward(other, x).out)
    assert not torch.equal(net.forward(params, x.flip(-1)).out, net.forward(other, x.flip(-1)).out)


def test_replicas_share_a_batch_or_have_their_own() -> None:
    net = network()
    params = drawn(net, 0, 1)
    for r in (0, 1):
        alone = net.forward({key: value[r : r + 1] for key, value in params.items()}, XOR_X).out
        torch.testing.assert_close(net.forward(params, XOR_X).out[r : r + 1], alone)
        torch.testing.assert_close(net.forward(params, XOR_X.repeat(2, 1, 1)).out[r : r + 1], alone)


def test_every_cell_fires_at_the_start() -> None:
    net = network()
    run = net.forward(drawn(net, *range(20)), XOR_X)
    assert all(trace.neuron.fired.all() for trace in run.traces)


def test_the_slope_of_a_potential() -> None:
    lag = torch.tensor([-1.0, 0.0, 1e-9, 3.5, 7.0, 14.0], dtype=torch.float64)
    expected = [0, 0, math.e / 7, 0.5 * math.exp(0.5) / 7, 0, -math.exp(-1) / 7]
    assert potential_slope(lag, TAU).tolist() == pytest.approx(expected, abs=1e-8)


def test_task_by_hand() -> None:
    y = torch.tensor([[0, 2]])
    one, many = SpikeTimes(3, 10.0, 16.0, True), SpikeTimes(3, 10.0, 16.0, False)
    out = torch.tensor([[[15.0], [12.0]], [[12.9], [10.0]]])
    assert one.target(y, out.dtype).tolist() == [[[16.0], [10.0]]]
    assert one.loss(out, y).tolist() == pytest.approx([(1 + 4) / 4, (3.1**2 + 0) / 4])
    assert one.predicted(out).tolist() == [[0, 1], [1, 2]] and one.score(out, y).tolist() == [0.5, 0.5]
    assert one.error(out, y).flatten().tolist() == pytest.approx([0.5, -1.0, 1.55, 0.0])
    times = torch.tensor([[[9.0, 16.0, 16.0], [12.0, 11.0, 11.0]]])
    assert many.target(y, times.dtype)[0, 1].tolist() == [16.0, 16.0, 10.0]
    assert many.predicted(times).tolist() == [[0, 1]] and many.score(times, y).tolist() == [0.5]
    assert many.loss(times, y).tolist() == [(1 + 16 + 25 + 1) / 4]


def test_xor_is_four_patterns_three_times() -> None:
    splits = data.load(data.config_class("xor")("xor"))
    for x, y in ((splits.train_x, splits.train_y), (splits.validation_x, splits.validation_y), (splits.test_x, splits.test_y)):
        assert [(*map(int, bits), int(label)) for bits, label in zip(x, y)] == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    assert "fitting" in splits.note


def test_xor_is_learnt_within_1000_epochs() -> None:
    result = simulate({"rule.lr": 0.01, "run.save": False, "epochs": 400}, rule="spikeprop", seeds=5)
    summary = result.summary
    assert summary["data"] == "xor" and summary["network"] == "spike_times"
    assert sum(loss * 4 < 1 for loss in summary["test_loss"]["values"]) >= 4
    assert sum(score == 1 for score in summary["test_accuracy"]["values"]) >= 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["neuron=relu"], "network=spike_times has neurons of its own; leave out neuron=relu"),
        (["neuron=lif"], "network=spike_times has cells of its own; use it with rule=spikeprop and without neuron=lif"),
        (["network=mlp"], "rule=spikeprop cannot run on network=mlp, which is for classification; try network=spike_times"),
        (["network.inhibitory=5"], "network.inhibitory=5 leaves no excitatory cell in network.hidden=[5]"),
        (["network.early=17"], "network.early=17, network.late=16 and network.window=40 must rise in this order"),
        (["network.dt=30"], "network.dt=30 must be well below network.window=40"),
        (["network.tau=0"], "network.tau=0.0 is out of range"),
        (["network.hidden=[0]"], "every width must be at least 1"),
        (["data.validation=0.2"], "data=xor takes no data.validation"),
        (["data.limit=2"], "data=xor takes no data.validation, data.limit or data.augment"),
        (["data=digits", "data.standardise=auto"], "turns inputs in 0..1 into spike times, these are in -0.8"),
        (["rule=bp", "network=spike_times"], "rule=bp cannot run on network=spike_times, which is for spike times; try network=mlp"),
    ],
)
def test_bad_settings_get_one_line(words: list[str], says: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("simulate", *([] if words[0] == "rule=bp" else ["rule=spikeprop"]), *words)
    assert answer.code == 2 and says in answer.err.splitlines()[-1]
    assert not list(tmp_path.glob("runs/*/*"))


def test_a_set_without_images_is_fine_and_the_note_is_printed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("simulate", "rule=spikeprop", "epochs=1")
    assert answer.code == 0 and "the same four patterns train, validate and test" in answer.out
    assert "softmax" not in answer.out and "squared error at the output layer" in answer.out
