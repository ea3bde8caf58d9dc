"""`BioplausAutoencoder`: rules that learn to reproduce their input through a narrow code, as a transformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from bioplaus.estimators.base import NetworkEstimator

__all__ = ["BioplausAutoencoder"]

Array = NDArray[Any]


class BioplausAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """A network that a biologically plausible rule teaches to reproduce its input through a code.

    The loss is the mean squared error of the scaled input. Code and reconstruction are those of one pass through the network.

    Parameters
    ----------
    rule : str
        One that can learn an autoencoder; ``fit`` says so if it cannot.
    code : int or None
        Width of the code, >= 1; None where the network has channels in its place (network="autoencoder", convolutional).
    hidden : sequence of int or None
        Widths between input and code, and backwards between code and output.
    network, neuron, bias, plasticity, lr, epochs, batch_size, validation_fraction, standardise, shape, like, settings, random_state,
    verbose
        As for `BioplausRegressor`; the network is "dense_autoencoder" unless another is given.

    Attributes
    ----------
    n_iter_, selected_epoch_, loss_curve_, validation_loss_curve_, seed_, network_
        As for `BioplausClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from bioplaus import BioplausAutoencoder
    >>> X = np.random.default_rng(0).standard_normal((200, 2)) @ np.array([[1, 2, 0, 1], [0, 1, 1, -1.0]])
    >>> model = BioplausAutoencoder(rule="bp", code=2, hidden=(), neuron="identity", lr=0.01, random_state=0).fit(X)
    >>> model.transform(X).shape, bool(model.score(X) > -0.1)
    ((200, 2), True)
    """

    usual_network = "dense_autoencoder"

    def __init__(
        self,
        rule: str = "ccl",
        code: int | None = 16,
        hidden: tuple[int, ...] | None = (128,),
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
        self.code = code

    def fit(self, X: Any, y: Any = None) -> BioplausAutoencoder:
        """Train from the start on samples ``[N, features]``; y is not looked at.

        Raises
        ------
        ValueError
            If the samples do not fit, or a setting is wrong.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self._fit(X, np.zeros(len(X), np.int64), 1, self._code_width())
        return self

    def partial_fit(self, X: Any, y: Any = None) -> BioplausAutoencoder:
        """Train for one more epoch on these samples, from where weights, optimiser and clock stand; nothing is kept for validation."""
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=not hasattr(self, "network_"))
        self._go_on(X, np.zeros(len(X), np.int64), 1, self._code_width())
        return self

    def transform(self, X: Any) -> Array:
        """Return the codes ``[N, code]``: what the middle layer sends on."""
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        found: Array = self.network_.layers(self.scaling_.scaled(X), 0, self._middle).flatten(1).cpu().numpy()
        return found

    def inverse_transform(self, X: Any) -> Array:
        """Return what the network makes of codes ``[N, code]``, in the units of the samples, ``[N, features]``."""
        check_is_fitted(self, "network_")
        X = check_array(X, dtype=[np.float64, np.float32])
        if X.shape[1] != self._n_features_out:
            raise ValueError(f"X has {X.shape[1]} features, but codes of this {type(self).__name__} have {self._n_features_out}")
        out = self.network_.layers(X, self._middle, len(self.network_.model.networks["forward"].layers))
        return self.scaling_.undone(out.flatten(1).cpu().numpy())

    def score(self, X: Any, y: Any = None) -> float:
        """Return the negative mean squared error of the reconstruction, in the units of the samples."""
        made = self.inverse_transform(self.transform(X))
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return -float(np.mean((X - made) ** 2, dtype=np.float64))

    @property
    def _middle(self) -> int:
        """Number of layers up to the code: half of them."""
        return len(self.network_.model.networks["forward"].layers) // 2

    @property
    def _n_features_out(self) -> int:
        return int(np.prod(self.network_.model.networks["forward"].layers[self._middle - 1].out_shape))

    def _code_width(self) -> dict[str, Any]:
        return {} if self.code is None else {"network.code": self.code}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
