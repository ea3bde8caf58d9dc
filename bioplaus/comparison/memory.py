"""How much memory a process has held at most."""

from __future__ import annotations

import sys

__all__ = ["peak_mb"]


def peak_mb() -> float | None:
    """Return the largest resident memory of this process so far in MB (10^6 bytes): Python, torch, the data, and all replicas of its runs.

    None where the system does not tell (Windows). Memory of a GPU is not in it.
    """
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
