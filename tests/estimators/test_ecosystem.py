"""Pipelines, searches, cross-validation over processes, frames of pandas and polars, sparse input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bioplaus import BioplausAutoencoder, BioplausClassifier, BioplausRegressor, HebbianMemory

X, Y = load_iris(return_X_y=True)
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
SMALL: dict[str, Any] = {"rule": "fa", "hidden": (8,), "epochs": 4, "batch_size": 32, "random_state": 0}


def test_pipeline_through_a_code() -> None:
    code = BioplausAutoencoder("bp", code=3, hidden=(), epochs=20, lr=0.01, random_state=0)
    pipe = make_pipeline(StandardScaler(), code, BioplausClassifier(**{**SMALL, "epochs": 40})).fit(X, Y)
    inner = pipe[:-1].transform(X)
    np.testing.assert_array_equal(pipe.predict(X), pipe[-1].predict(inner))
    assert inner.shape == (150, 3) and pipe.score(X, Y) > 0.85
    assert list(pipe[:-1].get_feature_names_out()) == [f"bioplausautoencoder{i}" for i in range(3)]


def test_grid_search_over_two_processes_is_the_search_in_one() -> None:
    folds, grid = StratifiedKFold(2), {"rule": ["fa", "dfa"], "lr": [0.0, 0.5]}
    found = [GridSearchCV(BioplausClassifier(**SMALL), grid, cv=folds, n_jobs=jobs).fit(X, Y) for jobs in (1, 2)]
    np.testing.assert_array_equal(*(search.cv_results_["mean_test_score"] for search in found))
    assert found[0].best_params_["lr"] == 0.5 and found[0].best_params_ == found[1].best_params_


def test_a_search_survives_settings_that_fail() -> None:
    search = GridSearchCV(BioplausClassifier(**SMALL), {"rule": ["fa", "multitasking"]}, cv=2, error_score=0.0)
    with pytest.warns(match="fits failed"):
        search.fit(X, Y)
    assert search.best_params_ == {"rule": "fa"}


def test_cross_validation() -> None:
    order = np.random.default_rng(0).permutation(150)
    scores = cross_val_score(BioplausClassifier(**{**SMALL, "epochs": 30}), X[order], Y[order], cv=3)
    assert scores.mean() > 0.85
    assert cross_val_score(BioplausRegressor("bp", hidden=(8,), lr=0.01, random_state=0), X[order, :3], X[order, 3], cv=3).mean() > 0.8


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library: str) -> None:
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({name: X[:, i] for i, name in enumerate(NAMES)})
    labels = frames.Series(np.array(["a", "b", "c"])[Y])
    model = BioplausClassifier(**SMALL).fit(frame, labels)
    plain = BioplausClassifier(**SMALL).fit(X, Y)
    assert list(model.feature_names_in_) == NAMES
    np.testing.assert_array_equal(model.predict_proba(frame), plain.predict_proba(X))
    assert set(model.predict(frame)) <= {"a", "b", "c"}
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[NAMES[::-1]])
    target = frames.DataFrame({"one": X[:, 0], "two": X[:, 1]})
    assert BioplausRegressor("bp", hidden=(4,), epochs=2).fit(frame, target).predict(frame).shape == (150, 2)
    coder = BioplausAutoencoder("bp", code=2, hidden=(), epochs=2).set_output(transform=library)
    assert list(coder.fit_transform(frame).columns) == ["bioplausautoencoder0", "bioplausautoencoder1"]


@pytest.mark.parametrize(
    "model", [BioplausClassifier(**SMALL), BioplausRegressor("bp"), BioplausAutoencoder("bp"), HebbianMemory()], ids=lambda m: type(m).__name__
)
def test_sparse_input_is_refused_in_scikit_learns_words(model: Any) -> None:
    with pytest.raises(TypeError, match="Sparse data was passed"):
        model.fit(sparse.csr_matrix(X), Y)
