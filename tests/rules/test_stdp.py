"""Spike timing in layers: the synapse against double loops over spikes and Brian2, the network against what it must not know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from timing_kit import asked, layered, over_pairs, over_triplets, steps_of, trains, weights
from torch import Tensor

from bioplaus import config
from bioplaus.build import build_model
from bioplaus.changes import Outer
from bioplaus.connections import DenseConnection
from bioplaus.data import load
from bioplaus.engines.loop import learn_batch
from bioplaus.errors import ConfigError
from bioplaus.recurrent_layer import RecurrentLayer
from bioplaus.rules.spike_timing import change, timing, trace
from bioplaus.rules.stdp import Stdp, StdpConfig
from bioplaus.view import Batch, Clock
from bioplaus.world import new_world

ONE = DenseConnection((1,), (1,))


def train(*steps: int, length: int = 30) -> Tensor:
    """One train of spikes, ``[1, 1, length, 1]``."""
    found = torch.zeros(1, 1, length, 1, dtype=torch.float64)
    found[0, 0, list(steps)] = 1
    return found


def of_one(pre: Tensor, post: Tensor, w: float = 0.5, **settings: Any) -> float:
    """The change of one synapse."""
    return float(change(ONE, torch.full((1, 1, 1), w).double(), pre, post, StdpConfig(**settings), 1.0, 1.0).dense())


def test_one_pair_of_spikes() -> None:
    assert of_one(train(3), train(13)) == pytest.approx(0.00606531, abs=5e-9)
    assert of_one(train(13), train(3)) == pytest.approx(-0.00636857, abs=5e-9)
    assert of_one(train(7), train(7)) == 0.0


def test_spikes_of_one_step_do_not_see_each_other_but_earlier_ones() -> None:
    """Pre at 0 and 5, post at 5: the pair (0, 5) alone."""
    assert of_one(train(0, 5), train(5)) == pytest.approx(over_pairs([0], [5], nearest=False, a=(0.01, 0.0105), tau=(20, 20))[0])


@pytest.mark.parametrize("mu", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_pairs_are_those_of_a_double_loop(pairing: str, mu: float) -> None:
    pre, post, w = trains(1, 3), trains(2, 2), torch.rand(1, 2, 3, generator=torch.Generator().manual_seed(3)).double()
    settings = StdpConfig(pairing=pairing, mu=mu, w_max=1.5, a_plus=0.02, a_minus=0.03, tau_plus=12.0, tau_minus=25.0)
    found = change(DenseConnection((3,), (2,)), w, pre, post, settings, 0.5, 1 / 2)
    assert isinstance(found, Outer) == (mu == 0)
    for j in range(2):
        for i in range(3):
            pairs = [
                over_pairs(
                    steps_of(pre[0, b, :, i]), steps_of(post[0, b, :, j]), nearest=pairing == "nearest", a=(0.02, 0.03), tau=(12, 25), dt=0.5
                )
                for b in range(2)
            ]
            up, down = (sum(side) / 2 for side in zip(*pairs))
            here = float(w[0, j, i])
            assert float(found.dense()[0, j, i]) == pytest.approx(up * (1.5 - here) ** mu - down * here**mu, rel=1e-9)


@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_triplets_are_those_of_traces_written_out(pairing: str) -> None:
    pre, post = trains(4, 2, 60), trains(5, 2, 60)
    settings = StdpConfig(form="triplet", pairing=pairing, a_plus=0.003, a3_minus=0.002)
    found = change(DenseConnection((2,), (2,)), torch.zeros(1, 2, 2).double(), pre, post, settings, 1.0, 1.0).dense()
    for j in range(2):
        for i in range(2):
            loops = [
                over_triplets(steps_of(pre[0, b, :, i]), steps_of(post[0, b, :, j]), timing(settings), nearest=pairing == "nearest")
                for b in range(2)
            ]
            assert float(found[0, j, i]) == pytest.approx(sum(loops), rel=1e-9)


def test_triplets_at_low_and_high_frequency() -> None:
    """Sjostrom, Turrigiano & Nelson 2001, fit by Pfister & Gerstner 2006: at 10 Hz post before pre depresses, at 50 Hz any order potentiates."""

    def paired(delay: int, period: int) -> float:
        first = [20 + period * k for k in range(60)]
        length = first[-1] + 40
        return of_one(train(*first, length=length), train(*(t + delay for t in first), length=length), form="triplet")

    assert paired(-10, 100) < 0 < paired(10, 100)
    assert paired(-10, 20) > 0 and paired(10, 20) > 0
    pair = [of_one(train(*range(20, 1220, 20), length=1300), train(*range(10, 1210, 20), length=1300)), paired(-10, 20)]
    assert pair[0] < 0 < pair[1]


def test_a_constant_input_is_a_spike_of_its_size_at_every_step() -> None:
    current = torch.full((1, 2, 1, 3), 0.3).double()
    post, w, c = trains(6, 4, 20), torch.zeros(1, 4, 3).double(), StdpConfig(form="triplet")
    same = [change(DenseConnection((3,), (4,)), w, x, post, c, 1.0, 1.0).dense() for x in (current, current.expand(-1, -1, 20, -1))]
    assert torch.equal(*same) and same[0].abs().min() > 0


def test_a_trace_is_that_of_before_the_step() -> None:
    x = train(2, 4, length=8)
    half = trace(x, 1 / 0.6931471805599453, 1.0, nearest=False)[0, 0, :, 0]
    torch.testing.assert_close(half, torch.tensor([0, 0, 0, 0.5, 0.25, 0.625, 0.3125, 0.15625]).double())
    latest = trace(x, 1 / 0.6931471805599453, 1.0, nearest=True)[0, 0, :, 0]
    torch.testing.assert_close(latest, torch.tensor([0, 0, 0, 0.5, 0.25, 0.5, 0.25, 0.125]).double())


def test_brian2_makes_the_same_changes() -> None:
    b = pytest.importorskip("brian2")
    before = b.prefs.codegen.target
    b.prefs.codegen.target = "numpy"
    try:
        pre, post = trains(8, 4, 80, 0.15, 1), trains(9, 1, 80, 0.15, 1)
        sides = []
        for side in (pre, post):
            t, i = side[0, 0].nonzero(as_tuple=True)
            sides.append(b.SpikeGeneratorGroup(side.shape[-1], i.numpy(), t.numpy() * b.ms, dt=1 * b.ms))
        equations = "w : 1\ndr/dt = -r/(20*ms) : 1 (event-driven)\ndo/dt = -o/(20*ms) : 1 (event-driven)"
        # all read before any adds: a step's spikes do not see each other
        paths = {"pre": "w -= 0.0105 * o", "pre_add": "r += 1", "post": "w += 0.01 * r", "post_add": "o += 1"}
        synapses = b.Synapses(
            sides[0], sides[1], equations, dt=1 * b.ms, namespace={}, method="exact",
            on_pre={"pre": paths["pre"], "pre_add": paths["pre_add"]}, on_post={"post": paths["post"], "post_add": paths["post_add"]},
        )  # fmt: skip
        for name, order in (("pre", 0), ("post", 0), ("pre_add", 1), ("post_add", 1)):
            getattr(synapses, name).order = order
        synapses.connect()
        b.Network(*sides, synapses).run(81 * b.ms)
        theirs = torch.from_numpy(synapses.w[:].copy())
    finally:
        b.prefs.codegen.target = before
    ours = change(DenseConnection((4,), (1,)), torch.zeros(1, 1, 4).double(), pre, post, StdpConfig(), 1.0, 1.0).dense()
    assert theirs.abs().min() > 0
    torch.testing.assert_close(ours[0, 0], theirs, rtol=1e-9, atol=1e-12)


SETTINGS = [{}, {"form": "triplet"}, {"mu": 0.5, "pairing": "nearest"}, {"inhibition": 0.0}]


@pytest.mark.parametrize("settings", SETTINGS)
def test_hidden_layers_know_neither_labels_nor_what_lies_above(settings: dict[str, Any]) -> None:
    model, world, batch = layered(Stdp(StdpConfig(**settings)), (6, 7, 5, 3))
    plain = asked(model, world, batch)
    other = world.copy()
    other.params["forward/2/weight"].fill_(torch.nan)
    told = asked(model, other, replace(batch, y=(batch.y + 1) % 3))
    for i in (0, 1):
        for leaf in ("weight", "bias"):
            key = f"forward/{i}/{leaf}"
            assert torch.equal(weights(plain, key), weights(told, key)) and weights(plain, key).abs().max() > 0
    assert not torch.equal(weights(plain, "forward/2/weight"), weights(told, "forward/2/weight"))


def test_a_layer_learns_before_the_layer_above_has_run() -> None:
    """In the order of the yields; a layer is written before the next takes a step."""
    model, world, batch = layered(Stdp(), (6, 7, 5, 3))
    assert [one.group for one in asked(model, world, batch)] == [
        "forward/0", "forward/0/threshold", "forward/1", "forward/1/threshold", "forward/2",
    ]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_change_uses_the_past_alone(settings: dict[str, Any]) -> None:
    """What the first half of a run makes of a synapse is the same whether the run goes on or not."""
    model, world, batch = layered(Stdp(StdpConfig(**settings)))
    layer, half = model.networks["forward"].layers[0], batch.x.shape[2] // 2
    c, w = model.rule.config, world.params[layer.weight]
    network = model.networks["forward"]
    whole, cut = (network.forward(world.params, x).traces[0] for x in (batch.x, batch.x[:, :, :half]))
    then = (torch.arange(batch.x.shape[2]) < half).double().view(1, 1, -1, 1)
    found = [change(layer.connection, w, one.pre, one.out, c, 1.0, factor).dense() for one, factor in ((whole, then), (cut, 1.0))]
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-14)
    assert found[0].abs().max() > 0


def test_a_silent_input_changes_nothing() -> None:
    model, world, batch = layered(Stdp())
    batch.x[..., 2] = 0
    found = weights(asked(model, world, batch), "forward/0/weight")
    assert found[..., 2].abs().max() == 0 and found[..., 3].abs().max() > 0


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_synapses_stay_excitatory_and_bounded(momentum: float) -> None:
    splits = load(config.resolve({"data": "digits", "data.limit": 40}).data)
    given = {"rule": "stdp", "network": "mlp", "data": "digits", "network.hidden": [9], "rule.lr_hidden": 30.0, "rule.w_max": 0.3}
    model = build_model(config.resolve({**given, "plasticity.momentum": momentum}), splits, [0], torch.device("cpu"))
    world = new_world(model)
    start = world.params["forward/0/weight"].clone()
    assert start.min() > 0 and start.max() <= 0.3 and start.mean() == pytest.approx(0.15, abs=0.01)
    x = (torch.rand(1, 8, 25, *splits.shape, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    for _ in range(4):
        with torch.no_grad():
            learn_batch(model, world, Batch(x, torch.zeros(1, 8, dtype=torch.int64)), Clock())
    w = world.params["forward/0/weight"]
    assert w.min() == 0.0 and w.max() <= torch.tensor(0.3) and not torch.equal(w, start)
    assert world.params["forward/1/weight"].min() < 0


def test_thresholds_pull_rates_to_their_target() -> None:
    model, world, batch = layered(Stdp(StdpConfig(lr=0.0, lr_hidden=0.0, lr_threshold=0.5, rate=0.2)), samples=30)
    with torch.no_grad():
        for _ in range(300):
            learn_batch(model, world, batch, Clock())
        rates = model.networks["forward"].forward(world.params, batch.x).traces[0].out.mean((1, 2))
    torch.testing.assert_close(rates, torch.full_like(rates, 0.2), atol=0.03, rtol=0)


def test_a_spike_inhibits_the_others_of_its_layer_and_not_itself() -> None:
    model, world, _ = layered(Stdp(StdpConfig(inhibition=0.7)))
    layer = model.networks["forward"].layers[0]
    assert isinstance(layer, RecurrentLayer) and layer.recurrent_weight not in {leaf for g in model.groups.values() for leaf in g.leaves}
    fired = torch.zeros(2, 1, 7, dtype=torch.float64)
    fired[:, 0, 3] = 1
    expected = torch.full((2, 1, 7), -0.7).double()
    expected[:, 0, 3] = 0
    torch.testing.assert_close(layer.echo(world.params, fired), expected)
    assert not isinstance(layered(Stdp(StdpConfig(inhibition=0.0)))[0].networks["forward"].layers[0], RecurrentLayer)


def test_the_delta_rule_is_the_gradient_of_the_output_layer() -> None:
    """Beside the scan that goes backwards through the run."""
    model, world, batch = layered(Stdp(), readout="leaky")
    found, layer = asked(model, world, batch), model.networks["forward"].layers[-1]
    run = model.networks["forward"].forward(world.params, batch.x, train=True)
    _, exact = layer.wanted(run.traces[-1], model.task.error(run.out, batch.y))
    for key in (layer.weight, layer.bias):
        torch.testing.assert_close(weights(found, key), exact[key].dense(), rtol=1e-9, atol=1e-12)


def test_resume_is_timing_with_the_desired_train_less_that_with_the_actual() -> None:
    model, world, batch = layered(Stdp(StdpConfig(readout="resume")), seeds=(3,))
    layer = model.networks["forward"].layers[-1]
    run = model.networks["forward"].forward(world.params, batch.x).traces[-1]
    beta, actual, total = layer.neuron.beta, (run.out > 1).double()[0], torch.zeros(3, 7).double()
    for b in range(4):
        for t in range(run.out.shape[2]):
            arrived = sum(beta ** (t - s) * run.pre[0, b, s] for s in range(t + 1))
            wanted = torch.nn.functional.one_hot(batch.y[0, b], 3).double()
            total += torch.outer(wanted - actual[b, t], arrived) / 4
    torch.testing.assert_close(weights(asked(model, world, batch), layer.weight)[0], total, rtol=1e-9, atol=1e-12)


def test_weights_of_one_cell_part_into_weak_and_strong() -> None:
    """Song, Miller & Abbott 2000, small: Poisson inputs of one rate drive a leaky cell, additive pairs with depression ahead by 5 per cent."""
    rule = Stdp(StdpConfig(lr=0.0, lr_hidden=40.0, lr_threshold=0.0, inhibition=0.0, w_max=0.1, a_plus=0.001, a_minus=0.00105, start=0.4))
    model, world, _ = layered(rule, (100, 1, 2), seeds=(3,), beta=0.95)
    world.params["forward/0/bias"].zero_()
    g, y = torch.Generator().manual_seed(2), torch.zeros(1, 1, dtype=torch.int64)
    with torch.no_grad():
        for _ in range(150):
            x = (torch.rand(1, 1, 300, 100, generator=g) < 0.015).double()
            learn_batch(model, world, Batch(x, y), Clock())
    w = world.params["forward/0/weight"].flatten() / 0.1
    weak, strong = float((w < 0.2).double().mean()), float((w > 0.8).double().mean())
    assert weak > 0.15 and strong > 0.15 and weak + strong > 0.65, (weak, strong)


def test_bad_settings_are_refused_in_one_line() -> None:
    for given, words in (
        ({"rule": "stdp", "rule.form": "triplet"}, "is for layered networks"),
        ({"rule": "stdp", "network": "mlp", "rule.a3_plus": 0.1}, "rule.a3_plus belongs to triplets"),
        ({"rule": "stdp", "network": "cnn5", "network.channels": [2], "neuron": "lif"}, "runs on dense layers alone"),
        ({"rule": "stdp", "network": "mlp", "neuron.loss": "count"}, "needs the whole run"),
    ):
        settings = config.resolve({"data": "digits", "data.limit": 20, "data.standardise": "none", **given})
        with pytest.raises(ConfigError, match=words) as caught:
            build_model(settings, load(settings.data), [0], torch.device("cpu"))
        assert "\n" not in str(caught.value)
