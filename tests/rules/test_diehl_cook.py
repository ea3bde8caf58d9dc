"""STDP in the network of Diehl & Cook through the simulator, beside the compiled loop driven by hand; labels; who is refused; backends."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from driving import command

from bioplaus import config, data, load, simulate
from bioplaus.api import Result
from bioplaus.diehl_cook.network import State, assign_labels, predict, respond, train
from bioplaus.errors import ConfigError
from bioplaus.networks.diehl_cook import DiehlCook, DiehlCookConfig
from bioplaus.neurons.smooth import Identity
from bioplaus.rules.diehl_cook import assignment, state_of
from bioplaus.simulator import Simulator
from bioplaus.view import Batch
from bioplaus.world import view

#: a small network that fires often enough, on images of 64 pixels
SMALL: dict[str, Any] = {
    "rule": "stdp",
    "network.neurons": 8,
    "network.image_time": 100.0,
    "network.rest_time": 20.0,
    "network.intensity": 16.0,
    "network.theta_plus": 0.3,
    "network.gate_e": 10.0,
    "data.limit": 70,
    "epochs": 1,
    "run.save": False,
}


def simulator_of(**keys: Any) -> Simulator:
    settings = config.resolve({**SMALL, **keys})
    return Simulator(settings, data.load(settings.data, settings.seed_list))


def run(**keys: Any) -> Result:
    return simulate({**SMALL, **keys})


def seen_by(simulator: Simulator, pack: int = 0) -> Any:
    """A view of a pack's world as it is, on its training images in their order in the data."""
    one = simulator.packs[pack]
    batch = next(simulator.feeds.train.chunks(1000))
    return view(one.model, one.world, batch, one.clock(1, 1))


def by_hand(simulator: Simulator, replica: int) -> tuple[State, Any, Any, Any]:
    """Present all images of an epoch in one call to the compiled loop; return the network, responses, tries and labels."""
    here = seen_by(simulator)
    state, p = state_of(here, replica), here.networks["forward"].parameters
    order = simulator.feeds.train.order(here.streams, 0)[replica].numpy()
    images = np.rint(simulator.splits.train_x[order].reshape(len(order), -1) * 255).astype(np.uint8)
    counts, tries = train(state, images, p)
    return state, counts, tries, simulator.splits.train_y[order]


@pytest.mark.parametrize("batch_size", [100, 9])
def test_a_run_is_one_call_of_the_compiled_loop(batch_size: int) -> None:
    """Whatever the batches, up to the rounding with which a change is added at their ends; test answers by the published recipe."""
    simulator = simulator_of(seeds=2, batch_size=batch_size)
    expected = [by_hand(simulator, r) for r in range(2)]
    simulator.run()
    world, splits = simulator.packs[0].world, simulator.splits
    here = seen_by(simulator)
    p = here.networks["forward"].parameters
    images = np.rint(splits.test_x.reshape(len(splits.test_x), -1) * 255).astype(np.uint8)
    test = view(
        simulator.packs[0].model, world, next(simulator.feeds.test.chunks(1000)), simulator.packs[0].clock(1, 1)
    )
    answers = simulator.packs[0].model.rule.predict(test).argmax(-1).numpy()
    for r, (state, counts, tries, y) in enumerate(expected):
        found = state_of(here, r)
        for name in State._fields:
            np.testing.assert_allclose(getattr(found, name), getattr(state, name), rtol=1e-12, atol=1e-12, err_msg=name)
        assert counts.sum() > 300 and world.state["tries"][r] == tries.sum() > 70
        labels = assign_labels(counts, y)
        np.testing.assert_array_equal(assignment(here)[r], labels)
        np.testing.assert_array_equal(answers[r], predict(respond(found, images, p, seed=r)[0], labels))
    rows = {(row[3], row[4]): row[6] for row in simulator.recorder.rows if row[2] == 0}
    state, counts, tries, y = expected[0]
    if batch_size == 100:  # one batch: nothing was labelled before it
        assert rows["train", "loss"] == pytest.approx(0.9)
        assert rows["train", "spikes"] == pytest.approx(counts.sum(1).mean()) and rows[
            "train", "tries"
        ] == pytest.approx(tries.mean())
        assert rows["train", "theta"] == pytest.approx(state.theta.mean())


