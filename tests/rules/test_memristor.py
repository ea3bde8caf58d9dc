"""Learning on devices through the simulator, beside the compiled loop driven by hand; protocol, spread, energy; who is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import command

from bioplaus import config, data, load, simulate
from bioplaus.audit import card_of
from bioplaus.audit.table import row
from bioplaus.data.base import DataConfig
from bioplaus.errors import ConfigError
from bioplaus.networks.neurosim import WRITING, NeuroSim, NeuroSimConfig
from bioplaus.neurons.smooth import Sigmoid
from bioplaus.neurosim.network import Constants, State, alike, respond, train
from bioplaus.plasticity import devices
from bioplaus.rules.memristor import Memristor
from bioplaus.rules.neurosim import constants_of, devices_of, state_of
from bioplaus.rules.neurosim_findings import energy
from bioplaus.simulator import Simulator
from bioplaus.view import Batch
from bioplaus.world import view

SMALL: dict[str, Any] = {
    "rule": "memristor",
    "network": "neurosim",
    "data": "digits",
    "network.device": "epiram",
    "network.units": 12,
    "data.limit": 100,
    "data.draws": 150,
    "batch_size": 40,
    "epochs": 2,
    "run.save": False,
}


def simulator_of(**keys: Any) -> Simulator:
    settings = config.resolve({**SMALL, **keys})
    return Simulator(settings, data.load(settings.data, settings.seed_list))


def seen_by(simulator: Simulator, x: Any = None) -> Any:
    """A view of the first pack's world as it is, on some images or all of the training set in its order in the data."""
    one, splits = simulator.packs[0], simulator.splits
    given = torch.from_numpy(splits.train_x if x is None else x).double()[None]
    return view(one.model, one.world, Batch(given, torch.zeros(1, given.shape[1], dtype=torch.int64)), one.clock(1, 1))


def by_hand(simulator: Simulator, replica: int, epochs: int = 2) -> tuple[State, Any]:
    """Learn all images of a run in one call of the compiled loop, constants written out; return the network and the answers."""
    here, splits = seen_by(simulator), simulator.splits
    state, c = state_of(here, replica), devices.get("epiram").steps.flat()
    order = np.concatenate([simulator.feeds.train.order(here.streams, e)[replica].numpy() for e in range(epochs)])
    images = (splits.train_x[order].reshape(len(order), -1) >= 0.5).astype(np.uint8)
    d = alike((c["up_a"], c["up_b"]), (-c["down_a"], -c["down_b"]))
    numbers = Constants(0.4, 0.2, 64.0, 64.0, 0.02, 0.0, 1 / 49.2, 255.0)
    return state, train(state, images, splits.train_y[order], numbers, (d, d))


@pytest.mark.parametrize("batch_size", [150, 40, 7])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_run_is_one_call_of_the_compiled_loop(batch_size: int, threads: int) -> None:
    """Bit for bit, whatever the batches and threads; test answers are reads of the same state."""
    simulator = simulator_of(seeds=3, batch_size=batch_size, threads=threads)
    expected = [by_hand(simulator, r) for r in range(3)]
    simulator.run()
    here, test_x = seen_by(simulator), simulator.splits.test_x
    answers = simulator.packs[0].model.rule.predict(seen_by(simulator, test_x)).numpy()
    pixels = (test_x.reshape(len(test_x), -1) >= 0.5).astype(np.uint8)
    for r, (state, _) in enumerate(expected):
        for name, value in state_of(here, r)._asdict().items():
            if name == "load":  # a sum that batches cut
                np.testing.assert_allclose(value, state.load, rtol=1e-12)
            else:
                assert np.array_equal(value, getattr(state, name)), name
        np.testing.assert_array_equal(answers[r], respond(state, pixels, constants_of(here, 1.0)))
        assert state.pulses.min() > 0
    assert here.state["shown"].tolist() == [300] * 3
    rows = {(row[0], row[3], row[4]): row[6] for row in simulator.recorder.rows if row[2] == 0}
    state, out = expected[0]
    if batch_size == 150:
        order = np.concatenate([simulator.feeds.train.order(here.streams, e)[0].numpy() for e in range(2)])
        right = out.argmax(1) == simulator.splits.train_y[order]
        assert rows[1, "train", "accuracy"] == pytest.approx(right[:150].mean())
        total = 150 * (rows[1, "train", "ltp_hidden"] + rows[2, "train", "ltp_hidden"])
        assert total == pytest.approx(state.pulses[0, 0]) != pytest.approx(state.pulses[0, 1])


