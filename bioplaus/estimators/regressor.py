"""`BioplausRegressor`: any rule that can learn real-valued targets, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from bioplaus.estimators.base import NetworkEstimator
from bioplaus.estimators.scaling import Scaling

__all__ = ["BioplausRegressor"]

Array = NDArray[Any]


class BioplausRegressor(RegressorMixin, NetworkEstimator):
    """A network with linear outputs that a biologically plausible rule teaches to follow real-valued targets.

    The loss is the mean squared error of targets scaled to mean 0 and standard deviation 1; the score is R^2, of the targets as given.

    Parameters
    ----------
    rule : str
        One that can learn a regression; ``fit`` names them if it is not.
    hidden, network, neuron, bias, plasticity, lr, epochs, batch_size, validation_fraction, standardise, shape, like, settings,
    random_state, verbose
        As for `BioplausClassifier`. Recipes are tuned for classes; so the plasticity is Adam here, its rate 0.001, unless others are given.

    Attributes
    ----------
    n_iter_, selected_epoch_, loss_curve_, validation_loss_curve_, seed_, network_
        As for `BioplausClassifier`; losses in squared standard deviations of the targets.

    Examples
    --------
    >>> import numpy as np
    >>> from bioplaus import BioplausRegressor
    >>> X = np.random.default_rng(0).standard_normal((200, 3))
    >>> model = BioplausRegressor(rule="dfa", hidden=(32,), lr=0.01, random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> bool(model.score(X, X[:, 0] * X[:, 1]) > 0.8)
    True
    """

    def __init__(
        self,
        rule: str = "ccl",
        hidden: tuple[int, ...] | None = (256,),
        *,
        network: str | None = None,
        neuron: str | None = None,
        bias: bool | None = None,
        plasticity: str | None = "adam",
        lr: float | None = 0.001,
        epochs: int | None = 100,
        batch_size: int | None = 32,
        validation_fraction: float = 0.1,
        standardise: str = "auto",
        shape: tuple[int, ...] | None = None,
        like: str | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            rule,
            hidden,
            network=network,
            neuron=neuron,
            bias=bias,
            plasticity=plasticity,
            lr=lr,
            epochs=epochs,
            batch_size=batch_size,
            validation_fraction=validation_fraction,
            standardise=standardise,
            shape=shape,
            like=like,
            settings=settings,
            random_state=random_state,
            verbose=verbose,
        )

    def fit(self, X: Any, y: Any) -> BioplausRegressor:
        """Train from the start on samples ``[N, features]`` with targets ``[N]`` or ``[N, K]``.

        Raises
        ------
        ValueError
            If the arrays do not fit, or a setting is wrong.
        """
        X, y = self._checked(X, y, reset=True)
        self._fit(X, y, y.shape[1])
        return self

    def partial_fit(self, X: Any, y: Any) -> BioplausRegressor:
        """Train for one more epoch on these samples, from where weights, optimiser and clock stand; nothing is kept for validation."""
        X, y = self._checked(X, y, reset=not hasattr(self, "network_"))
        self._go_on(X, y, y.shape[1])
        return self

    def predict(self, X: Any) -> Array:
        """Return the targets of each sample, of the shape that training had."""
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        found = self.target_scaling_.undone(self.network_.predict(self.scaling_.scaled(X)).cpu().numpy())
        return found[:, 0] if self.flat_targets_ else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = tags.target_tags.multi_output = True
        return tags

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=reset, multi_output=True, y_numeric=True)
        if reset:
            self.flat_targets_ = y.ndim == 1
        y = y.reshape(len(y), -1).astype(X.dtype)
        if not reset and y.shape[1] != self.network_.outputs:
            raise ValueError(f"y has {y.shape[1]} targets, the first call had {self.network_.outputs}")
        return X, y

    def _targets(self, y: Array, rows: Array | None) -> Array:
        if rows is not None:
            self.target_scaling_ = Scaling.of(y[rows], "feature")
        return self.target_scaling_.scaled(y)
