"""Errors meant for the user: one clear line, and an exit code.

Everything a user can get wrong is raised as a subclass of `BioplausError`; the command line prints the message alone and leaves
with `exit_code` (a traceback only under ``--debug``). Anything else that is raised is a defect of the program and keeps its traceback.
"""

from __future__ import annotations

__all__ = ["BioplausError", "ConfigError", "DataError", "RunError", "SolverError"]


class BioplausError(Exception):
    """Base of all errors that carry a message for the user."""

    exit_code: int = 2


class ConfigError(BioplausError, ValueError):
    """A wrong key, value or combination, found before anything runs."""


class DataError(BioplausError):
    """Data that is missing, truncated or corrupt."""


class RunError(BioplausError):
    """A failure while running, or of a run directory."""

    exit_code = 1


class SolverError(RunError):
    """A theory's equations that were not solved: the residual, and what to try."""
