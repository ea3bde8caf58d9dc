"""Estimators in the manner of scikit-learn: a classifier, a regressor, an autoencoder, and a memory of patterns.

Each is a door to what ``bioplaus simulate`` runs, on arrays in memory: nothing is written, and what is learned is kept as plain arrays.
"""

from __future__ import annotations

from bioplaus.estimators.autoencoder import BioplausAutoencoder
from bioplaus.estimators.classifier import BioplausClassifier
from bioplaus.estimators.memory import HebbianMemory
from bioplaus.estimators.regressor import BioplausRegressor

__all__ = ["BioplausAutoencoder", "BioplausClassifier", "BioplausRegressor", "HebbianMemory"]