def test_what_a_compiled_network_cannot_do_is_refused_before_anything_runs() -> None:
    for probe in ("angle", "dead"):
        with pytest.raises(ConfigError, match=f"{probe} cannot look at this run: steps of this network are compiled"):
            simulator_of(probes=[probe])
    with pytest.raises(ConfigError, match=r"rule\.gain_hidden belongs to crossbars"):
        simulator_of(**{"rule.gain_hidden": 3.0})


def test_a_network_that_sees_a_part_of_the_image_is_drawn(tmp_path: Path) -> None:
    """Its first weights are no images of the data's size; the summary is written before anything is drawn."""
    result = simulate({**SMALL, "network.crop": 6, "run.save": True, "run.root": str(tmp_path), "seeds": 1})
    assert (result.run_dir / "figures" / "weights.png").is_file() and (result.run_dir / "summary.json").is_file()


def test_an_epoch_is_so_many_draws_with_replacement() -> None:
    simulator = simulator_of(seeds=2)
    feed, streams = simulator.feeds.train, simulator.packs[0].model.streams
    order = feed.order(streams, 0)
    assert order.shape == (2, 150) and simulator.per_epoch == 4 and simulator.total == 8
    assert order.min() >= 0 and order.max() < 100 and not torch.equal(order[0], order[1])
    assert all(70 < len(row.unique()) < 85 for row in order)  # 100 (1 - exp(-1.5)) = 77.7 are met
    assert not torch.equal(order, feed.order(streams, 1)) and torch.equal(order, feed.order(streams, 0))
    with pytest.raises(ConfigError, match=r"data\.draws=0"):
        simulator_of(**{"data.draws": 0})
    assert config.resolve({"rule": "memristor", "network": "neurosim", "data": "digits"}).data.draws == 8000


def test_start_and_published_protocol() -> None:
    settings = config.resolve({"rule": "memristor", "network": "neurosim", "data": "mnist"}, locate=False)
    assert (settings.top.epochs, settings.data.draws, settings.data.standardise, settings.top.dtype) == (125, 8000, "none", "float64")
    assert (settings.network.units, settings.network.rate_hidden, settings.network.rate_output) == (100, 0.4, 0.2)
    weights = simulator_of(**{"network.units": 100}).packs[0].world.params["forward/0/weight"]
    values, counts = (3 * weights).round(decimals=9).unique(return_counts=True)
    assert values.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert (counts / weights.numel() - 1 / 7).abs().max() < 0.02


def network_of(shape: tuple[int, ...], **keys: Any) -> Any:
    return NeuroSim.build(NeuroSimConfig(**keys), shape, (10,), Sigmoid())


def test_the_central_part_of_an_image() -> None:
    network = network_of((1, 28, 28))
    x = torch.zeros(1, 2, 1, 28, 28, dtype=torch.float64)
    x[0, 0, 0, 4:24, 4:24] = 1
    x[0, 1, 0, 4, 5], x[0, 1, 0, 4, 6], x[0, 1, 0, 23, 23], x[0, 1, 0, 3, 4] = 0.5, 0.4999, 1, 1
    found = network.binary(x)
    assert found.shape == (1, 2, 400) and found.dtype == np.uint8 and found[0, 0].all()
    assert np.flatnonzero(found[0, 1]).tolist() == [1, 399]
    assert network_of((1, 8, 8)).binary(torch.ones(2, 3, 1, 8, 8)).shape == (2, 3, 64)
    assert network_of((1, 28, 28), crop=28).binary(x).sum() == 400 + 3
    assert network_of((30,)).layers[0].connection.in_shape == (30,)


