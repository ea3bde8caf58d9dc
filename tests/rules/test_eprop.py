"""e-prop is the gradient with spikes taken as given in recurrent currents; it goes forward in time, and its memory stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from rule_kit import learn
from spiking_kit import (
    STEPS,
    Watched,
    atan,
    changes,
    cross_entropy,
    held_at_the_end,
    hollow,
    inputs,
    model_of,
    network,
    run,
    spike,
)
from torch import Tensor

from bioplaus import config
from bioplaus.build import build_model
from bioplaus.data import load
from bioplaus.engines.loop import learn_batch
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.rules.eprop import MEMORY, Eprop, EpropConfig
from bioplaus.rules.surrogate import Surrogate
from bioplaus.spiking.task import SpikingClassification, SpikingRegression
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

BETA, KAPPA = 0.9, 0.8
LEAKY = {"beta": BETA, "readout": "leaky", "readout_beta": KAPPA}
ADAPT = {"beta_a": 0.3, "rho": 0.95, "n_ref": 2, "surrogate": "atan"}


def eprop(**settings: Any) -> Eprop:
    return Eprop(EpropConfig(**settings))


def gradients(net: Network, world: World, batch: Batch, adapt: tuple[float, float, int] | None) -> dict[str, Tensor]:
    """What autograd asks for, to be added."""
    params = {key: value.clone().requires_grad_() for key, value in world.params.items() if key.startswith("forward")}
    loss = cross_entropy(run(net, params, batch.x, BETA, KAPPA, adapt), batch.y)
    return {key: -g for key, g in zip(params, torch.autograd.grad(loss, list(params.values())))}


@pytest.mark.parametrize("form", ["factored", "online", "stepwise"])
@pytest.mark.parametrize("steps", [None, STEPS], ids=["constant", "spikes"])
@pytest.mark.parametrize("recurrent", [False, True], ids=["forward", "recurrent"])
@pytest.mark.parametrize("neuron", ["lif", "alif"])
def test_symmetric_eprop_is_the_gradient_with_recurrent_spikes_as_given(neuron: str, recurrent: bool, steps: int | None, form: str) -> None:
    adapting = neuron == "alif"
    net = network(neuron, recurrent=recurrent, **LEAKY, **(ADAPT if adapting else {}))
    model, world = model_of(eprop(feedback="symmetric", form=form), net)
    batch = inputs(steps=steps)
    found, learned = changes(model, world, batch)
    adapt = (0.95, 0.3, 2) if adapting else None
    exact = gradients(net, world, batch, adapt)
    assert found.keys() == exact.keys() and (not recurrent or "forward/0/recurrent/weight" in found)
    for key, value in exact.items():
        assert value.abs().max() > 0.02, "the test would not see it"
        assert (found[key] - value).abs().max() < 1e-10, key
    out = run(net, world.params, batch.x, BETA, KAPPA, adapt)
    assert (learned.metrics["loss"].sum() - cross_entropy(out, batch.y)).abs() < 1e-10
    # and what is predicted, by the layers alone, is the output of that network
    assert torch.allclose(model.rule.predict(view(model, world, batch, Clock())), out, rtol=0, atol=1e-10)


@pytest.mark.parametrize("loss", ["membrane", "rate", "mse_membrane"])
@pytest.mark.parametrize("delay", [True, False])
def test_without_recurrence_it_is_surrogate_learning(loss: str, delay: bool) -> None:
    """A spiking output too: its reset passes nothing on, so the trace of its inputs is the same."""
    net = network("lif", beta=BETA, loss=loss, reset_delay=delay)
    (model, world), (other, _) = model_of(eprop(feedback="symmetric"), net), model_of(Surrogate(), net)
    found, learned = changes(model, world, inputs())
    exact, relearned = changes(other, replace(world), inputs())
    for key, value in exact.items():
        assert (found[key] - value).abs().max() < 1e-10, key
    assert torch.allclose(learned.metrics["loss"], relearned.metrics["loss"])


class Given(SpikingClassification):
    """A task whose error does not look at the output."""

    def at_step(self, out: Tensor, y: Tensor, t: int, steps: int) -> tuple[Tensor, Tensor]:
        error = torch.randn(out.shape[1:], generator=torch.Generator().manual_seed(t)).double()
        return out.new_zeros(out.shape[0]), error.expand_as(out)


@pytest.mark.parametrize(("feedback", "same"), [("random", True), ("adaptive", True), ("symmetric", False)])
def test_hidden_cells_do_not_read_output_weights(feedback: str, same: bool) -> None:
    net = network("lif", (6, 7, 5, 3), recurrent=True, **LEAKY)
    model, world = model_of(eprop(feedback=feedback), net, task=Given(3, net.layers[0].neuron.config))
    one, _ = changes(model, world, inputs())
    world.params["forward/2/weight"] = torch.randn_like(world.params["forward/2/weight"])
    other, _ = changes(model, world, inputs())
    for key in (f"forward/{i}/{leaf}" for i in (0, 1) for leaf in ("weight", "recurrent/weight", "bias")):
        assert one[key].abs().max() > 0
        assert torch.equal(one[key], other[key]) == (same or "/0/" in key), key


def test_feedback_is_drawn_once_with_the_spread_of_its_hidden_cells() -> None:
    net = network("lif", (6, 400, 300, 50), **LEAKY)
    for feedback, layers in (("random", 2), ("adaptive", 2), ("symmetric", 1)):
        model, world = model_of(eprop(feedback=feedback), net)
        direct = [value for key, value in world.params.items() if key.startswith("direct")]
        assert [value.shape[1:] for value in direct] == [(400, 50), (300, 50)][:layers]
        for value in direct:
            assert value.std().item() == pytest.approx(value.shape[1] ** -0.5, rel=0.05)
        learning = {leaf for group in model.groups.values() if not group.frozen for leaf in group.leaves}
        assert {leaf for leaf in learning if leaf.startswith("direct")} == ({"direct/1/weight"} if feedback == "adaptive" else set())


@torch.no_grad()
def test_adaptive_feedback_and_output_weights_become_equal() -> None:
    model, world = model_of(eprop(feedback="adaptive", lr=0.05, decay=2.0), network("lif", **LEAKY))
    apart = world.params["direct/0/weight"] - world.params["forward/1/weight"].mT
    for n in range(1, 4):
        learn_batch(model, world, inputs(), Clock())
        now = world.params["direct/0/weight"] - world.params["forward/1/weight"].mT
        assert torch.allclose(now, apart * (1 - 0.05 * 2.0) ** n, rtol=1e-9, atol=1e-12)
    used = model.rule.feedback(view(model, world, inputs(), Clock()))["forward/1/weight"]
    assert torch.equal(used, world.params["direct/0/weight"].mT)


def steps_of(model: Model, world: World, batch: Batch) -> list[dict[str, Tensor]]:
    with torch.no_grad():
        asked, _ = learn(model.rule, view(model, world, batch, Clock()))
    return [{key: change.dense() for key, change in wanted.changes.items()} for wanted in asked]


@pytest.mark.parametrize("neuron", ["lif", "alif"])
def test_a_step_uses_nothing_of_later_steps(neuron: str) -> None:
    net = network(neuron, recurrent=True, **LEAKY)
    batch, cut = inputs(), 7
    whole = steps_of(*model_of(eprop(form="stepwise"), net), batch)
    part = steps_of(*model_of(eprop(form="stepwise"), net), replace(batch, x=batch.x[:, :, :cut]))
    assert len(whole) == STEPS and len(part) == cut
    for one, other in zip(whole, part):
        assert all(torch.equal(one[key], other[key]) for key in one)
    # what the other forms want for a sample that ends there is the sum so far
    for form in ("online", "factored"):
        ended, _ = changes(*model_of(eprop(form=form), net), replace(batch, x=batch.x[:, :, :cut]))
        for key, value in ended.items():
            assert torch.allclose(value, sum(step[key] for step in part), rtol=1e-10, atol=1e-12)  # type: ignore[arg-type]


@torch.no_grad()
def test_stepwise_synapses_change_within_a_sample() -> None:
    """The second change is that of weights which hold the first one."""
    net, batch = network("lif", **LEAKY), inputs(steps=None)
    rule = eprop(form="stepwise", lr=0.3)
    model, world = model_of(rule, net)
    learning = rule.learn(view(model, world, batch, Clock()))
    next(learning)
    world.params["forward/0/weight"] += 0.5
    second = {key: change.dense() for key, change in next(learning).changes.items()}
    still = steps_of(*model_of(rule, net), batch)[1]
    assert not torch.allclose(second["forward/0/weight"], still["forward/0/weight"])


@pytest.mark.parametrize("form", ["factored", "online"])
def test_a_cell_that_never_fires_keeps_its_synapses(form: str) -> None:
    net = network("lif", recurrent=True, **LEAKY)
    model, world = model_of(eprop(form=form), net)
    world.params["forward/0/bias"][:, 2] = -50  # hidden cell 2 is silent
    batch = inputs()
    batch.x[..., 4] = 0
    found, _ = changes(model, world, batch)
    for key, column in (("forward/0/weight", 4), ("forward/0/recurrent/weight", 2), ("forward/1/weight", 2)):
        assert not found[key][..., column].any()
        assert found[key].any()
    assert not torch.diagonal(found["forward/0/recurrent/weight"], dim1=1, dim2=2).any()


@pytest.mark.parametrize(
    ("neuron", "recurrent", "form"),
    [("lif", False, "online"), ("lif", True, "online"), ("lif", True, "stepwise"), ("alif", True, "online"), ("lif", True, "factored")],
)
def test_memory_does_not_grow_with_time(neuron: str, recurrent: bool, form: str) -> None:
    def most(steps: int) -> int:
        net = network(neuron, (6, 40, 3), recurrent=recurrent, steps=steps, **LEAKY)
        model, world = model_of(eprop(form=form), net, task=Watched(3, net.layers[0].neuron.config))
        return held_at_the_end(model, world, inputs(steps=None))

    short, long = most(8), most(32)
    if form == "factored":
        assert long > 1.3 * short, "the test would not see it"
    else:
        assert long <= short + 100


@pytest.mark.parametrize("form", ["factored", "online"])
def test_the_regulariser_pulls_rates(form: str) -> None:
    reg, target = 3.0, 0.2
    net = network("lif", recurrent=True, **LEAKY)
    (model, world), (free, _) = model_of(eprop(form=form, reg=reg, rate=target), net), model_of(eprop(form=form), net)
    mean = torch.rand_like(world.state["rate/forward/0"])
    world.state["rate/forward/0"] = mean
    batch = inputs()
    found, learned = changes(model, world, batch)
    without, _ = changes(free, replace(world, state={}), batch)

    names = ["forward/0/weight", "forward/0/bias", "forward/0/recurrent/weight"]
    w, bias, j = (world.params[key].clone().requires_grad_() for key in names)
    z = v = torch.zeros(2, 5, 7, dtype=torch.float64)
    count: Any = 0.0
    for t in range(STEPS):
        v = BETA * v + batch.x[:, :, t] @ w.mT + bias.unsqueeze(1) + z.detach() @ hollow(j).mT - z.detach()
        z = spike(v - 1, atan(v - 1))
        count = count + z
    rate = count.mean(1) / STEPS
    cost = (2 * reg * (mean - target) * rate).sum()  # E_reg to first order in the rate, at the running mean
    for key, gradient in zip(names, torch.autograd.grad(cost, [w, bias, j])):
        assert (found[key] - without[key] + gradient).abs().max() < 1e-10
        assert gradient.abs().max() > 1e-3
    assert torch.allclose(learned.state["rate/forward/0"], MEMORY * mean + (1 - MEMORY) * rate.detach())


@torch.no_grad()
def test_a_recurrent_network_learns_to_generate_a_pattern() -> None:
    """Two sines from 30 cells that are driven by fixed noise; random feedback, plain steps."""
    steps = 100
    g = torch.Generator().manual_seed(2)
    time = torch.arange(steps, dtype=torch.float64) / steps
    course = 0.5 * torch.sin(6.283 * time) + 0.3 * torch.sin(6.283 * 3 * time + 1)
    batch = Batch((torch.rand(1, 1, steps, 20, generator=g) < 0.1).double(), course.view(1, 1, steps, 1))
    net = network("lif", (20, 30, 1), recurrent=True, bias=False, **LEAKY | {"readout_beta": 0.95})
    model, world = model_of(eprop(lr=1e-4), net, seeds=(0,), task=SpikingRegression())
    world.params["forward/1/weight"] *= 0.1  # a membrane of kappa = .95 is a sum over 20 steps
    losses = [learn_batch(model, world, batch, Clock(n)).metrics["loss"].item() for n in range(60)]
    silence = course.square().sum().item() / 2
    assert losses[0] > silence and min(losses[-10:]) < 0.4 * silence


REFUSED: list[tuple[Any, str]] = [
    (lambda: eprop().build(network("lif", reset="zero")), "neuron.reset"),
    (lambda: eprop().build(network("lif", learn_tau=True)), "learn_tau"),
    (lambda: eprop().build(network("srm")), "one low-pass"),
    (lambda: eprop().build(network("alif")), "neuron.readout=leaky"),
    (lambda: eprop().build(network("synaptic")), "step by step"),
    (lambda: steps_of(*model_of(eprop(), network("lif", loss="count")), inputs()), "neuron.loss=count"),
]


@pytest.mark.parametrize(("what", "words"), REFUSED)
def test_what_it_cannot_do_is_refused_in_a_line(what: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        what()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rule", ["surrogate", "bp", "decolle"])
def test_other_rules_refuse_recurrent_layers(rule: str) -> None:
    settings = config.resolve({"rule": rule, "data": "digits", "neuron": "lif", "network.recurrent": True}, locate=False)
    with pytest.raises(ConfigError, match="rule=eprop"):
        build_model(settings, load(settings.data, [0]), [0], torch.device("cpu"))
