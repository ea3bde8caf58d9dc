"""The command itself: find the theory, read its settings, answer, draw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bioplaus.answers.base import Answer, Theory
from bioplaus.answers.scan import scan
from bioplaus.answers.settings import settings_of, settings_text
from bioplaus.errors import ConfigError
from bioplaus.progress import Progress, Silent
from bioplaus.registry import THEORIES

__all__ = ["ask", "listing", "settings", "solve"]

#: Where figures go if nothing is said.
FOLDER = "runs/theory"


def solve(name: str, overrides: Mapping[str, Any], progress: Silent | None = None) -> Answer:
    """Return the answer of a theory for flat keys, e.g. ``solve("multitasking", {"K": 3, "d": 0.5, "T": 0.1})``.

    Raises
    ------
    BioplausError
        One line: an unknown theory or key, a value out of range, equations that were not solved.
    """
    theory: Theory = THEORIES.get(name)()
    config = settings_of(type(theory), overrides)
    theory.check(config)
    told = progress or Silent()
    try:
        return scan(theory, config, told) if config.scan else theory.point(config, told)
    finally:
        told.stop()


def ask(name: str, overrides: Mapping[str, Any], *, as_json: bool = False) -> str:
    """Return what the command prints; figures are drawn unless ``figure=false``, or with as_json only where ``out`` is given."""
    given = dict(overrides)
    out, figure = given.pop("out", None), given.pop("figure", None)
    if figure not in (None, True, False):
        raise ConfigError(f"figure={figure} must be true or false")
    answer = solve(name, given, Progress())
    wanted = figure if figure is not None else not as_json or out is not None
    paths = _drawn(answer, Path(str(out or FOLDER))) if wanted else []
    if as_json:
        return json.dumps({**answer.values, **({"figures": [str(p) for p in paths]} if paths else {})}, allow_nan=False)
    return "\n".join([answer.text, *(f"figure: {path}" for path in paths)])


def _drawn(answer: Answer, folder: Path) -> list[Path]:
    from bioplaus.plots import draw_picture

    return [draw_picture(picture, folder.expanduser()) for picture in answer.pictures]


def listing() -> str:
    """Return one line per theory."""
    return "\n".join(f"  {name:<14} {THEORIES.summary(name)}" for name in THEORIES.names())


def settings(name: str) -> str:
    """Return every setting of a theory with its default, range and meaning."""
    more = [f"  out={FOLDER}", "      Folder for figures.", "  figure=true", "      Whether to draw; under --json not unless out is given."]
    return "\n".join([f"theory {name}: {THEORIES.summary(name)}", settings_text(THEORIES.get(name).Config), *more])
