"""Spikes counted by hand: integrate-and-fire units whose currents are binary fractions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from driving import TINY

from bioplaus import simulate
from bioplaus.connections import Conv2dConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.integrate_fire import IntegrateFire
from bioplaus.neurons.lif import Lif
from bioplaus.probes.observe import observe
from bioplaus.probes.spikes import SpikesProbe
from bioplaus.recipes import Recipe
from bioplaus.registry import RULES
from bioplaus.rules.surrogate import Surrogate
from bioplaus.spiking.activity import activity
from bioplaus.spiking.task import SpikingClassification
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World

Pack = Callable[..., tuple[Model, World]]
T = 8
NAN = float("nan")


def by_hand(pack: Pack, **settings: Any) -> tuple[Model, World]:
    """Two replicas, 1 - 4 - 2, the second replica's hidden weights all zero.

    An input of 1 makes currents of 1/4, 1, -1 and 1/2: 2, 8, 0 and 4 spikes in 8 steps. Both output units get 1/2 from the second hidden unit: 4
    spikes each. An input of 1/2 makes 1, 4, 0 and 2.
    """
    unit = IntegrateFire(steps=T, **settings)
    model, world = pack(
        Surrogate(), Mlp.build(MlpConfig(hidden=[4]), (1,), (2,), unit), task=SpikingClassification(2, unit.config)
    )
    world.params["forward/0/weight"] = torch.tensor([[[0.25], [1.0], [-1.0], [0.5]], [[0.0]] * 4]).double()
    world.params["forward/1/weight"] = torch.tensor([[0, 0.5, 0, 0], [0, 0.5, 0, 0]]).double().expand(2, -1, -1).clone()
    return model, world


def look(model: Model, world: World, inputs: list[float]) -> dict[str, list[Any]]:
    x = torch.tensor(inputs, dtype=torch.float64).view(1, -1, 1, 1)
    seen = observe(model, world, Batch(x, torch.zeros(1, len(inputs), dtype=torch.int64)), Clock())
    return {key: value.tolist() for key, value in SpikesProbe().look(seen).items()}


def test_everything_by_hand(pack: Pack) -> None:
    found = look(*by_hand(pack), [1.0, 0.5])
    assert found["firing_rate"] == [[(14 + 7) / (2 * 4 * T), (8 + 4) / (2 * 2 * T)], [0, 0]]
    assert found["silent_share"] == [[0.25, 0], [1, 1]]  # the third unit
    assert found["saturated_share"] == [[0, 0], [0, 0]]  # half the input: the second unit fires at every other step
    assert found["synaptic_operations"] == [(14 + 7) * 2 / 2, 0]
    assert found["tie_fraction"] == [1, 1]


def test_a_unit_that_fires_at_every_step_of_every_sample_is_saturated(pack: Pack) -> None:
    assert look(*by_hand(pack), [1.0, 1.0])["saturated_share"] == [[0.25, 0], [0, 0]]
    assert look(*by_hand(pack), [1.0, 0.0])["saturated_share"] == [[0, 0], [0, 0]]
    assert look(*by_hand(pack), [0.0, 1.0])["silent_share"] == [
        [0.25, 0],
        [1, 1],
    ]  # silent means silent for all of them


def test_a_sample_is_a_tie_if_the_winner_is_level_with_another(pack: Pack) -> None:
    """With 3/8 to the second class, 3 spikes against 4; an input of 0 leaves both silent; half the input makes 2 against 1."""
    model, world = by_hand(pack)
    world.params["forward/1/weight"][0, 1, 1] = 0.375
    assert look(model, world, [1.0, 0.0, 0.5, 1.0])["tie_fraction"] == [0.25, 1]


@pytest.mark.parametrize(("loss", "ties"), [("first_spike", 1.0), ("count", 0.0), ("max_membrane", 0.0)])
def test_ties_are_those_of_what_is_compared(loss: str, ties: float, pack: Pack) -> None:
    """1/2 and 9/16 from a unit that fires at each step: both classes fire at the second step first, 4 and 4.5 - that is 4 - times in 8."""
    model, world = by_hand(pack, loss=loss)
    world.params["forward/1/weight"][0, 1, 1] = 0.625  # 5 spikes: at 2, 4, 5, 7, 8
    assert look(model, world, [1.0])["tie_fraction"][0] == ties


def test_a_leaky_read_out_has_no_rate(pack: Pack) -> None:
    found = look(*by_hand(pack, readout="leaky"), [1.0])
    torch.testing.assert_close(
        torch.tensor(found["firing_rate"]), torch.tensor([[14 / 32, NAN], [0, NAN]]), equal_nan=True
    )
    assert all(torch.tensor(found[key])[:, 1].isnan().all() for key in ("silent_share", "saturated_share"))
    assert found["tie_fraction"] == [1, 1]  # membranes are level


def test_operations_of_a_convolution_are_its_synapses() -> None:
    """Stride 2 and a rim of zeros: pairs of input and output places no more than a kernel apart, one by one."""
    unit = Lif(steps=3)
    layers = [
        Layer("forward/0", Conv2dConnection((1, 5, 5), 2, padding=1), unit),
        Layer("forward/1", Conv2dConnection((2, 5, 5), 3, stride=2, padding=1), unit.readout()),
    ]
    net = Network("forward", (1, 5, 5), layers)
    draw = torch.Generator().manual_seed(0)
    params = {
        layer.weight: torch.rand(1, *layer.connection.weight_shape, generator=draw, dtype=torch.float64)
        for layer in layers
    }
    run = net.forward(params, torch.rand(1, 2, 1, 1, 5, 5, generator=draw, dtype=torch.float64), {})
    spikes = run.traces[0].out[0]
    places = list(itertools.product(range(3), range(3)))
    expected = 0.0
    for row, column in itertools.product(range(5), range(5)):
        reached = sum(abs(row - 2 * i) <= 1 and abs(column - 2 * j) <= 1 for i, j in places)
        expected += 3 * reached * float(spikes[..., row, column].sum()) / 2
    found = activity(net, run, SpikingClassification(3, unit.config))["synaptic_operations"]
    assert found.tolist() == pytest.approx([expected]) and expected > 0


def test_operations_of_spikes_among_themselves(pack: Pack) -> None:
    """Each of a layer of 4 reaches the 3 others, except at the last step."""
    unit = Lif(steps=T)
    net = Mlp.build(MlpConfig(hidden=[4], recurrent=True), (2,), (3,), unit)
    draw = torch.Generator().manual_seed(1)
    params = {key: torch.rand(1, *leaf.shape, generator=draw, dtype=torch.float64) for key, leaf in net.leaves.items()}
    run = net.forward(params, torch.rand(1, 5, 1, 2, generator=draw, dtype=torch.float64), {})
    spikes = run.traces[0].out[0].sum((0, 2))
    found = activity(net, run, SpikingClassification(3, unit.config))["synaptic_operations"]
    assert found.tolist() == pytest.approx([float(spikes.sum() * 3 + spikes[:-1].sum() * 3) / 5]) and spikes[-1] > 0


def test_pooled_layers_have_a_rate(pack: Pack) -> None:
    unit = Lif(steps=T)
    net = Cnn5.build(Cnn5Config(channels=[4]), (2, 8, 8), (3,), unit)
    model, world = pack(Surrogate(), net, task=SpikingClassification(3, unit.config))
    x = torch.rand(1, 3, 1, 2, 8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = SpikesProbe().look(observe(model, world, Batch(x, torch.zeros(1, 3, dtype=torch.int64)), Clock()))
    spikes = net.forward(world.params, x, {}).traces[0].out
    torch.testing.assert_close(found["firing_rate"][:, 0], spikes.flatten(1).mean(1))


def test_a_run_measures_it_and_networks_without_time_refuse() -> None:
    tiny = {**TINY, "run.save": False, "epochs": 1}
    result = simulate({**tiny, "rule": "surrogate", "probes": ["spikes"], "seeds": 2})
    rows = result.metrics.filter([m == "firing_rate" for m in result.metrics["metric"].to_pylist()]).to_pylist()
    assert {(row["epoch"], row["seed"], row["layer"]) for row in rows} == set(itertools.product((0, 1), (0, 1), (0, 1)))
    assert all(0 <= row["value"] <= 1 for row in rows)
    with pytest.raises(
        ConfigError,
        match="probes: spikes cannot look at this run: these units have no time; use neuron=lif, or leave spikes out",
    ):
        simulate({**tiny, "rule": "bp", "probes": ["spikes"]})


@pytest.mark.parametrize("rule", ["surrogate", "eprop", "decolle"])
def test_recipes_of_spiking_rules_switch_it_on(rule: str) -> None:
    recipes: tuple[Recipe, ...] = RULES.get(rule).recipes
    assert [probe for recipe in recipes for probe in recipe.values.get("probes", [])].count("spikes") == 1
