"""A folder that one process has to itself: the system lets go of it however the process ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bioplaus.errors import RunError

__all__ = ["claimed"]


@contextlib.contextmanager
def claimed(path: Path, *, wait: bool = False, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a folder, which exists, for as long as the block takes.

    Parameters
    ----------
    wait
        Whether to wait for another process that holds it.
    waiting
        Told once if it has to wait.

    Raises
    ------
    RunError
        If another process holds it, or its file system can neither be written nor locked.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two at once are not noticed
        yield
        return
    try:
        file = open(path / ".lock", "w")  # noqa: SIM115
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}; choose another folder with run.root=DIR") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not wait:
                raise RunError(f"another process is at work on {path}; wait for it or stop it") from error
            if waiting is not None:
                waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise RunError(f"{path} cannot be locked ({error.strerror}); choose a folder on another file system with run.root=DIR") from error
        yield
