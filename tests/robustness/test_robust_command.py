"""``bioplaus robustness RUN``: every rule, what is written, what agrees with the run, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import TINY, command
from matplotlib.image import imread

from bioplaus import api, registry, simulate
from bioplaus.robustness.heads import margins
from bioplaus.robustness.measure import parts
from bioplaus.robustness.run import robustness

NAMES = (
    "clean",
    "noise",
    "static_sigmoid",
    "static_softmax",
    "fgsm_paper",
    "fgsm_true64",
    "fgsm_margin",
    "pgd40_margin",
    "pgd40_loss",
    "pgd40_rivals",
    "gradient_free",
    "exact_worst_case",
    "zero_gradient_fraction",
    "worst",
)
ATTACKS = NAMES[4:12]
QUICK = {"steps": 3, "queries": 6, "figures": False}
FEW = {**TINY, "data.limit": 60, "batch_size": 20, "epochs": 1}
SPIKES = {"neuron": "lif", "neuron.steps": 5}
#: what makes a run of a rule small where FEW does not; "memory" has patterns to recall and no classes
OWN: dict[str, dict[str, Any]] = {
    "surrogate": SPIKES,
    "eprop": SPIKES,
    "decolle": SPIKES,
    "rstdp": SPIKES,
    "stdp": {"network": "diehl_cook", "network.neurons": 8, "network.image_time": 50.0, "network.rest_time": 20.0, "network.intensity": 32.0},
    "spikeprop": {"network": "spike_times", "network.delays": 3, "network.delay_step": 3.0, "network.dt": 1.0},
    "memristor": {"network": "neurosim", "network.device": "epiram", "network.units": 12},
    "ep": {"rule.steps": 5},
    "cascor": {"network": "cascade", "batch_size": 1000, "epochs": 120, "rule.output_patience": 5, "rule.candidate_patience": 5},
    "perforated": {"rule.switch_mode": "every_epoch", "rule.controls": False, "epochs": 3},
}
WITHOUT = {"stdp": "compiled loop", "memristor": "compiled loop", "rstdp": "no error finds a way back"}


def run_of(root: Path, **keys: Any) -> Path:
    given = {**TINY, **keys, "run.root": str(root)}
    if "network" in keys:
        given.pop("network.hidden", None)
    found = simulate({key.replace("__", "."): value for key, value in given.items()}).run_dir
    assert found is not None
    return found


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of a net without hidden layers, in packs of their own, on standardised images."""
    more = {"network.hidden": [], "data.limit": 600, "epochs": 8, "run.pack": "1", "network.bias": True}
    return run_of(tmp_path_factory.mktemp("linear"), rule="bp", seeds=2, **more)


@pytest.fixture(scope="module")
def found(linear: Path) -> dict[str, Any]:
    answer = command("robustness", str(linear), "eps=0.05", "data.limit=60", "queries=30", "--json")
    assert answer.code == 0, answer.err
    return dict(json.loads(answer.out))


