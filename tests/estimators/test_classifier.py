"""The classifier is the run of the command line on arrays; it goes on where it stands, and keeps nothing but arrays."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import ROOT
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from bioplaus import BioplausClassifier, data, registry, simulate
from bioplaus.data.base import DataConfig
from bioplaus.errors import ConfigError, RunError

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
SMALL: dict[str, Any] = {"hidden": (8,), "epochs": 3, "batch_size": 32, "random_state": 3}
#: rules that another network or task asks for
OTHERS = {"multitasking": "recalls patterns"}


@pytest.mark.parametrize("rule", ["ccl", "fa"])
def test_is_simulate_on_the_same_split(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits with one mean and deviation for all pixels, as `simulate` scales them: same weights and scores, bit for bit."""
    monkeypatch.chdir(tmp_path)
    keys = {"data.limit": None, "data.split_seed": 3, "network.hidden": [12], "run.save": False, "probes": []}
    run = simulate(keys, rule=rule, data="digits", epochs=2, seed=3)
    raw = data.digits.read(DataConfig(split_seed=3))
    train, test = ((x.reshape(len(x), 64) / 16).astype(np.float32) for x in (raw.train_x, raw.test_x))
    model = BioplausClassifier(rule=rule, hidden=(12,), epochs=2, bias=False, standardise="global", shape=(1, 8, 8), random_state=3)
    model.fit(train, raw.train_y)
    for key, value in run.parameters(3).items():
        np.testing.assert_array_equal(model.network_.selected[f"params/{key}"][0], value)
    assert model.score(test, raw.test_y) == run.summary["test_accuracy"]["values"][0]
    np.testing.assert_array_equal(model.decision_function(test), run.predict(run.scale(raw.test_x / 16))[0])
    assert model.selected_epoch_ == run.summary["selected_epoch"][0] and model.n_iter_ == 2
    assert not list(tmp_path.iterdir())  # neither left a run directory behind


@pytest.mark.parametrize("rule", [name for name in registry.RULES.names() if name not in OTHERS])
def test_every_rule_that_tells_classes_apart_fits(rule: str) -> None:
    extra = {"rule.n_epochs_to_switch": 1} if rule == "perforated" else None
    model = BioplausClassifier(rule=rule, epochs=2, random_state=0, settings=extra).fit(X, NAMES)
    shares = model.predict_proba(X[::10])
    assert set(model.predict(X)) <= set(NAMES) and shares.shape == (15, 3)
    np.testing.assert_allclose(shares.sum(1), 1)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))


@pytest.mark.parametrize("rule", OTHERS)
def test_other_rules_say_why_they_do_not(rule: str) -> None:
    with pytest.raises(ValueError, match=OTHERS[rule]) as caught:
        BioplausClassifier(rule=rule).fit(X, NAMES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("plasticity", ["sgd", "adam"])
def test_epochs_one_by_one_are_a_fit(plasticity: str) -> None:
    """Moments, counters, order of samples and clock go on: three calls, or a fit of two and a call, are a fit of three epochs."""
    keys = {**SMALL, "plasticity": plasticity, "lr": 0.01, "validation_fraction": 0, "rule": "kp"}
    whole = BioplausClassifier(**keys).fit(X, NAMES)
    single = BioplausClassifier(**keys)
    for _ in range(3):
        single.partial_fit(X, NAMES, classes=np.unique(NAMES))
    part = BioplausClassifier(**{**keys, "epochs": 2}).fit(X, NAMES)
    part = pickle.loads(pickle.dumps(part)).partial_fit(X, NAMES)
    for other in (single, part):
        assert other.network_.arrays.keys() == whole.network_.arrays.keys() and other.network_.step == 15 and other.n_iter_ == 3
        for key, value in whole.network_.arrays.items():
            np.testing.assert_array_equal(other.network_.arrays[key], value, err_msg=key)
        np.testing.assert_array_equal(other.predict_proba(X), whole.predict_proba(X))
        np.testing.assert_allclose(other.loss_curve_, whole.loss_curve_, rtol=1e-12)


def test_a_seed_fixes_everything_and_orders_the_samples() -> None:
    one, two, other = (BioplausClassifier(**{**SMALL, "random_state": seed}).fit(X, Y).decision_function(X) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)
    drawn = BioplausClassifier(**{**SMALL, "random_state": np.random.RandomState(0)}).fit(X, Y)
    np.testing.assert_array_equal(drawn.decision_function(X), clone(drawn).set_params(random_state=drawn.seed_).fit(X, Y).decision_function(X))


def test_a_pickle_holds_arrays_and_works_elsewhere(tmp_path: Path) -> None:
    model = BioplausClassifier(**SMALL).fit(X, NAMES)
    expected = model.predict(X)
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps(model))
    kinds = {type(value) for value in {**model.network_.arrays, **model.network_.selected}.values()}
    assert kinds == {np.ndarray} and b"_rebuild_tensor" not in file.read_bytes()
    code = (
        "import pickle, numpy as np\nfrom sklearn.datasets import load_iris\n"
        f"print(*pickle.load(open({str(file)!r}, 'rb')).predict(load_iris().data))"
    )
    where = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=where)
    assert found.stdout.split() == list(expected)
    assert [p.name for p in tmp_path.iterdir()] == ["model.pickle"]


