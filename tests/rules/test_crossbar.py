"""Sign pulses on ordinary networks, beside the whole online protocol written once more in NumPy, device by device; limits; what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from driving import command

from bioplaus import config, data, simulate
from bioplaus.audit import card_of
from bioplaus.changes import Dense
from bioplaus.connections import DenseConnection
from bioplaus.engines import _sign_pulse_kernels as kernels
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.neurons.rectified import Clip
from bioplaus.neurons.threshold import Step
from bioplaus.operations import Scope
from bioplaus.plasticity.base import Step as Asked
from bioplaus.plasticity.memristive import array as arrays
from bioplaus.plasticity.memristive import cells
from bioplaus.rules.crossbar import Amplified, Bits, gate, ternary
from bioplaus.simulator import Simulator
from bioplaus.view import Clock
from bioplaus.world import view

Array = np.ndarray[Any, Any]
#: exponential device of 64 pulses with u = 2 on the way up and 3 on the way down, both fast first
UP, DOWN, P = 2.0, 3.0, 64
SMALL: dict[str, Any] = {
    "rule": "memristor",
    "data": "digits",
    "data.limit": 120,
    "network.hidden": [14],
    "plasticity.changes": [f"beta_up={UP}", f"beta_down={-DOWN}", f"pulses_up={P}", f"pulses_down={P}", "cycle_noise=0"],
    "plasticity.refresh_every": 7,
    "plasticity.refresh_hi": 0.3,
    "plasticity.refresh_lo": 0.0,
    "dtype": "float64",
    "batch_size": 1,
    "epochs": 1,
    "run.save": False,
}


def simulator_of(**keys: Any) -> Simulator:
    given = {**SMALL, **{key.replace("__", "."): value for key, value in keys.items()}}
    if "plasticity" in keys:
        given = {key: value for key, value in given.items() if not key.startswith("plasticity.")}
    settings = config.resolve(given)
    return Simulator(settings, data.load(settings.data, settings.seed_list))


def rise(g: float) -> float:
    """One pulse up: with E = 1 - exp(-u), ``(1 - exp(-u/P)) (1/E - g)``."""
    return min(g + (1 - math.exp(-UP / P)) * (1 / (1 - math.exp(-UP)) - g), 1.0)


def fall(g: float) -> float:
    """One pulse down, the mirror image with a u of its own."""
    return max(g - (1 - math.exp(-DOWN / P)) * (g + 1 / (1 - math.exp(-DOWN)) - 1), 0.0)


class Protocol:
    """The online protocol on pairs, sample by sample, weights as differences of conductances.

    Parameters
    ----------
    pairs
        Layer by layer, [g+, g-], each ``[post, pre]``.
    uni
        Whether one device of a pair moves, always up; else both.
    """

    def __init__(self, pairs: list[list[Array]], uni: bool, hi: float, every: int) -> None:
        self.pairs, self.uni, self.hi, self.every, self.seen, self.refreshes = pairs, uni, hi, every, 0, 0

    def learn(self, pixels: Array, label: int) -> None:
        weights = [plus - minus for plus, minus in self.pairs]
        row, rows, currents = (pixels >= 0.5).astype(float), [], []
        for n, w in enumerate(weights):
            rows.append(row)
            z = (100.0 if n == len(weights) - 1 else 40.0) / w.shape[1] * (w @ row)
            currents.append(z)
            row = np.minimum(np.maximum(z, 0), 1)
        error = np.eye(len(z))[label] - 1 / (1 + np.exp(-z))
        error = np.where(error > 0.3, 1, np.where(error < -0.3, -1, 0))
        wanted = []
        for n in reversed(range(len(weights))):
            wanted.insert(0, error)
            if n:
                summed = error @ weights[n]
                open_ = (currents[n - 1] >= 0) & (currents[n - 1] <= 1)
                error = np.where(np.abs(summed) > 0.05, np.sign(summed), 0) * open_
        self.seen += 1
        for (plus, minus), d, x in zip(self.pairs, wanted, rows):
            for k in np.flatnonzero(d):
                for i in np.flatnonzero(x >= 0.5):
                    first, second = (plus, minus) if d[k] > 0 else (minus, plus)
                    first[k, i] = rise(first[k, i])
                    if not self.uni:
                        second[k, i] = fall(second[k, i])
            if self.uni and self.seen % self.every == 0:
                self.refresh(plus, minus)

    def refresh(self, plus: Array, minus: Array) -> None:
        """Erase worn pairs, and go up on one side by the number of pulses that ends nearest to the difference."""
        for at in zip(*np.nonzero((np.maximum(plus, minus) > self.hi) & (np.minimum(plus, minus) > 0))):
            d, walk = plus[at] - minus[at], [0.0]
            for _ in range(2 * P):
                walk.append(rise(walk[-1]))
            nearest = min(walk, key=lambda g: abs(g - abs(d)))
            plus[at], minus[at] = (nearest, 0.0) if d > 0 else (0.0, nearest)
            self.refreshes += 1


@pytest.mark.parametrize("backend", ["loop", "numba"])
@pytest.mark.parametrize(("update", "hidden"), [("uni", [14]), ("bi", [14]), ("uni", [9, 12])])
def test_a_run_is_the_protocol_step_by_step(update: str, hidden: list[int], backend: str) -> None:
    simulator = simulator_of(plasticity__update=update, network__hidden=hidden, seeds=2, backend=backend)
    pack = simulator.packs[0]
    layers = pack.model.networks["forward"].layers
    order = simulator.feeds.train.order(pack.model.streams, 0)

    def pairs(r: int) -> list[list[Array]]:
        stored = [pack.world.behind(layer.weight) for layer in layers]
        return [[state[name][r].numpy().copy() for name in ("plus", "minus")] for state in stored]

    protocols = [Protocol(pairs(r), update == "uni", 0.3, 7) for r in range(2)]
    start = pairs(0)
    low, high = (0.0, 0.1) if update == "uni" else (0.45, 0.55)
    for g in (g for pair in start for g in pair):
        assert low <= g.min() < low + 0.01 and high - 0.01 < g.max() <= high
    for r, protocol in enumerate(protocols):
        for i in order[r].tolist():
            protocol.learn(simulator.splits.train_x[i].astype(float).ravel(), int(simulator.splits.train_y[i]))
    simulator.run()
    for r, protocol in enumerate(protocols):
        for layer, (plus, minus), found in zip(layers, protocol.pairs, pairs(r)):
            np.testing.assert_allclose(found[0], plus, atol=1e-9)
            np.testing.assert_allclose(found[1], minus, atol=1e-9)
            np.testing.assert_allclose(pack.world.params[layer.weight][r].numpy(), plus - minus, atol=1e-9)
        counted = sum(int(pack.world.behind(layer.weight)["refreshes"][r]) for layer in layers)
        assert counted == protocol.refreshes
        assert (counted > 20) == (update == "uni")
    assert max(float(np.abs(a - b).max()) for one, two in zip(start, pairs(0)) for a, b in zip(one, two)) > 0.1


def test_one_sided_writing_never_lowers_a_device_outside_a_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are counted: no pulse down at all, and conductances only rise but for the erasing of a refresh."""
    lowered, erased = [], []
    write, refresh = arrays.DeviceArray.pulse, cells.Unidirectional._refresh

    def pulse(self: Any, state: Any, at: Any, n: Any, *rest: Any) -> None:
        before = state[self.name].clone()
        write(self, state, at, n, *rest)
        lowered.append(int((n < 0).sum()) + int((state[self.name] < before).sum()))

    def refreshed(self: Any, *given: Any) -> None:
        erased.append(1)
        refresh(self, *given)

    monkeypatch.setattr(arrays.DeviceArray, "pulse", pulse)
    monkeypatch.setattr(cells.Unidirectional, "_refresh", refreshed)
    result = simulate({**SMALL, "plasticity.update": "uni"})
    assert sum(lowered) == 0 and len(lowered) > 100 and len(erased) > 5
    assert all(one["depression"] == [0] for one in result.summary["pulses"].values())
    lowered.clear()
    simulate({**SMALL, "plasticity.update": "bi"})
    assert sum(lowered) > 100


