"""scikit-learn's own checks of estimators: in full for the networks; those that the memory cannot pass are named, with the reason."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from bioplaus import BioplausAutoencoder, BioplausClassifier, BioplausRegressor

#: few updates of narrow networks: the checks ask for behaviour, and of blobs and a linear target to be learned
NETWORKS = [
    BioplausClassifier(rule="bp", hidden=(8,), lr=0.5, epochs=8, batch_size=16),
    BioplausClassifier(hidden=(8,), lr=0.5, epochs=8, batch_size=16, validation_fraction=0),
    BioplausRegressor(rule="bp", hidden=(8,), lr=0.02, epochs=8, batch_size=16),
    BioplausRegressor(rule="dfa", hidden=(8,), lr=0.02, epochs=8, batch_size=16, validation_fraction=0),
    BioplausAutoencoder(rule="bp", code=3, hidden=(8,), lr=0.02, epochs=4, batch_size=16),
]


@parametrize_with_checks(NETWORKS)
def test_estimator(estimator: Any, check: Any) -> None:
    check(estimator)
