"""The verb that opens the pages to play with."""

from __future__ import annotations

import argparse

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import Verb, overrides

__all__ = ["VERBS"]


def _ui(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    unknown = set(given) - {"port"}
    if unknown:
        raise ConfigError(f"ui takes port=N only, not {', '.join(sorted(unknown))}")
    port = given.get("port", 8747)
    if type(port) is not int:
        raise ConfigError(f"port={port} must be a whole number from 1 to 65535")
    from bioplaus.ui.serve import serve

    serve(port)


VERBS = (Verb("ui", "open pages to play with: train and watch, recall several patterns", _ui, (overrides("port=8747"),)),)
