"""What dendrites will take of memory, estimated before the first one grows."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch

from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.streams import Streams

__all__ = ["check_memory", "estimate"]

#: copies of the grown network beside those of the cycles: weights, two moments, a wanted change, the best of the phase, the last that was kept
COPIES = 6
GIB = 2**30


def estimate(config: PerforatedConfig, network: Network, streams: Streams) -> int:
    """Return bytes that arrays of weights take at ``max_dendrites``: the grown network several times, and the network of every cycle once."""
    layers = [layer.dendrites for layer in network.layers if layer.dendrites]
    plain = sum(math.prod(leaf.shape) for leaf in network.leaves.values())
    most = 0 if config.mode == "continued" else config.max_dendrites

    def numbers(dendrites: int) -> int:
        # as stored: q is a square of which a triangle is used
        triangle = sum(one.connection.weight_shape[0] * (dendrites * (dendrites + 1) // 2) for one in layers)
        return plain + sum(one.size(dendrites) for one in layers) + triangle

    cycles = sum(numbers(k * most // 10) for k in range(11)) * (config.max_dendrites + 1) // 11
    return int(len(streams.seeds) * streams.dtype.itemsize * (COPIES * numbers(most) + cycles))


def check_memory(config: PerforatedConfig, network: Network, streams: Streams) -> None:
    """Refuse more dendrites than memory allows.

    Raises
    ------
    ConfigError
        One line with what they would take and what there is.
    """
    there, needed = _available(streams.device), estimate(config, network, streams)
    if there is not None and needed > there:
        raise ConfigError(
            f"rule.max_dendrites={config.max_dendrites} would take about {needed / GIB:.3g} GiB, and {there / GIB:.3g} GiB are free; "
            "lower rule.max_dendrites, seeds or the size of the network"
        )


def _available(device: torch.device) -> int | None:
    """Return free bytes, None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