def test_labels_teach_nothing() -> None:
    """Every label another one: the same weights, thresholds and spikes, other names."""
    plain, other = simulator_of(batch_size=20), simulator_of(batch_size=20)
    other.feeds.train.y.copy_((other.feeds.train.y + 1) % 10)
    for one in (plain, other):
        one.run()
    a, b = (one.packs[0].world for one in (plain, other))
    assert all(torch.equal(a.params[key], b.params[key]) for key in a.params)
    assert all(torch.equal(a.state[key], b.state[key]) for key in a.state)
    named, renamed = (assignment(seen_by(one))[0] for one in (plain, other))
    assert (named >= 0).sum() > 4
    sums = a.buffers["forward/0/responses"].sum(1)
    assert torch.equal(sums.roll(1, 1), b.buffers["forward/0/responses"].sum(1))
    assert not np.array_equal(named, renamed)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_labels_are_of_the_last_images(batch_size: int) -> None:
    """A window of 30 in ten parts: after 70 images the parts of 3 that hold images 43 .. 70."""
    simulator = simulator_of(batch_size=batch_size, **{"network.window": 30})
    _, counts, _, y = by_hand(simulator, 0)
    simulator.run()
    world = simulator.packs[0].world
    images, sums = (world.buffers[f"forward/0/{name}"].sum(1)[0].numpy() for name in ("images", "responses"))
    kept = slice(42, 70)  # part 23 (images 70 ..) has begun with one image, and part 13 has made place for it
    np.testing.assert_array_equal(images, np.bincount(y[kept], minlength=10))
    np.testing.assert_array_equal(sums, np.stack([counts[kept][y[kept] == c].sum(0) for c in range(10)]))
    np.testing.assert_array_equal(assignment(seen_by(simulator))[0], assign_labels(counts[kept], y[kept]))


def test_answers_depend_on_the_image_alone() -> None:
    result = run()
    x = torch.from_numpy(result.simulator.splits.test_x[:40])
    whole = result.predict(x)
    assert whole.shape == (1, 40, 10) and whole.sum() > 20
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(result.predict(x[order]), whole[:, order])
    assert np.array_equal(np.concatenate([result.predict(x[i : i + 7]) for i in range(0, 40, 7)], 1), whole)


def test_running_arrays_move_in_training_only_and_go_with_the_epoch_that_is_selected() -> None:
    simulator = simulator_of(epochs=2, **{"data.limit": 30})
    pack = simulator.packs[0]
    start = {key: value.clone() for key, value in pack.world.buffers.items()}
    pack.evaluate(simulator.feeds)
    pack.model.rule.predict(seen_by(simulator))
    assert all(torch.equal(pack.world.buffers[key], start[key]) for key in start)
    simulator.run()
    assert all(not torch.equal(pack.world.buffers[key], start[key]) for key in start)
    pack.best.offer(pack.world, {"loss": torch.tensor([-1.0])}, 2)  # this epoch counts
    chosen = pack.best.into(pack.world)
    pack.world.buffers["forward/0/theta"] += 5  # what comes after it does not
    assert torch.equal(pack.best.into(pack.world).buffers["forward/0/theta"], chosen.buffers["forward/0/theta"])


def test_findings_say_what_the_network_does() -> None:
    result = run(seeds=2)
    s, p = result.summary, result.simulator.packs[0].model.networks["forward"].parameters
    assert s["firing_rate_hz"] == pytest.approx(1000 * s["firing_rate"][0] / p.dt)
    assert s["spikes_per_image"] == pytest.approx(s["firing_rate"][0] * p.neurons * 200)  # 100 ms
    theta = result.simulator.packs[0].world.buffers["forward/0/theta"]
    assert s["theta_mean"] == pytest.approx(float(theta.mean())) and s["theta_max"] == pytest.approx(float(theta.max()))
    assert sum(s["neurons_per_class"]) + p.neurons * s["silent_share"][0] == pytest.approx(p.neurons)
    # inputs fire in at least one presentation, each reaching all neurons
    images = result.simulator.splits.test_x[:256].reshape(256, -1) * 255
    least = images.sum(1).mean() / 8 * p.intensity * p.image_time / 1000 * p.neurons
    assert least < s["synaptic_operations_per_sample"] < 1.5 * s["test_tries_per_image"] ** 2 * least + 200
    assert [picture.name for picture in result.findings.pictures] == ["receptive_fields.png", "thresholds.png"]
    mosaic = result.findings.pictures[0]
    shown, named = np.asarray(mosaic.tiles), assignment(seen_by(result.simulator))[0]  # type: ignore[union-attr]
    assert shown.shape == (8, 8, 8) and list(mosaic.captions) == [
        str(c) if c >= 0 else "-" for c in sorted(named, key=lambda c: (c < 0, c))
    ]  # type: ignore[union-attr]
    np.testing.assert_allclose(np.sort(shown.reshape(8, -1), 0), np.sort(result.parameters(0)["forward/0/weight"], 0))
    assert s["flops_per_sample"] is None and s["spiking_warning"] is None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"network.intensity": 1e-6, "network.intensity_step": 0, "network.most_tries": 2},
            "either none fired",
        ),
        ({"network.intensity": 3.0, "network.intensity_step": 3.0}, "times on average until the network fired"),
    ],
)
def test_a_network_that_hardly_fires_is_warned_of(keys: dict[str, Any], says: str) -> None:
    assert says in run(**{"data.limit": 20, **keys}).summary["spiking_warning"]


