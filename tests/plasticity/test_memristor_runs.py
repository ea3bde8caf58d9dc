"""Runs on devices: packs and single runs, masks, every device, what is reported, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from memristor_kit import Leaf, drawn

from bioplaus.api import simulate
from bioplaus.changes import Dense, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.errors import BioplausError
from bioplaus.plasticity import devices
from bioplaus.plasticity.memristive.touched import where
from bioplaus.plasticity.memristive.writing import compiles, written
from bioplaus.plasticity.memristor import Memristor, MemristorConfig
from bioplaus.plasticity.update import apply
from bioplaus.streams import Streams
from bioplaus.view import Clock

SMALL = {"rule": "bp", "data": "synthetic", "network.hidden": [6], "epochs": 2, "batch_size": 32, "run.save": False, "plasticity": "memristor"}
SCHEMES = {
    "bi": {"plasticity.device": "ag_asi"},
    "single": {"plasticity.cell": "single", "plasticity.device": "ecram", "plasticity.read_noise": 0.01},
    "uni": {"plasticity.device": "pcm"},
    "tiki": {"plasticity.device": "reram_sb", "plasticity.update": "tiki", "plasticity.transfer_columns": 0},
    "stochastic": {"plasticity.pulses": "stochastic", "plasticity.clip": "none"},
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_pack_is_its_single_runs(scheme: str) -> None:
    """Devices, their spread, noise, trains of pulses: each seed draws what it draws alone."""
    given = {**SMALL, **SCHEMES[scheme], "dtype": "float64"}
    pack = simulate({**given, "seeds": 3, "run.pack": "3"})
    for i, seed in enumerate((0, 1, 2)):
        alone = simulate({**given, "seed": seed}).simulator.packs[0].world
        for key, value in alone.synapses.items():
            together = pack.simulator.packs[0].world.synapses[key][i]
            torch.testing.assert_close(together, value[0], rtol=1e-9, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}")


def outer(world: Any, seed: int, leaf: str = "forward/0/weight") -> dict[str, Outer]:
    """Return a factored change of the first layer of `pack`."""
    replicas = world.replicas
    return {leaf: Outer(DenseConnection((5,), (4,)), ((drawn(replicas, 6, 5, seed=seed), drawn(replicas, 6, 4, seed=seed + 1)),))}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_masked_replicas_keep_their_devices(scheme: str, pack: Any, frozen: Any) -> None:
    """Bit for bit; the others meet what they meet without the mask, trains of pulses included."""
    config = {key.removeprefix("plasticity."): value for key, value in SCHEMES[scheme].items()}
    mask = torch.tensor([True, False, True])
    worlds = []
    for taking_part in (mask, None):
        model, world = pack(Memristor(MemristorConfig(**{**config, "refresh_every": 2})))
        apply(model, world, Wanted("forward", outer(world, 1)), Clock())
        before = frozen(world)
        for t in range(3):
            apply(model, world, Wanted("forward", outer(world, 2 * t), taking_part), Clock(t + 1))
        worlds.append(world)
        if taking_part is not None:
            for key, value in world.arrays().items():
                assert torch.equal(value[1], before[key][1]), key
    for key, value in worlds[0].arrays().items():
        torch.testing.assert_close(value[[0, 2]], worlds[1].arrays()[key][[0, 2]], rtol=1e-9, atol=1e-12)
    assert not torch.equal(worlds[0].params["forward/0/weight"][1], worlds[1].params["forward/0/weight"][1])


def test_two_writes_of_one_leaf_in_a_batch_draw_their_own_noise(pack: Any) -> None:
    moved = []
    for turns in ((0, 1), (0, 0)):
        changes = ["nl_up=0", "nl_down=0", "pulses_up=1e6", "pulses_down=1e6", "cycle_noise=1e-4"]
        model, world = pack(Memristor(MemristorConfig(changes=changes)))
        change = {"forward/0/weight": Dense(torch.full_like(world.params["forward/0/weight"], 1e-3))}
        steps = []
        for turn in turns:
            before = world.params["forward/0/weight"].clone()
            apply(model, world, Wanted("forward", change), Clock(), turn=turn)
            steps.append(world.params["forward/0/weight"] - before)
        moved.append(float((steps[0] - steps[1]).abs().max()))
    assert moved[0] > 1e3 * moved[1]
    assert int(world.synapses["forward/0/weight:writes"][0]) == 2


@pytest.mark.parametrize("name", devices.names())
def test_the_compiled_loop_is_the_device(name: str) -> None:
    """For every device, with its spread and noise: the loop over single devices against the device's own formulas on tensors."""
    device = devices.get(name)
    assert compiles(device)
    streams = Streams((0, 1), dtype=torch.float64)
    own = device.draw(streams, (40,), "own")
    g = device.within(torch.rand(2, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64), own)
    at = where(torch.arange(80).view(2, 40) % 3 != 0)
    n = torch.randint(1, 90, (len(at.index),), generator=torch.Generator().manual_seed(2)).double()
    n[::2] *= -1
    both, sums = [], []
    for compiled in (True, False):
        mine = g.clone()
        sums.append(written(device, mine, own, at, n, streams, "w", compiled=compiled))
        both.append(mine)
    torch.testing.assert_close(*both, rtol=0, atol=1e-9)
    # where noise comes in portions, the mean while pulsing is taken portion by portion, by either
    torch.testing.assert_close(*sums, rtol=1e-9, atol=1e-9)
    assert float((both[0] - g).abs().max()) > 0.01
    untouched = torch.arange(80) % 3 == 0
    assert torch.equal(both[0].view(-1)[untouched], g.view(-1)[untouched])