def test_dead_zones_and_the_bit_of_a_slope() -> None:
    e = torch.tensor([-1.0, -0.31, -0.3, 0.0, 0.2999, 0.3, 0.3001, 2.0])
    assert ternary(e, 0.3).tolist() == [-1, -1, 0, 0, 0, 0, 1, 1]
    assert ternary(e, 0.0).tolist() == [-1, -1, -1, 0, 1, 1, 1, 1]
    currents = torch.tensor([[[-0.1, 0.0, 1.0, 9.9, 10.0, 10.1]]], dtype=torch.float64)
    for unit, bits in ((Clip(), [0, 1, 1, 1, 1, 0]), (Step(), [1, 1, 1, 1, 1, 0])):
        layer = Layer("forward/0", DenseConnection((6,), (6,)), Amplified(unit, 0.1))
        trace = layer.forward(Scope({"forward/0/weight": torch.eye(6, dtype=torch.float64)[None]}), currents)
        assert gate(layer, trace)[0, 0].int().tolist() == bits
        code = kernels.CLIP if isinstance(unit, Clip) else kernels.STEP
        assert [int(kernels._gate(code, 0.1 * z)) for z in currents[0, 0].tolist()] == bits
    assert Amplified(Clip(), 0.1).forward(currents)[0][0, 0].tolist() == pytest.approx([0, 0, 0.1, 0.99, 1, 1])
    assert Amplified(Clip(), 0.1).pull(Amplified(Clip(), 0.1).forward(currents)[1], torch.ones(1, 1, 6))[0, 0, 2] == pytest.approx(0.1)
    assert Bits(0.5).forward(Scope({}), torch.tensor([0.4999, 0.5, 1.0]))[0].tolist() == [0, 1, 1]


