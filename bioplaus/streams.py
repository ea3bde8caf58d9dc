"""Random numbers that are a pure function of (seed, name, position): no generator has a state.

A draw is keyed by the replica's seed, a name such as ``"init/forward/0/weight"`` and the position of the run (the step or the epoch),
never by the order of calls. Adding a draw to a rule therefore shifts no other draw, replica r of a batch of seeds draws what the
single run with that seed draws, and a resumed run needs no generator state. Two draws under one name at one position are equal:
inside a loop put the counter into the name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["Streams"]


def _generator(seed: int, name: str, position: int) -> torch.Generator:
    digest = hashlib.blake2b(f"{seed}|{name}|{position}".encode(), digest_size=8).digest()
    generator = torch.Generator()
    generator.manual_seed(int.from_bytes(digest, "little") >> 1)
    return generator


@dataclass(frozen=True)
class Streams:
    """Named random streams, one per replica.

    Parameters
    ----------
    seeds
        Seed of each replica, length R.
    position
        Where in the run the draws are made (a step or an epoch); 0 for initialisation.
    device, dtype
        Where the numbers go. They are always drawn on the CPU in float32 or float64, so that initialisation, data order and noise
        are the same on every device.
    scope
        Put before every name.
    """

    seeds: tuple[int, ...]
    position: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    scope: str = ""

    def at(self, position: int) -> Streams:
        """Return the same streams at another position of the run."""
        return Streams(self.seeds, position, self.device, self.dtype, self.scope)

    def within(self, scope: str) -> Streams:
        """Return streams whose names all start with the scope: the same draw, made several times at one position, is then several draws."""
        return Streams(self.seeds, self.position, self.device, self.dtype, self.scope + scope)

    def select(self, replicas: Sequence[int]) -> Streams:
        """Return the streams of some replicas."""
        return Streams(tuple(self.seeds[r] for r in replicas), self.position, self.device, self.dtype, self.scope)

    def uniform(self, name: str, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw U(low, high), shape ``[R, *shape]``."""
        draws = [torch.rand(tuple(shape), generator=g, dtype=self.dtype) for g in self._generators(name)]
        return self._stack(draws).mul_(high - low).add_(low)

    def normal(self, name: str, shape: Sequence[int]) -> Tensor:
        """Draw N(0, 1), shape ``[R, *shape]``."""
        return self._stack([torch.randn(tuple(shape), generator=g, dtype=self.dtype) for g in self._generators(name)])

    def integers(self, name: str, shape: Sequence[int], low: int, high: int) -> Tensor:
        """Draw integers low <= n < high, shape ``[R, *shape]``, int64."""
        return self._stack([torch.randint(low, high, tuple(shape), generator=g) for g in self._generators(name)])

    def permutation(self, name: str, n: int) -> Tensor:
        """Draw a permutation of 0..n-1 for each replica, shape ``[R, n]``, int64."""
        return self._stack([torch.randperm(n, generator=g) for g in self._generators(name)])

    def _generators(self, name: str) -> list[torch.Generator]:
        return [_generator(seed, self.scope + name, self.position) for seed in self.seeds]

    def _stack(self, draws: list[Tensor]) -> Tensor:
        return torch.stack(draws).to(self.device)