@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_convolutions_and_other_rules_learn_on_devices(rule: str) -> None:
    given = {"rule": rule, "data": "digits", "network": "cnn5", "network.channels": [4, 6], "data.limit": 200, "epochs": 2, "run.save": False}
    trains = {"plasticity.pulses": "stochastic", "plasticity.clip": "none"}
    result = simulate({**given, "plasticity": "memristor", "plasticity.device": "ecram", **trains})
    pulses = result.summary["pulses"]
    assert len(pulses) >= 3
    assert all(sum(one["potentiation"]) > 0 for one in pulses.values())


def test_what_a_run_reports() -> None:
    """The contract of ``--json``: pulses per layer, refreshes, energy; a list with one number per seed."""
    found = simulate({**SMALL, "plasticity.device": "ag_asi", "plasticity.update": "uni", "seeds": 2, "run.pack": "1"})
    summary = json.loads(json.dumps(found.summary))
    assert set(summary["pulses"]) == {"forward/0/weight", "forward/1/weight"}
    for one in summary["pulses"].values():
        assert len(one["potentiation"]) == len(one["depression"]) == 2
        assert min(one["potentiation"]) > 0
        assert max(one["depression"]) == 0
    assert len(summary["refreshes"]) == 2
    ups = [sum(one["potentiation"][r] for one in summary["pulses"].values()) for r in range(2)]
    # V^2 t between Gmin and Gmax for each pulse
    low, high = 3.2**2 * 300e-6 * 3.0769e-9, 3.2**2 * 300e-6 * 3.8462e-8
    assert all(low * n <= joule <= high * n for n, joule in zip(ups, summary["energy_joule"]))
    assert simulate({**SMALL, "plasticity.device": "ecram"}).summary["energy_joule"] is None
    figure = next(picture for picture in found.findings.pictures if picture.name == "conductances.png")
    assert [panel.title for panel in figure.panels] == ["forward/0/weight", "forward/1/weight"]
    for panel in figure.panels:
        assert all(np.sum(series.y) == pytest.approx(1) for series in panel.series)


def test_a_device_too_coarse_for_the_rate_is_warned_of_with_numbers() -> None:
    summary = simulate({**SMALL, "rule.lr": 1e-6, "plasticity.device": "hzo_fefet"}).summary
    assert all(one["potentiation"] == [0] for one in summary["pulses"].values())
    assert "needed: more than 0.5" in summary["report"]
    assert "raise rule.lr (about" in summary["report"]


