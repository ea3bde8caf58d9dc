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
    model = BioplausAutoencoder("bp", **keys, lr=0.01, epochs=200, random_state=0).fit(X)
    pca = PCA(2).fit(X)
    best = -np.mean((X - pca.inverse_transform(pca.transform(X))) ** 2)
    assert 1.1 * best < model.score(X) <= best


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
def test_every_rule_that_says_so_fits_or_refuses_in_one_line(rule: str) -> None:
    model, some = BioplausAutoencoder(rule, code=2, hidden=(16,), neuron="tanh", epochs=20, lr=0.01, random_state=0), X[:120]
    try:
        model.fit(some)
    except ConfigError as refusal:
        assert "\n" not in str(refusal)
        assert rule in REFUSED, refusal
        return
    assert rule not in REFUSED and model.transform(some).shape == (120, 2)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0] and model.score(some) > -0.9 * some.var(0).mean()


REFUSED: tuple[str, ...] = ()


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
