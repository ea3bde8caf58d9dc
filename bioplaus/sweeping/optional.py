"""Packages that only some sweeps need."""

from __future__ import annotations

import importlib
from typing import Any

from bioplaus.errors import ConfigError

__all__ = ["needed"]


def needed(package: str, what: str) -> Any:
    """Import a package of the extra ``sweep``.

    Raises
    ------
    ConfigError
        If it is not installed; the line says how to get it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(f'{what} needs {package} ({error}); pip install "bioplaus[sweep]", or pip install {package}') from error
