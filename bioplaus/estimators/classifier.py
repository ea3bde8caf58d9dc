"""`BioplausClassifier`: any rule that tells classes apart, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from bioplaus.errors import ConfigError
from bioplaus.estimators.base import NetworkEstimator
from bioplaus.robustness.heads import head_of

__all__ = ["BioplausClassifier"]

Array = NDArray[Any]


class BioplausClassifier(ClassifierMixin, NetworkEstimator):
    """A network that a biologically plausible rule teaches to tell classes apart.

    The run is that of ``bioplaus simulate`` with the same settings, one seed, on arrays in memory; nothing is written.

    Parameters
    ----------
    rule : str
        ``bioplaus list rules`` names them.
    hidden : sequence of int or None
        Widths of the hidden layers; None: (256,) on network "mlp", on others as these say.
    network, neuron, plasticity : str or None
        Components by name; None: what the rule lives on, and what its recipe says.
    bias : bool or None
        Whether units have biases; None: on networks "mlp" and "dense_autoencoder" they have, on others as these say.
    lr : float or None
        Base rate, >= 0.
    epochs, batch_size : int or None
        Passes over the training part; samples per update.
    validation_fraction : float
        Share of the samples, 0 <= share < 1, that is kept from training and chooses the epoch whose weights answer. It is drawn at random by
        `random_state`, regardless of classes. 0: all samples train, and the last weights answer.
    standardise : str
        feature (mean 0 and standard deviation 1 of each feature) | global (one mean and deviation for all, as for images) | range (lowest to
        highest of each feature to 0..1, clipped) | none | auto (range for rules whose recipe takes pixels in 0..1, else feature). Statistics
        are those of the training part; for `partial_fit` those of the first call.
    shape : sequence of int or None
        What a sample is folded into, such as (1, 8, 8), for convolutional networks.
    like : str or None
        Data set whose recipe of the rule holds where nothing else is given; None: that which the rule lives on, mostly digits.
    settings : dict or None
        Further settings of ``bioplaus simulate``, such as ``{"neuron.steps": 25}``; ``bioplaus show rule=NAME`` lists them.
    random_state : int, RandomState or None
        Fixes start, validation part, order of samples and noise. A whole number is the seed of the same run on the command line.
    verbose : int
        Above 0: progress on stderr.

    Attributes
    ----------
    classes_ : array [K]
        The labels.
    n_iter_, selected_epoch_ : int
        Epochs done; the one whose weights answer.
    loss_curve_, validation_loss_curve_ : list of float
        Loss of each epoch.
    seed_ : int
        Seed of the run.
    network_ : Trained
        Settings and arrays; all that is pickled.

    Notes
    -----
    Arrays of single precision are computed in single precision, all others in double. Wrong settings raise `ConfigError`, a ValueError;
    numbers that stop being finite raise `RunError`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bioplaus import BioplausClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BioplausClassifier(rule="fa", hidden=(16,), epochs=60, batch_size=16, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any) -> BioplausClassifier:
        """Train from the start on samples ``[N, features]`` with one label each.

        Raises
        ------
        ValueError
            If the arrays do not fit, there are fewer than two classes, or a setting is wrong.
        """
        X, y = self._checked(X, y, reset=True)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ConfigError(f"{type(self).__name__} tells classes apart, and y holds one class only: {self.classes_[0]}")
        self._fit(X, labels.astype(np.int64), len(self.classes_))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> BioplausClassifier:
        """Train for one more epoch on these samples, from where weights, optimiser and clock stand; nothing is kept for validation.

        Parameters
        ----------
        X, y
            Samples and labels.
        classes
            All labels that will ever come; wanted by the first call.
        """
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        X, y = self._checked(X, y, reset=first)
        known = np.unique(classes) if first else self.classes_
        if classes is not None and not np.array_equal(np.unique(classes), known):
            raise ValueError(f"classes={classes!r} are not those of the first call: {known}")
        if not np.isin(y, known).all():
            raise ValueError(f"y holds labels that are not among the classes {known}: {np.setdiff1d(y, known)}")
        if len(known) < 2:
            raise ConfigError(f"{type(self).__name__} tells classes apart, and there is one class only: {known[0]}")
        self.classes_ = known
        self._go_on(X, np.searchsorted(known, y).astype(np.int64), len(known))
        return self

    def decision_function(self, X: Any) -> Array:
        """Return the scores ``[N, K]``; of two classes the second's less the first's, ``[N]``."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> Array:
        """Return the softmax of the scores, ``[N, K]``.

        These are probabilities for rules that are trained by cross-entropy; for others (spike counts, goodness) an order of the classes.
        """
        scores = self._scores(X).astype(np.float64)
        weight = np.exp(scores - scores.max(1, keepdims=True))
        found: Array = weight / weight.sum(1, keepdims=True)
        return found

    def predict(self, X: Any) -> Array:
        """Return the label of each sample, the first of those that are level."""
        scores = self._scores(X)
        found: Array = self.classes_[scores.argmax(1)]
        return found

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        head = head_of(self.network_.model.task)
        if head is None:
            raise ConfigError(f"network={self.network_.flat['network']} names no classes; use another network")
        found: Array = head.scores(self.network_.predict(self.scaling_.scaled(X)).unsqueeze(0))[0].cpu().numpy()
        return found

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=reset)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return X, y