def test_spread_of_devices() -> None:
    """Every device and seed its own curve; P pulses still span the range."""
    simulator = simulator_of(seeds=2, **{"network.nl_spread": 0.5})
    here = seen_by(simulator)
    first, second = devices_of(here, 0)[0], devices_of(here, 1)[0]
    assert first.up_a.shape == (64, 12) and not (first.up_a == second.up_a).any()
    g = np.zeros_like(first.up_a)
    for _ in range(64):
        g = g + first.up_a + first.up_b * g
    np.testing.assert_allclose(g, 1, atol=1e-9)
    for _ in range(64):
        g = g + first.down_a + first.down_b * g
    np.testing.assert_allclose(g, 0, atol=1e-9)
    # labels 0.5 + 0.5 xi: the first pulse of a device of label NL is 1/P times u/(1 - exp(-u)), and u = 0.792 NL for small NL
    steps = 64 * first.up_a
    assert 1.15 < steps.mean() < 1.3 and 0.15 < steps.std() < 0.3
    simulator.run()
    assert simulator.packs[0].world.state["pulses"].min() > 0


def test_read_noise_and_other_numbers_of_a_device() -> None:
    keys = {"network.read_noise": 0.1, "network.on_off": 5.0, "network.pulses": 32, "network.cycle_noise": 0.0, "network.adc_bits": 0}
    simulator = simulator_of(**keys)
    assert constants_of(seen_by(simulator), 2.0) == pytest.approx((0.8, 0.4, 32, 32, 0, 0.1, 0.25, 0))
    first = simulator.packs[0].model.rule.predict(seen_by(simulator))
    assert torch.equal(first, simulator.packs[0].model.rule.predict(seen_by(simulator)))
    simulator.run()
    assert np.isfinite([row[6] for row in simulator.recorder.rows if row[6] is not None]).all()


def test_energy_of_writing() -> None:
    """One pulse up from the middle, two pulses down from the top, by hand."""
    writing = WRITING["ag_asi"]
    pulses, load = np.array([[[1, 2], [0, 0]]]), np.array([[[0.5, 2 * 0.9], [0, 0]]])
    found = energy(1e-9, 11e-9, writing, pulses, load)
    assert found is not None and found[0] == pytest.approx(3.2**2 * 3e-4 * 6e-9 + 2.8**2 * 3e-4 * (2e-9 + 18e-9))
    assert energy(1e-9, 11e-9, None, pulses, load) is None
    result = simulate({**SMALL, "network.device": "ag_asi", "seeds": 2})
    state = result.simulator.packs[0].world.state
    pulses = result.summary["pulses"]
    for i, layer in enumerate(("forward/0/weight", "forward/1/weight")):
        assert pulses[layer] == {"potentiation": state["pulses"][:, i, 0].tolist(), "depression": state["pulses"][:, i, 1].tolist()}
    assert result.summary["refreshes"] == [0, 0]
    per_image = result.summary["ltd_output_per_image"]
    assert per_image == pytest.approx(state["pulses"][:, 1, 1].double().mean().item() / 300)
    least, most = 2.8**2 * 3e-4 * 3.0769e-9, 3.2**2 * 3e-4 * 3.8462e-8  # of one pulse
    totals = state["pulses"].sum((1, 2)).tolist()
    pairs = zip(result.summary["energy_joule"], totals)
    assert all(2 * least < joule / count < most for joule, count in pairs)
    assert "nJ an image" in result.summary["report"]


def test_looks_at_the_test_set_choose_nothing() -> None:
    plain, looking = simulator_of(), simulator_of(test_every=1)
    for one in (plain, looking):
        one.run()
    rows = [row for row in looking.recorder.rows if row[3] == "test"]
    assert [(row[0], row[4]) for row in rows] == [(e, m) for e in (1, 2) for m in ("loss", "accuracy")]
    assert [row for row in looking.recorder.rows if row[3] != "test"] == plain.recorder.rows
    a, b = (one.packs[0] for one in (plain, looking))
    assert all(torch.equal(a.best.arrays[key], b.best.arrays[key]) for key in a.best.arrays)
    here = seen_by(looking, looking.splits.test_x)
    answers = looking.packs[0].model.rule.predict(here)[0].argmax(-1).numpy()
    assert rows[-1][6] == pytest.approx((answers == looking.splits.test_y).mean())


