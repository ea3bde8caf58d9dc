"""Ctrl-C during a compiled run: Python sees the signal only between its own instructions, and a kernel may go on for hours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["interruptible"]


def interruptible(run: Callable[[np.ndarray[Any, Any]], None]) -> None:
    """Call run(stop) in a thread of its own and wait; whatever interrupts the waiting sets ``stop[0]`` and goes on once run has returned.

    Parameters
    ----------
    run
        Calls compiled code that releases the interpreter's lock and looks at stop, uint8 ``[1]``, from time to time.

    Raises
    ------
    BaseException
        Whatever run raised, or KeyboardInterrupt.
    """
    stop, done = np.zeros(1, np.uint8), threading.Event()  # Thread.join believes an interrupted thread to have ended
    raised: list[BaseException] = []

    def work() -> None:
        try:
            run(stop)
        except BaseException as error:  # handed on below
            raised.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work)
    try:
        thread.start()
        while not done.wait(0.1):  # a wait without end need not hear of a signal
            pass
    except BaseException:
        stop[0] = 1
        if thread.ident is not None:  # else it has yet to begin, and will find the flag
            done.wait()
        raise
    if raised:
        raise raised[0]