def test_gain_of_thresholds_and_sum_of_weights_follow_the_size() -> None:
    def built(pixels: int = 784, **keys: Any) -> Any:
        return DiehlCook.build(DiehlCookConfig(**keys), (1, pixels), (10,), Identity()).parameters  # type: ignore[attr-defined]

    gains = {n: built(neurons=n).theta_plus for n in (100, 200, 400, 6400)}
    assert gains == {100: 0.0125, 200: 0.025, 400: 0.05, 6400: 0.05}
    assert built(neurons=100, theta_plus=0.05).theta_plus == 0.05
    assert (
        built().total == pytest.approx(78)
        and built(64).total == pytest.approx(78 * 64 / 784)
        and built(64, total=9.0).total == 9
    )


def test_weights_start_positive_and_delays_fill_their_range() -> None:
    simulator = simulator_of(seeds=2, **{"network.neurons": 100})
    world = simulator.packs[0].world
    weights = world.params["forward/0/weight"] / 0.3
    assert 0.01 <= weights.min() < 0.02 and 1.0 < weights.max() <= 1.01 and abs(weights.mean() - 0.51) < 0.02
    assert weights.dtype == torch.float64 and not torch.equal(weights[0], weights[1])
    delays = world.state["delays"]
    assert delays.min() == 0 and delays.max() == 20 and abs(delays.double().mean() - 10) < 0.4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data.standardise=auto"], "wants pixels in 0..1, these are in -0.822..1.84; use data.standardise=none"),
        (["neuron=relu"], "network=diehl_cook has neurons of its own; leave out neuron=relu"),
        (["neuron=lif"], "network=diehl_cook has cells of its own; use it with rule=stdp and without neuron=lif"),
        (["network.dt=0"], "network.dt=0.0 is out of range"),
        (["network.theta_pls=1"], "unknown key 'network.theta_pls', did you mean 'network.theta_plus'"),
        (
            ["backend=brian2", "brian_target=cpp_standalone"],
            "whether an image is shown again depends on its spikes; take brian_target=cython",
        ),
        (["backend=brian2", "network.rest_time=9"], "network.rest_time=9 is shorter than delays of up to 10 ms"),
    ],
)
def test_bad_settings_get_one_line(words: list[str], says: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("simulate", "rule=stdp", "network=diehl_cook", "data.limit=20", *words)
    assert answer.code == 2 and says in answer.err.splitlines()[-1]
    assert not list(tmp_path.glob("runs/*/*"))


@pytest.mark.parametrize(("words", "says"), [
    (["rule=bp", "network=diehl_cook"], "rule=bp cannot run on network=diehl_cook, which is for labelling"),
    (["rule=bp", "backend=brian2"], "backend=brian2 cannot run this: it knows network=diehl_cook"),
])  # fmt: skip
def test_who_does_not_fit_is_refused(words: list[str], says: str) -> None:
    answer = command("simulate", *words)
    assert answer.code == 2 and says in answer.err.splitlines()[-1]


def test_out_of_the_box_and_loaded_again(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [f"{key}={value}" for key, value in SMALL.items() if key not in ("rule", "run.save")]
    answer = command("simulate", "rule=stdp", "backend=numba", "--json", *words)
    summary = json.loads(answer.out)
    assert (
        answer.code == 0
        and summary["network"] == "diehl_cook"
        and summary["backend"] == "numba"
        and summary["data"] == "digits"
    )
    figures = {path.name for path in tmp_path.glob("runs/*/figures/*.png")}
    assert figures == {"learning_curves.png", "receptive_fields.png", "thresholds.png", "weights.png"}
    again = load(summary["run_dir"])
    x = again.scale(again.simulator.splits.test_x[:9])
    first = again.simulator.packs[0]
    expected = first.model.rule.predict(
        view(
            first.model,
            first.world,
            Batch(torch.from_numpy(x).double()[None], torch.zeros(1, 9, dtype=torch.int64)),
            first.clock(1, 1),
        )
    )
    assert np.array_equal(again.predict(x), expected.numpy())


@pytest.mark.filterwarnings("ignore")
def test_backends_agree() -> None:
    """numba is loop, bit for bit; Brian2, given the same input spikes, up to rounding."""
    few = {"data.limit": 4, "network.neurons": 5, "batch_size": 2, "network.image_time": 60.0}
    loop, numba = run(**few), run(backend="numba", **few)
    a, b = (one.simulator.packs[0].world.arrays() for one in (loop, numba))
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
    pytest.importorskip("brian2")
    brian = run(backend="brian2", brian_target="numpy", **few)
    c = brian.simulator.packs[0].world.arrays()
    for key, value in a.items():
        torch.testing.assert_close(c[key], value, rtol=1e-11, atol=1e-11, msg=key)
    assert brian.summary["backend"] == "brian2" and brian.summary["test_accuracy"] == loop.summary["test_accuracy"]
    assert a["state/tries"].sum() >= 4 and a["buffers/forward/0/responses"].sum() >= 20


@pytest.mark.usefixtures("without_brian2")
def test_without_brian2_one_line_says_which_versions_work() -> None:
    with pytest.raises(
        ConfigError, match=r"^backend=brian2: Brian2 cannot be imported .*; Brian2 2\.9 works with numpy < 2\.4"
    ):
        simulator_of(backend="brian2")