def test_the_card_is_as_declared() -> None:
    """What a compiled loop hides is taken from the statement; that hidden devices learn from labels is measured."""
    card = card_of(rule="memristor", network="neurosim")
    assert not card.differs and card.needs_labels and card.network == "neurosim"
    assert set(card.declared) == {"weight_transport", "backward_locking", "update_locking", "phases"}
    assert card.weight_transport and card.update_locking and card.phases == 2 and not card.neighbours_only
    assert "yes (as declared)" in row(card)


def test_home_is_mnist_where_it_lies(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOPLAUS_DATA", str(tmp_path))
    assert Memristor.home({}) == {"data": "digits"}
    assert config.resolve({"rule": "memristor"}).data.name == "digits"
    monkeypatch.setattr("bioplaus.data.locate", lambda wanted: None)
    assert Memristor.home({}) == {"data": "mnist"}
    seen: list[DataConfig] = []
    monkeypatch.setattr("bioplaus.data.locate", seen.append)
    Memristor.home({"data.root": "elsewhere", "data.download": True})
    assert (seen[0].name, seen[0].root, seen[0].download) == ("mnist", "elsewhere", True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["network=autoencoder"], "rule=memristor cannot run on network=autoencoder, which is for autoencoding; try network=mlp"),
        (["rule=bp", "network=neurosim"], "rule=bp cannot run on network=neurosim, which is for classification on devices"),
        (["network.device=agasi"], "unknown device 'agasi', did you mean 'ag_asi'?"),
        (["network.device=ecram"], "network.device=ecram has steps, and network=neurosim counts pulses"),
        (["network.on_off=1"], "network.on_off=1.0 is out of range"),
        (["network.nl_up=20"], "nl_up=20"),
        (["data.standardise=auto"], "wants pixels in 0..1, these are in"),
        (["neuron=relu"], "network=neurosim has sigmoid units; leave out neuron=relu"),
        (["data.draws=-3"], "data.draws=-3 must be a whole number >= 1"),
    ],
)
def test_bad_settings_get_one_line(words: list[str], says: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [word for word in ("rule=memristor", "network=neurosim") if not any(one.startswith(word.partition("=")[0] + "=") for one in words)]
    answer = command("simulate", *given, "data=digits", "data.limit=20", *words)
    assert answer.code == 2 and says in answer.err.splitlines()[-1]
    assert not list(tmp_path.glob("runs/*/*"))


def test_out_of_the_box_and_loaded_again(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [f"{key}={value}" for key, value in SMALL.items() if key not in ("rule", "run.save")]
    answer = command("simulate", "rule=memristor", "backend=numba", "seeds=2", "--json", *words)
    summary = json.loads(answer.out)
    assert answer.code == 0 and summary["network"] == "neurosim" and summary["energy_joule"] is None
    assert "conductances.png" in {path.name for path in tmp_path.glob("runs/*/figures/*.png")}
    assert not any("mini-batch" in text or "softmax" in text for text in summary["plausibility"]["violated"])
    again = load(summary["run_dir"])
    x = again.simulator.splits.test_x[:9]
    answers = again.simulator.packs[0].model.rule.predict(seen_by_best(again, x)).argmax(-1).numpy()
    assert np.array_equal(again.predict(again.scale(x)).argmax(-1), answers)


def seen_by_best(result: Any, x: Any) -> Any:
    """A view of the first pack's selected weights."""
    pack = result.simulator.packs[0]
    batch = Batch(torch.from_numpy(x).double()[None], torch.zeros(1, len(x), dtype=torch.int64))
    return view(pack.model, pack.best.into(pack.world), batch, pack.clock(1, 1))