def test_the_dead_zone_of_hidden_errors_is_in_units_of_weights() -> None:
    """Larger than any weight that ten output errors could add up: the hidden layer stays as it is, the output layer learns."""
    for theta, stays in ((0.0, False), (10.0, True)):
        simulator = simulator_of(rule__theta_hidden=theta)
        before = {key: value.clone() for key, value in simulator.packs[0].world.params.items()}
        simulator.run()
        after = simulator.packs[0].world.params
        assert torch.equal(after["forward/0/weight"], before["forward/0/weight"]) == stays
    quiet = simulator_of(rule__theta_output=1.0)
    quiet.run()
    assert all(int(quiet.packs[0].world.behind(f"forward/{i}/weight")["up"][0]) == 0 for i in range(2))


def test_a_batch_gives_each_device_the_sign_of_a_majority() -> None:
    """By hand from the two sides of three samples, weights held: products of bits and ternary errors, added up."""
    simulator = simulator_of(batch_size=3, plasticity__update="bi", epochs=1, plasticity__start=0.9)
    pack = simulator.packs[0]
    batch = simulator.feeds.train.batch(torch.arange(3).unsqueeze(0))
    seen = view(pack.model, pack.world, batch, Clock())
    wanted = next(pack.model.rule.learn(seen)).changes["forward/1/weight"].dense()[0].numpy()
    w = [pack.world.params[f"forward/{i}/weight"][0].numpy() for i in range(2)]
    total = np.zeros_like(wanted)
    for x, y in zip(batch.x[0].flatten(1).numpy(), batch.y[0].tolist()):
        hidden = np.clip(40 / 64 * w[0] @ (x >= 0.5), 0, 1)
        error = np.eye(10)[y] - 1 / (1 + np.exp(-100 / 14 * w[1] @ hidden))
        total += np.outer(np.where(np.abs(error) > 0.3, np.sign(error), 0), hidden >= 0.5)
    assert {-2, -1, 1} <= {int(one) for one in np.unique(total)}
    np.testing.assert_allclose(3 * wanted, total, atol=1e-12)


@pytest.mark.parametrize(("update", "share"), [("bi", 2), ("uni", 1)])
def test_linear_devices_of_many_levels_are_signs_on_ideal_weights(update: str, share: int) -> None:
    """A pulse on both devices of a pair is 2/P, on one 1/P: plain addition at that rate, from the same start."""
    levels = 100_000
    linear = {"plasticity__changes": ["nl_up=0", "nl_down=0", f"pulses_up={levels}", f"pulses_down={levels}", "cycle_noise=0"]}
    on_devices = simulator_of(plasticity__update=update, plasticity__refresh_hi=1.0, rule__active=0.01, **linear)
    ideal = simulator_of(plasticity="sgd", rule__lr=share / levels, rule__active=0.01)
    for key, value in on_devices.packs[0].world.params.items():
        ideal.packs[0].world.params[key].copy_(value)
    start = {key: value.clone() for key, value in ideal.packs[0].world.params.items()}
    on_devices.run()
    ideal.run()
    for key, value in ideal.packs[0].world.params.items():
        assert float((value - start[key]).abs().max()) > 10 * share / levels
        np.testing.assert_allclose(on_devices.packs[0].world.params[key], value, atol=1e-10)


def test_equal_curves_become_ideal_as_levels_grow() -> None:
    """Both branches one curve walked to and fro: a pulse's change tends to one size as P grows, and the distance from ideal falls as 1/P."""
    distances: list[float] = []
    everyone = {"rule__active": 0.0, "rule__theta_hidden": 0.0}
    for levels in (10_000, 100_000):
        curve = ["beta_up=1", "beta_down=1", f"pulses_up={levels}", f"pulses_down={levels}", "cycle_noise=0"]
        on_devices = simulator_of(plasticity__update="bi", plasticity__changes=curve, plasticity__start=0.0, **everyone)
        slope = 2 * (1 / (1 - math.exp(-1)) - 0.5) / levels  # both devices of a pair, from the middle of the range
        ideal = simulator_of(plasticity="sgd", rule__lr=slope, network__init="zero", **everyone)
        for one in (on_devices, ideal):
            one.run()
        pairs = [(on_devices.packs[0].world.params[key], value) for key, value in ideal.packs[0].world.params.items()]
        distances.append(max(float((a - b).abs().max()) for a, b in pairs) / slope)
        assert max(float(b.abs().max()) for _, b in pairs) > 5 * slope
    assert distances[1] < 0.15 * distances[0] < 0.15