def scales(x: NDArray[Any], kind: str) -> NDArray[Any]:
    """Scaling by hand."""
    if kind == "feature":
        return np.stack([(c - c.mean()) / c.std() for c in x.T], 1)
    if kind == "global":
        return (x - x.mean()) / x.std()
    return np.stack([(c - c.min()) / (c.max() - c.min()) for c in x.T], 1) if kind == "range" else x


@pytest.mark.parametrize("kind", ["feature", "global", "range", "none"])
def test_scaling_is_that_of_the_training_part(kind: str) -> None:
    model = BioplausClassifier(**SMALL, standardise=kind, validation_fraction=0).fit(X, Y)
    plain = BioplausClassifier(**SMALL, standardise="none", validation_fraction=0).fit(scales(X, kind), Y)
    np.testing.assert_allclose(model.decision_function(X), plain.decision_function(scales(X, kind)), rtol=1e-6, atol=1e-9)
    held = BioplausClassifier(**SMALL, standardise=kind).fit(X, Y)
    order = np.random.Generator(np.random.PCG64(np.random.SeedSequence(3, spawn_key=(0,)))).permutation(150)
    if kind == "feature":
        np.testing.assert_allclose(held.scaling_.centre, X[order[15:]].mean(0))
    assert len(held.validation_loss_curve_) == 3 and not model.validation_loss_curve_


def test_precision_is_that_of_the_samples() -> None:
    for dtype in (np.float32, np.float64):
        model = BioplausClassifier(**SMALL).fit(X.astype(dtype), Y)
        assert model.network_.selected["params/forward/0/weight"].dtype == dtype and model.decision_function(X.astype(dtype)).dtype == dtype


def test_a_feature_that_does_not_vary_is_harmless() -> None:
    flat = np.column_stack([X, np.full(len(X), 0.1)])
    for kind in ("feature", "range"):
        assert np.isfinite(BioplausClassifier(**SMALL, standardise=kind).fit(flat, Y).decision_function(flat)).all()


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"rule": "cll"}, "did you mean 'ccl'"),
        ({"hidden": (0,)}, "network.hidden"),
        ({"hidden": (8.5,)}, "network.hidden=[8.5]"),
        ({"rule": "stdp"}, "network=diehl_cook, where rule=stdp lives, has no hidden layers to choose; leave hidden out"),
        ({"rule": "fa", "network": "cnn5"}, "network=cnn5 has no hidden layers"),
        ({"lr": -1}, "rule.lr"),
        ({"epochs": 0.5}, "epochs"),
        ({"standardise": "z"}, "standardise"),
        ({"validation_fraction": 1.0}, "validation"),
        ({"shape": (2, 3)}, "shape"),
        ({"like": "iris"}, "data=iris is not known"),
        ({"settings": {"neuron.stepz": 3}}, "neuron.stepz"),
        ({"settings": {"seeds": 3}}, "several estimators"),
        ({"settings": {"run.save": True}}, "pickle"),
        ({"settings": {"rule.lr": 1}}, "the parameter lr"),
        ({"settings": {"data.limit": 10}}, "X, and the parameter like"),
        ({"settings": {"data.encode": "rate"}}, "data.encode=rate is for spiking units"),
        ({"network": "memory", "hidden": None}, "network=memory"),
    ],
)
def test_wrong_settings_are_value_errors_of_one_line(keys: dict[str, Any], part: str) -> None:
    model = BioplausClassifier(**{**SMALL, **keys})  # nothing is said before it is used
    with pytest.raises(ValueError) as caught:
        model.fit(X, Y)
    assert part in str(caught.value) and "\n" not in str(caught.value) and isinstance(caught.value, ConfigError)


def test_wrong_labels() -> None:
    model = BioplausClassifier(**SMALL)
    with pytest.raises(ValueError, match="one class only"):
        model.fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="must be passed on the first call"):
        model.partial_fit(X, Y)
    model.partial_fit(X[:60], Y[:60], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="not those of the first call"):
        model.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(X, Y + 1)


def test_numbers_that_stop_being_finite_are_an_error() -> None:
    model, single = BioplausClassifier(**{**SMALL, "rule": "bp", "settings": {"plasticity.clip": "none"}, "lr": 1e38}), X.astype(np.float32)
    with pytest.raises(RunError, match="finite"):
        model.fit(single, Y)
    with pytest.raises(RunError, match="finite"):
        model.partial_fit(single, Y, classes=[0, 1, 2])
    with pytest.raises(NotFittedError):
        model.predict(single)


def test_images_go_through_convolutions() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    keys = {"network.channels": [4, 4]}
    model = BioplausClassifier("bp", network="cnn5", shape=(1, 8, 8), epochs=3, batch_size=16, lr=0.1, settings=keys, random_state=0)
    assert model.fit(digits.data[:600], digits.target[:600]).score(digits.data[600:], digits.target[600:]) > 0.5