def everything(run: Path) -> dict[str, str]:
    return {str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(run.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("rule", [name for name in registry.RULES.names() if name != "multitasking" and registry.RULES.is_built_in(name)])
def test_every_rule(rule: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**FEW, **OWN.get(rule, {})}, rule=rule, seeds=2)
    values = robustness(run, {**QUICK, "eps": 0.1, "data.limit": 6}).values
    gradient = ("fgsm_paper", "fgsm_true64", "fgsm_margin", "pgd3_margin", "pgd3_loss", "pgd3_rivals", "zero_gradient_fraction")
    for name in ("clean", "noise", "gradient_free", "worst", *(() if rule in WITHOUT else gradient)):
        shares = values[name]["values"]
        assert len(shares) == 2 and all(share * 6 == pytest.approx(round(share * 6)) and 0 <= share <= 1 for share in shares), name
        assert name in ("noise", "zero_gradient_fraction") or all(w <= s for w, s in zip(values["worst"]["values"], shares)), name
    if rule in WITHOUT:
        assert values["gradient"] is None and all(values[name] is None and WITHOUT[rule] in values["reasons"][name] for name in gradient)
    assert values["exact_worst_case"] is None and "linear layer" in values["reasons"]["exact_worst_case"]


def test_what_is_said(linear: Path, found: dict[str, Any]) -> None:
    assert set(NAMES) <= set(found) and found["reasons"] == {} and found["images"] == 60
    for name in NAMES:
        values = found[name]["values"]
        assert len(values) == 2 and found[name]["mean"] == pytest.approx(np.mean(values)) and len(found[name]["ci95"]) == 2
    for seed in range(2):
        least = min(found[name]["values"][seed] for name in ("clean", *ATTACKS))
        assert found["worst"]["values"][seed] <= least
        assert found["worst"]["values"][seed] == found["exact_worst_case"]["values"][seed]  # nothing beats it on a linear net
    assert found["worst"]["mean"] < found["clean"]["mean"]


def test_what_is_written(linear: Path, found: dict[str, Any]) -> None:
    """A table and two figures in a folder of their own, and nothing else of the run changes."""
    before = {name: sha for name, sha in everything(linear).items() if not name.startswith("robustness")}
    answer = command("robustness", str(linear), "eps=0.1", "data.limit=20", "steps=4", "queries=5")
    assert answer.code == 0 and "WORST" in answer.out and "seeds" not in answer.err
    after = everything(linear)
    assert {name: sha for name, sha in after.items() if not name.startswith("robustness")} == before
    assert set(after) - set(before) == {f"robustness/{name}" for name in ("robustness.json", "robustness.png", "attacked.png")}
    kept = json.loads((linear / "robustness" / "robustness.json").read_text())
    assert kept["eps"] == 0.1 and [point["eps"] for point in kept["curve"]] == [0, 0.025, 0.05, 0.075, 0.1]
    assert kept["curve"][-1]["worst"] == kept["worst"] and kept["curve"][0]["worst"] == kept["clean"]
    for name in ("robustness.png", "attacked.png"):
        picture = imread(linear / "robustness" / name)[..., :3]
        assert min(picture.shape[:2]) > 200 and picture.std() > 0.02
    robustness(linear, {**QUICK, "data.limit": 20})
    assert [path.name for path in (linear / "robustness").iterdir()] == ["robustness.json"]  # no figures of other numbers


def test_a_box_without_width(linear: Path) -> None:
    values = robustness(linear, {**QUICK, "steps": 40, "eps": 0, "data.limit": 40}).values
    for name in (*ATTACKS, "worst"):
        assert values[name]["values"] == values["clean"]["values"], name


def test_clean_and_noise_and_static_are_the_runs_own(linear: Path) -> None:
    """The same by the public interface: accuracy of the run, accuracy under noise of a seed, and ratios of largest sigmoids."""
    values, result = robustness(linear, {**QUICK, "seed": 5}).values, api.load(linear)
    assert values["clean"]["values"] == pytest.approx(result.summary["test_accuracy"]["values"])
    splits = result.simulator.splits
    images = np.clip(splits.test_x.astype(np.float64) * splits.std[0] + splits.mean[0], 0, 1)
    u = np.random.default_rng(5).random(images.shape, dtype=np.float32)
    said = result.predict(result.scale(np.clip(images + 0.1 * u, 0, 1)))
    assert values["noise"]["values"] == pytest.approx((said.argmax(-1) == splits.test_y).mean(-1))
    clean, static = result.predict(result.scale(images)), result.predict(result.scale(u))
    ratio = (1 / (1 + np.exp(-static.max((1, 2))))) / (1 / (1 + np.exp(-clean.max((1, 2)))))
    assert values["static_sigmoid"]["values"] == pytest.approx(ratio, rel=1e-5)


def test_draws_follow_from_the_seed(linear: Path) -> None:
    given = {**QUICK, "eps": 0.1, "data.limit": 60, "restarts": 3}
    a, b, c = (robustness(linear, {**given, "seed": seed}).values for seed in (0, 0, 1))
    assert a == b and a["gradient_free"] != c["gradient_free"]


def test_spikes_with_a_slope_and_codes_without(tmp_path: Path) -> None:
    """Rate codes are drawn by place and pass a gradient; latency codes round times and pass none."""
    for kind, there in (("rate", True), ("latency", False)):
        run = run_of(tmp_path, **{**FEW, **SPIKES}, rule="surrogate", data__encode=kind, data__standardise="none")
        values = robustness(run, {**QUICK, "eps": 0.2, "data.limit": 8}).values
        assert (values["fgsm_margin"] is not None) == there and values["gradient_free"] is not None
        assert there or "rounds spike times" in values["reasons"]["fgsm_margin"]
        assert values["static_softmax"] is None and "no logits" in values["reasons"]["static_softmax"]
        robustness(run, {**QUICK, "eps": 0, "data.limit": 8})


def test_a_network_on_devices(tmp_path: Path) -> None:
    """What is read back from devices is what is attacked: clean is the run's own accuracy, and the slope is the network's."""
    run = run_of(tmp_path, **{**FEW, "plasticity": "memristor", "network.hidden": []}, rule="bp", seeds=2)
    values = robustness(run, {**QUICK, "eps": 0.1}).values
    assert values["gradient"] == "adjoint" and values["clean"]["values"] == pytest.approx(api.load(run).summary["test_accuracy"]["values"])
    assert values["exact_worst_case"]["values"] == values["worst"]["values"] and values["rivals"] == 9


REFUSED = [
    ("eps=-0.1", 2, "eps=-0.1 must be a number from 0 to 1"),
    ("eps=1.5", 2, "eps=1.5 must be a number from 0 to 1"),
    ("eps=much", 2, "eps=much must be a number from 0 to 1"),
    ("eps=true", 2, "eps=True must be a number from 0 to 1"),
    ("esp=0.1", 2, "robustness takes eps=0.3 or a list, data.limit=n, curve.limit=1000, steps=40, restarts=2, rivals=9, queries=200, seed=0, "),
    ("esp=0.1", 2, "weights=selected|final, figures=true|false, not esp"),
    ("eps=[0.1,2]", 2, "eps=[0.1, 2] must be a number from 0 to 1"),
    ("eps=[]", 2, "eps=[] must be a number from 0 to 1"),
    ("curve.limit=0", 2, "curve.limit=0 must be a whole number >= 1"),
    ("rivals=0", 2, "rivals=0 must be a whole number >= 1"),
    ("weights=best", 2, "weights=best must be selected or final"),
    ("steps=0", 2, "steps=0 must be a whole number >= 1"),
    ("restarts=1.5", 2, "restarts=1.5 must be a whole number >= 1"),
    ("queries=-1", 2, "queries=-1 must be a whole number >= 1"),
    ("seed=-1", 2, "seed=-1 must be a whole number >= 0"),
    ("figures=3", 2, "figures=3 must be true or false"),
    ("data.limit=0", 2, "data.limit=0 must be a whole number >= 1"),
    ("data.limit=99999", 2, "data.limit=99999 must be between 1 and"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSED, ids=[case[0] for case in REFUSED])
def test_bad_options(words: str, code: int, said: str, linear: Path) -> None:
    one_line(command("robustness", str(linear), words), code, said)


def test_a_list_of_eps_and_few_images_of_a_curve(linear: Path) -> None:
    """The largest is the table's; the curve is that of the first images, which each eps by itself gives too; eps = 0 leaves them as they are."""
    words = ("data.limit=60", "steps=4", "queries=5", "--json")
    answer = command("robustness", str(linear), "eps=[0.1,0,0.02]", "curve.limit=30", "figures=false", *words)
    values = json.loads(answer.out)
    less, more = (
        json.loads(command("robustness", str(linear), f"eps={eps}", "data.limit=30", "figures=false", *words[1:]).out) for eps in (0.02, 0.1)
    )
    assert values["eps"] == 0.1 and values["curve_images"] == 30 and [point["eps"] for point in values["curve"]] == [0, 0.02, 0.1]
    names = [name for name in NAMES if not name.startswith("static") and name not in ("noise", "zero_gradient_fraction")]
    names = [name.replace("pgd40", "pgd4") for name in names]
    for name in names:
        assert values["curve"][0][name]["values"] == values["curve"][0]["clean"]["values"]
        assert values["curve"][1][name] == less[name] and values["curve"][2][name] == more[name], name
    assert values["worst"]["values"] != values["curve"][2]["worst"]["values"]  # of 60 images, and of 30
    said = command("robustness", str(linear), "eps=[0.02]", "curve.limit=30", "figures=false", *words[:-1]).out
    assert "the first 30 images (curve.limit)" in said


def test_the_folder_is_tried_before_anything_is_measured(linear: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file stands where the folder should be; then the disk takes no files. Neither costs a measurement."""

    def measured(*_: Any) -> Any:
        raise AssertionError("measured first")

    monkeypatch.setattr("bioplaus.robustness.run.measured", measured)
    folder, aside = linear / "robustness", linear / "aside"
    if folder.exists():
        folder.rename(aside)
    folder.write_text("in the way")
    try:
        one_line(command("robustness", str(linear), "data.limit=5"), 1, "cannot write into the folder")
        folder.unlink()

        def full(**_: Any) -> Any:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("bioplaus.robustness.run.TemporaryFile", full)
        one_line(command("robustness", str(linear), "data.limit=5"), 1, "No space left on device; mend")
    finally:
        folder.rmdir() if folder.is_dir() else folder.unlink()
        if aside.exists():
            aside.rename(folder)


def test_final_weights(tmp_path: Path) -> None:
    """Accuracy of the last update's weights, by a product in NumPy of what lies in the last checkpoint."""
    from safetensors.numpy import load_file

    keys = {"network.hidden": [], "network.bias": True, "rule.lr": 10.0, "epochs": 12, "plasticity": "sgd"}
    run = run_of(tmp_path, **{**FEW, **keys}, rule="bp", seeds=2)
    splits, last = api.load(run).simulator.splits, load_file(run / "checkpoints" / "last.safetensors")
    keys_of = {key.rsplit("/", 1)[-1]: key for key in last if "params/forward/0/" in key}
    weight, bias = last[keys_of["weight"]], last[keys_of["bias"]]
    z = np.einsum("bi,rki->rbk", splits.test_x.reshape(len(splits.test_x), -1), weight) + bias[:, None]
    final, selected = (robustness(run, {**QUICK, "weights": which}).values for which in ("final", "selected"))
    assert final["clean"]["values"] == pytest.approx((z.argmax(-1) == splits.test_y).mean(-1), abs=1e-9)
    assert selected["clean"]["values"] == pytest.approx(api.load(run).summary["test_accuracy"]["values"], abs=1e-9)
    assert final["clean"] != selected["clean"] and final["weights"] == "final"


def one_line(answer: Any, code: int, said: str) -> None:
    assert answer.code == code and answer.out == ""
    assert len(answer.err.splitlines()) == 1 and answer.err.startswith("bioplaus: ") and said in answer.err, answer.err


def test_bad_runs(tmp_path: Path) -> None:
    one_line(command("robustness", str(tmp_path / "nowhere")), 1, "no run directory")
    one_line(command("robustness", str(tmp_path)), 1, "is not a run of bioplaus")
    run = run_of(tmp_path, **FEW, rule="bp")
    for file in (run / "checkpoints").iterdir():
        file.unlink()
    answer = command("robustness", str(run))
    one_line(answer, 1, "checkpoint")


def test_runs_without_a_classifier(tmp_path: Path) -> None:
    recall = run_of(tmp_path, rule="multitasking", network="memory", data="patterns", data__N=60, data__K=2, data__limit=None)
    one_line(command("robustness", str(recall)), 2, "is a run without a classifier")
    images = run_of(tmp_path, **FEW, rule="bp", network="autoencoder", network__channels=[4])
    one_line(command("robustness", str(images), "eps=0.1"), 2, "is a run without a classifier")
    assert not (images / "robustness").exists()


def test_inputs_that_are_no_pixels(tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**FEW, "data": "synthetic"}, rule="bp")
    one_line(command("robustness", str(run)), 2, "has inputs that are not pixels in 0..1")


@pytest.mark.parametrize(
    "keys",
    [
        {"rule": "bp", "network.norm": "batch"},
        {"rule": "bp", "network": "cnn5", "network.channels": [3, 4]},
        {"rule": "ff"},
        {"rule": "ep", "rule.steps": 8},
    ],
    ids=["norm", "cnn5", "ff", "ep"],
)
def test_slopes_of_trained_networks(keys: dict[str, Any], tmp_path: Path) -> None:
    """Along a random direction, by differences of what the rule itself predicts."""
    result = api.load(run_of(tmp_path, **{**FEW, "neuron": "tanh", **keys}))
    simulator = result.simulator
    part = next(parts(simulator, simulator.packs[0], 5))
    draw, step = np.random.default_rng(0), 1e-6
    # no two pixels alike: a background of equal ones is a kink for pools, and for rules that look at the darkest
    at, way = (torch.from_numpy(drawn) for drawn in (draw.uniform(0.1, 0.9, part.x.shape), draw.standard_normal(part.x.shape)))
    seen = part.victim.look(at)
    torch.testing.assert_close(seen.scores, part.victim.scores(at))
    slope = (seen.pull(part.victim.head.of_margin(seen.out, part.y)) * way).flatten(2).sum(-1)
    ahead, behind = (margins(part.victim.scores(at + sign * step * way), part.y) for sign in (1, -1))
    torch.testing.assert_close(slope, (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-6)


def test_classes_that_no_image_shows_are_named(tmp_path: Path) -> None:
    run = simulate({"rule": "bp", "data": "digits", "network.hidden": [], "epochs": 1, "run.root": str(tmp_path)}).run_dir
    answer = command("robustness", str(run), "data.limit=3", "figures=false", "steps=2", "queries=2")
    assert answer.code == 0
    found = robustness(run, {"data.limit": 3, "figures": False, "steps": 2, "queries": 2}).values
    shown = set(api.load(run).simulator.feeds.test.y[:3].tolist())
    assert set(found["classes_missing"]) == set(range(10)) - shown and "No image of class" in answer.out
    assert robustness(run, {"figures": False, "steps": 2, "queries": 2}).values["classes_missing"] == []
