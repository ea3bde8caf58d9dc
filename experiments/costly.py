"""Rows too dear to run with their claim: they are looked for in its folder, and otherwise say what they cost and how to run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.experiments.claims import Measurement

__all__ = ["command", "is_there", "not_run", "words"]


def is_there(settings: Mapping[str, Any], folder: str) -> bool:
    """Return whether the run with these settings is finished in the folder of a claim."""
    from bioplaus import config, kept

    store = kept.found(config.resolve({**settings, "run.root": folder, "run.figures": False}))
    return store is not None and store.summary() is not None


def words(settings: Mapping[str, Any]) -> str:
    """Return settings as they are typed, ``key=value`` and spaces between."""
    return " ".join(f"{key}={_word(value)}" for key, value in settings.items())


def command(settings: Mapping[str, Any], claim: str) -> str:
    """Return the command whose finished run the claim will find."""
    return f"`bioplaus simulate {words(settings)} run.figures=false run.root=results/runs/{claim}`"


def not_run(name: str, target: str, settings: Mapping[str, Any], claim: str, cost: str) -> Measurement:
    """Return the row of a run that was not made."""
    note = f"not run: cost, {cost}; {command(settings, claim)}, then this claim again"
    return Measurement(name, target, None, settings=dict(settings), note=note)


def _word(value: Any) -> str:
    return str(value).replace(" ", "").replace("'", "").lower() if isinstance(value, (list, bool)) else str(value)
