"""Brian2 as an optional guest: imported when it is first needed, on a target that works here, its preferences put back afterwards."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bioplaus.errors import ConfigError

__all__ = ["COMPILED_FROM", "TARGETS", "compiles", "imported", "target_of", "using"]

#: What a user may ask for.
TARGETS = ("auto", "numpy", "cython", "cpp_standalone")
#: Simulated seconds from which compiled code pays: Cython compiles for about half a minute once, and is then some times as fast.
COMPILED_FROM = 5.0
_COMPILERS = ("g++", "c++", "clang++", "cl")


def imported(asked: str) -> Any:
    """Return Brian2.

    Parameters
    ----------
    asked
        The setting that asked for it, e.g. ``backend=brian2``.

    Raises
    ------
    ConfigError
        If it cannot be imported; the line says which versions work together.
    """
    hook = sys.excepthook
    try:
        import brian2
    except Exception as error:  # whatever a broken package raises; AttributeError: Brian2 2.9 beside a NumPy that it does not know
        raise ConfigError(
            f"{asked}: Brian2 cannot be imported ({error}); Brian2 2.9 works with numpy < 2.4: pip install 'brian2==2.9.*' 'numpy<2.4'"
        ) from error
    finally:
        sys.excepthook = hook  # Brian2's own takes every error in the process for one of Brian2
    return brian2


def compiles() -> bool:
    """Return whether Brian2 can compile here: there is a C++ compiler, and a test program comes through it."""
    import os

    if not any(shutil.which(name) for name in (os.environ.get("CXX", ""), *_COMPILERS) if name):
        return False
    from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject

    return bool(CythonCodeObject.is_available())


def target_of(wanted: str, seconds: float) -> str:
    """Return the target to run so many simulated seconds on: auto is numpy for less than five, else cython.

    Where cython is wanted and cannot be, numpy takes its place, and one line on stderr says so.
    """
    if wanted == "numpy" or (wanted == "auto" and seconds < COMPILED_FROM):
        return "numpy"
    if compiles():
        return "cython"
    print(
        "bioplaus: Brian2 finds no C++ compiler that works, so it runs on its numpy target, some times as slow",
        file=sys.stderr,
    )
    return "numpy"


@contextmanager
def using(b: Any, target: str) -> Iterator[None]:
    """Have Brian2 generate code for a runtime target for a while; Ctrl-C stays with the program."""
    kept = b.prefs.codegen.target, b.prefs.core.stop_on_keyboard_interrupt
    b.prefs.codegen.target, b.prefs.core.stop_on_keyboard_interrupt = target, False
    try:
        yield
    finally:
        b.prefs.codegen.target, b.prefs.core.stop_on_keyboard_interrupt = kept
