"""A simulator of biologically plausible learning rules.

Weights are stored ``[R, post, pre]`` (``[R, post, pre, kh, kw]`` for a convolution), R being the replica axis; activity is
``[R or 1, B, ...]``. A change is added: ``w <- w + rate * wanted``.

Importing the package imports neither torch nor numba; `simulate`, `compare`, `sweep`, `load` and the estimators do so when first used.
"""

from __future__ import annotations

from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bioplaus.api import load, simulate
    from bioplaus.comparison.run import compare
    from bioplaus.estimators import BioplausAutoencoder, BioplausClassifier, BioplausRegressor, HebbianMemory
    from bioplaus.sweeping.run import sweep

__all__ = [
    "BioplausAutoencoder",
    "BioplausClassifier",
    "BioplausRegressor",
    "HebbianMemory",
    "__version__",
    "compare",
    "load",
    "simulate",
    "sweep",
]
__version__ = "0.1.0"

# In a bare checkout rules/, neurons/ and experiments/ lie beside this folder; an installed wheel has them inside it.
_root = _Path(__file__).resolve().parent.parent
_project = _root / "pyproject.toml"
if _project.is_file() and 'name = "bioplaus"' in _project.read_text(encoding="utf-8"):
    __path__.append(str(_root))


def __getattr__(name: str) -> Any:
    if name in ("load", "simulate"):
        from bioplaus import api

        return getattr(api, name)
    if name == "compare":
        from bioplaus.comparison import run

        return run.compare
    if name in ("BioplausAutoencoder", "BioplausClassifier", "BioplausRegressor", "HebbianMemory"):
        from bioplaus import estimators

        return getattr(estimators, name)
    if name == "sweep":
        from bioplaus.sweeping import run as sweeping
        return sweeping.sweep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