def test_without_refresh_a_stored_difference_fades_by_what_both_devices_gain() -> None:
    """k pulses up on both devices leave exp(-u k/P) of their difference while neither is at its bound; of linear ones all of it."""
    for u, beta in ((UP, f"beta_up={UP}"), (0.0, "nl_up=0")):
        changes = [beta, f"pulses_up={P}", "cycle_noise=0"]
        simulator = simulator_of(plasticity__changes=changes, plasticity__refresh_hi=1.0, plasticity__start=0.4)
        pack = simulator.packs[0]
        state, weight = pack.world.behind("forward/0/weight"), pack.world.params["forward/0/weight"]
        before = weight.clone()
        ones, rate = torch.ones_like(weight), torch.ones(1, dtype=torch.float64)
        for turn in range(2 * 12):
            asked = Asked(Dense(ones if turn % 2 else -ones), rate)
            pack.model.plasticity.synapse.write("forward/0/weight", state, weight, asked, pack.model.streams.at(turn))
        assert float(state["plus"].max()) < 1 and int(state["up"]) == 24 * weight.numel()
        np.testing.assert_allclose(weight, before * math.exp(-u * 12 / P), atol=1e-12)


def test_what_runs_by_default() -> None:
    settings = config.resolve({"rule": "memristor", "data": "mnist"}, locate=False)
    p = settings.plasticity
    assert (settings.network.name, settings.network.hidden, settings.network.bias, settings.neuron.name) == ("mlp", [100], False, "clip")
    assert (p.name, p.device, p.update, p.pulses, p.theta, p.refresh_lo) == ("memristor", "ag_asi", "uni", "sign", 0.5, 0.25)
    assert settings.data.standardise == "none" and settings.data.draws is None
    neurosim = config.resolve({"rule": "memristor", "network": "neurosim", "data": "mnist"}, locate=False)
    assert (neurosim.plasticity.name, neurosim.rule.lr, neurosim.neuron.name) == ("sgd", 1.0, "sigmoid")


@pytest.mark.parametrize("words", [{"plasticity.update": "bi"}, {"plasticity.update": "tiki"}, {"plasticity.device": "pcm"}, {"neuron": "step"}])
def test_schemes_devices_and_step_units_run(words: dict[str, Any]) -> None:
    changes = {} if "plasticity.device" not in words else {"plasticity.changes": []}
    result = simulate({**SMALL, **words, **changes, "seeds": 2})
    assert all(min(one["potentiation"]) > 0 for one in result.summary["pulses"].values())
    assert all(math.isfinite(value) for value in result.summary["test_accuracy"]["values"])


def test_the_card_is_as_declared() -> None:
    card = card_of(rule="memristor")
    assert not card.differs and not card.declared
    assert card.weight_transport and card.backward_locking and card.update_locking and card.needs_labels and card.phases == 2
    assert not any("other samples" in term for term in card.non_local_terms)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["network.norm=batch"], "leave out network.norm"),
        (["network.dendrites=true"], "network.dendrites"),
        (["neuron=lif"], "rule=memristor cannot train spiking units"),
        (["rule.theta_output=2"], "rule.theta_output=2.0 is out of range"),
        (["rule.gain_hidden=0"], "rule.gain_hidden=0.0 is out of range"),
        (["plasticity.start=1.5"], "plasticity.start=1.5 is out of range"),
        (["plasticity.scale=0"], "plasticity.scale=0.0 is out of range"),
        (["network.device=epiram"], "did you mean 'plasticity.device'"),
        (["backend=numba", "plasticity.device=epiram"], "noise-free devices"),
        (["backend=numba", "plasticity.noise=0", "batch_size=5"], "one sample at a time"),
        (["backend=numba", "plasticity.noise=0", "plasticity.update=tiki"], "update=bi or uni"),
        (["backend=numba", "plasticity.noise=0", "network.bias=true"], "not plain and dense"),
    ],
)
def test_bad_settings_get_one_line(words: list[str], says: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("simulate", "rule=memristor", "data=digits", "epochs=1", *words)
    assert answer.code == 2 and says in answer.err.splitlines()[-1]


def test_dendrites_and_norms_are_refused_before_anything_is_built() -> None:
    with pytest.raises(ConfigError, match="crossbars and units alone"):
        simulator_of(network__norm="batch")
