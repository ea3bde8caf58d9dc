"""The autoencoder beside principal components, which no linear one can beat; code and reconstruction by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from bioplaus import BioplausAutoencoder, registry
from bioplaus.errors import ConfigError

DRAW = np.random.default_rng(2)
X = DRAW.standard_normal((300, 2)) @ DRAW.standard_normal((2, 6)) + 0.05 * DRAW.standard_normal((300, 6))
ABLE = [name for name in registry.RULES.names() if "autoencoding" in registry.RULES.get(name).tasks]


def test_linear_code_reaches_principal_components() -> None:
    """The least error of any linear map through two numbers is that of the first two components (Baldi & Hornik 1989)."""
    keys: dict[str, Any] = {"hidden": (), "code": 2, "neuron": "identity", "standardise": "none", "validation_fraction": 0}
    descent = {"plasticity": "sgd", "lr": 0.1, "batch_size": 300, "settings": {"plasticity.clip": "none", "plasticity.momentum": 0.9}}
    model = BioplausAutoencoder("bp", **keys, **descent, epochs=600, random_state=0).fit(X)
    pca = PCA(2).fit(X)
    best = -np.mean((X - pca.inverse_transform(pca.transform(X))) ** 2)
    assert 1.05 * best < model.score(X) <= best


def test_code_and_reconstruction_are_the_two_halves_of_the_network() -> None:
    model = BioplausAutoencoder("fa", hidden=(7,), code=3, neuron="tanh", epochs=3, random_state=0).fit(X)
    held = {key.removeprefix("params/forward/"): value[0] for key, value in model.network_.selected.items()}
    h = (X - model.scaling_.centre) / model.scaling_.spread
    outs = []
    for layer in range(4):
        h = h @ held[f"{layer}/weight"].T + held[f"{layer}/bias"]
        h = h if layer == 3 else np.tanh(h)
        outs.append(h)
    np.testing.assert_allclose(model.transform(X), outs[1], rtol=1e-9)
    back = outs[3] * model.scaling_.spread + model.scaling_.centre
    np.testing.assert_allclose(model.inverse_transform(outs[1]), back, rtol=1e-9)
    assert model.score(X) == pytest.approx(-np.mean((back - X) ** 2))
    assert list(model.get_feature_names_out()) == [f"bioplausautoencoder{i}" for i in range(3)]


@pytest.mark.parametrize("rule", ABLE)
def test_every_rule_that_says_so_learns_to_reproduce(rule: str) -> None:
    model, some = BioplausAutoencoder(rule, code=2, hidden=(16,), neuron="tanh", epochs=20, lr=0.01, random_state=0), X[:120]
    extra = {"rule.n_epochs_to_switch": 5} if rule == "perforated" else None
    model.set_params(settings=extra).fit(some)
    # hidden cells that follow their input alone are no code made for the purpose
    share = 1.0 if rule == "bcm" else 0.9
    assert model.transform(some).shape == (120, 2) and model.loss_curve_[-1] < share * model.loss_curve_[0]
    assert model.score(some) > -share * some.var(0).mean()


@pytest.mark.parametrize("rule", [name for name in registry.RULES.names() if name not in ABLE])
def test_the_others_say_that_they_cannot(rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BioplausAutoencoder(rule).fit(X)
    assert f"rule={rule}" in str(caught.value) and "\n" not in str(caught.value)


def test_goes_on_where_it_stands() -> None:
    keys: dict[str, Any] = {"rule": "bp", "code": 2, "hidden": (8,), "epochs": 3, "random_state": 1, "validation_fraction": 0}
    whole, single = BioplausAutoencoder(**keys).fit(X), BioplausAutoencoder(**keys)
    for _ in range(3):
        single.partial_fit(X)
    np.testing.assert_array_equal(single.transform(X), whole.transform(X))


@pytest.mark.parametrize("keys", [{"network": "autoencoder", "code": None, "hidden": None}, {"code": 8, "hidden": (16,)}], ids=str)
@pytest.mark.parametrize("rule", ["ccl", "bp"])
def test_images(keys: dict[str, Any], rule: str) -> None:
    images = load_digits().data[:300]
    channels = {"settings": {"network.channels": [4, 8]}} if "network" in keys else {}
    model = BioplausAutoencoder(rule, **keys, **channels, shape=(1, 8, 8), standardise="global", epochs=3, random_state=0).fit(images)
    code = model.transform(images)
    assert code.shape == (300, 8 * 2 * 2 if "network" in keys else 8) and model.inverse_transform(code).shape == images.shape
    with pytest.raises(ValueError, match="codes of this"):
        model.inverse_transform(code[:, 1:])
