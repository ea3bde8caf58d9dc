"""The regressor beside least squares in closed form; targets of any scale and number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from bioplaus import BioplausClassifier, BioplausRegressor, registry
from bioplaus.errors import ConfigError

DRAW = np.random.default_rng(5)
X = DRAW.standard_normal((200, 4)) * [1, 5, 0.2, 1] + 3
TEACHER = np.array([[2.0, -1.0], [0.5, 0.0], [0.0, 30.0], [1.0, 1.0]])
NOISE = DRAW.standard_normal((200, 2))
LINEAR: dict[str, Any] = {"hidden": (), "plasticity": "sgd", "lr": 0.2, "epochs": 300, "batch_size": 200, "validation_fraction": 0}
ABLE = [name for name in registry.RULES.names() if "regression" in registry.RULES.get(name).tasks]


@pytest.mark.parametrize("rule", ["top", "bp"])
def test_finds_the_least_squares_solution(rule: str) -> None:
    """One layer, whole batches: the minimum of the squared error is unique, and lstsq knows it."""
    Y = X @ TEACHER + NOISE + 7
    model = BioplausRegressor(rule, **LINEAR, settings={"plasticity.clip": "none"}, random_state=0).fit(X, Y)
    design = np.column_stack([X, np.ones(len(X))])
    solution, *_ = np.linalg.lstsq(design, Y)
    np.testing.assert_allclose(model.predict(X), design @ solution, atol=1e-6)
    residual = ((Y - design @ solution) ** 2).sum(0) / ((Y - Y.mean(0)) ** 2).sum(0)
    assert model.score(X, Y) == pytest.approx(1 - residual.mean(), abs=1e-9)
    assert model.loss_curve_[-1] == pytest.approx(residual.mean(), abs=1e-6)


@pytest.mark.parametrize("rule", ABLE)
def test_every_rule_that_says_so_learns_a_curved_target(rule: str) -> None:
    some, y = X[:120], (np.sin(X[:, 0]) + 0.1 * X[:, 1])[:120]
    extra = {"rule.n_epochs_to_switch": 5} if rule == "perforated" else None
    model = BioplausRegressor(rule, hidden=(32,), epochs=20, lr=0.01, settings=extra, random_state=0).fit(some, y)
    assert model.predict(some).shape == (120,) and model.score(some, y) > 0.3


@pytest.mark.parametrize("rule", [name for name in registry.RULES.names() if name not in ABLE])
def test_the_others_say_that_they_cannot(rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BioplausRegressor(rule, hidden=None).fit(X, X[:, 0])
    assert "regression" in str(caught.value) and "\n" not in str(caught.value)


def test_spiking_units_give_no_real_numbers() -> None:
    with pytest.raises(ConfigError, match="neuron=lif gives no real-valued outputs"):
        BioplausRegressor("bp", neuron="lif").fit(X, X[:, 0])


def test_scale_and_offset_of_the_targets_change_nothing() -> None:
    keys: dict[str, Any] = {"rule": "fa", "hidden": (8,), "epochs": 3, "random_state": 1}
    y = X[:, 0] * X[:, 3]
    plain, moved = BioplausRegressor(**keys).fit(X, y), BioplausRegressor(**keys).fit(X, 1000 * y - 5)
    np.testing.assert_allclose(moved.predict(X), 1000 * plain.predict(X) - 5, rtol=1e-6)


def test_goes_on_where_it_stands() -> None:
    keys: dict[str, Any] = {"rule": "bp", "hidden": (8,), "epochs": 3, "random_state": 1, "validation_fraction": 0}
    Y = X @ TEACHER
    whole, single = BioplausRegressor(**keys).fit(X, Y), BioplausRegressor(**keys)
    for _ in range(3):
        single.partial_fit(X, Y)
    np.testing.assert_array_equal(single.predict(X), whole.predict(X))
    with pytest.raises(ValueError, match="1 targets"):
        single.partial_fit(X, Y[:, 0])


def test_classes_told_by_squared_error_beside_cross_entropy() -> None:
    """The same network on 0/1 targets: another task, and as good an answer."""
    X, y = load_iris(return_X_y=True)
    model = BioplausRegressor("bp", hidden=(16,), lr=0.01, epochs=60, random_state=0).fit(X, np.eye(3)[y])
    assert (model.predict(X).argmax(1) == y).mean() > 0.9
    assert BioplausClassifier("bp", hidden=(16,), random_state=0).fit(X, y).score(X, y) > 0.9