def test_the_report_names_what_nothing_reads_and_is_silent_on_refreshes_that_cannot_be() -> None:
    words = {"plasticity.device": "ag_asi", "plasticity.theta": 2.0, "plasticity.transfer_every": 3, "plasticity.refresh_every": 5}
    report = simulate({**SMALL, **words, "plasticity.update": "bi"}).summary["report"]
    assert "used by nothing here: plasticity.theta, plasticity.refresh_every, plasticity.transfer_every" in report
    assert "refresh" not in report.replace("plasticity.refresh_every", "") and "erasing" not in report and "writing took" in report
    report = simulate({**SMALL, **words, "plasticity.update": "uni", "plasticity.pulses": "sign"}).summary["report"]
    assert report.count("plasticity.") == 1 and "used by nothing here: plasticity.transfer_every" in report
    assert "pairs refreshed; writing took" in report and "erasing not counted" in report


def test_a_layer_of_which_nothing_is_wanted_is_not_blamed_on_its_device() -> None:
    """Outputs of the rule for crossbars are always half on before learning: a dead zone of the whole range leaves every error 0."""
    report = simulate({**SMALL, "rule": "memristor", "rule.theta_output": 1.0}).summary["report"]
    assert report.count("as nothing was wanted of it") == 2 and "too coarse" not in report


def test_devices_stay_themselves_when_they_are_programmed_again_and_counters_go_on() -> None:
    leaf = Leaf(drawn(1, 4, 5), device="ecram")
    leaf.write(drawn(1, 4, 5, seed=1))
    up, own = int(leaf.state["up"]), leaf.state["plus.up_a"].clone()
    again = leaf.plasticity.synapse.program("w", 2 * leaf.weight, leaf.streams.at(7), leaf.state)
    assert up > 0
    assert int(again["up"]) == up
    assert torch.equal(again["plus.up_a"], own)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"plasticity.device": "epiran"}, "epiram"),
    ({"plasticity.device": "missing.json"}, "missing.json"),
    ({"plasticity.changes": ["nl_upp=2"]}, "nl_up"),
    ({"plasticity.changes": ["nl_up"]}, "number=value"),
    ({"plasticity.changes": ["nl_up=eleven"]}, "must be a number"),
    ({"plasticity.changes": ["nl_up=11"]}, "no device has such a nonlinearity"),
    ({"plasticity.update": "tiki", "plasticity.cell": "single"}, "plasticity.cell=pair"),
    ({"plasticity.update": "uni", "plasticity.cell": "single"}, "plasticity.cell=pair"),
    ({"plasticity.device": "pcm", "plasticity.cell": "single"}, "plasticity.cell=pair"),
    ({"plasticity.device": "pcm", "plasticity.update": "bi"}, "update=uni"),
    ({"plasticity.refresh_lo": 0.8}, "must be below"),
    ({"plasticity.theta": -0.1}, ">= 0"),
    ({"plasticity.reference": False}, "cell=single"),
    ({"plasticity.reference": False, "plasticity.cell": "single", "plasticity.device": "ecram"}, "plasticity.on_off"),
    ({"plasticity.on_off": 1.0}, "> 1"),
    ({"plasticity.pulses": "stochastic", "plasticity.optimiser": "adam", "plasticity.clip": "none"}, "optimiser=sgd"),
    ({"plasticity.pulses": "stochastic", "plasticity.momentum": 0.9, "plasticity.clip": "none"}, "momentum=0"),
    ({"plasticity.pulses": "stochastic", "plasticity.clip": "per_layer"}, "plasticity.clip=none"),
    ({"plasticity.pulses": "twice"}, "stochastic"),
]


@pytest.mark.parametrize(("settings", "advice"), REFUSED, ids=[str(s) for s, _ in REFUSED])
def test_bad_input_gets_one_line_before_the_run(settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(BioplausError) as error:
        simulate({**SMALL, **settings})
    text = str(error.value)
    assert advice in text
    assert "\n" not in text
