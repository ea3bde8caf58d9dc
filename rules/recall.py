"""Recall from memory: relaxation of Ising units under stored synapses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bioplaus.neurons.ising import IsingConfig
from bioplaus.streams import Streams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Memories"]


@dataclass(frozen=True)
class Memories:
    """Stored synapses, ready for relaxation.

    Parameters
    ----------
    weight
        Vectors v ``[R, K, N]`` where coupling is a number, J = (coupling / N) sum_mu v_mu v_mu^T; else J itself, ``[R, N, N]``.
    coupling
        The factor of J; None where J is given.
    neuron
        Temperature, updates and sweeps.
    """

    weight: Tensor
    coupling: float | None
    neuron: IsingConfig

    def step(self, states: Tensor) -> Tensor:
        """Return what one parallel update without noise makes of states ``[R, B, N]``; an entry without a field keeps its value."""
        if self.coupling is None:
            field = torch.matmul(states, self.weight.mT)
        else:
            field = torch.matmul(torch.matmul(states, self.weight.mT), self.weight)
        return torch.where(field == 0, states, torch.sign(field))

    def relaxed(self, cues: Tensor, streams: Streams) -> Tensor:
        """Return the states ``[R, B, N]`` that cues ``[R or 1, B, N]`` relax to; a blank of a cue starts as a fair coin falls."""
        replicas = self.weight.shape[0]
        coin = 2 * streams.integers("blanks", cues.shape[1:], 0, 2).to(cues.dtype) - 1
        starts = torch.where(cues == 0, coin, torch.sign(cues).expand(replicas, *cues.shape[1:]))
        seeds = streams.integers("sweeps", cues.shape[1:2], 0, 2**62)
        temperatures = self.temperatures()
        ends = [self.run(starts[:, b], seeds[:, b], temperatures).states for b in range(cues.shape[1])]
        found = torch.stack([torch.from_numpy(end) for end in ends], 1) if ends else starts
        return found.to(cues.device, cues.dtype)

    def temperatures(self) -> NDArray[np.float64]:
        """Return the temperature of every sweep: the schedule over the burn-in, then T."""
        import numpy as np

        from bioplaus.dynamics.schedule import schedule

        n = self.neuron
        return np.concatenate([schedule(n.schedule, n.T, n.burn_in, None if n.schedule == "constant" else n.T_start), np.full(n.sweeps, n.T)])

    def run(self, states: Tensor, seeds: Tensor, temperatures: Sequence[float] | NDArray[np.float64]) -> Any:
        """Return the `bioplaus.dynamics.Relaxed` of states ``[R, N]`` over sweeps of these temperatures."""
        import numpy as np

        from bioplaus.dynamics.relax import relax, relax_coupled

        start = states.cpu().numpy().astype(np.int8)
        marks = seeds.cpu().numpy().astype(np.uint64)
        w, steps = self.weight.cpu().numpy(), np.asarray(temperatures, dtype=np.float64)
        if self.coupling is None:
            return relax_coupled(w, start, steps, marks, probes=np.empty((len(start), 0, start.shape[1])), update=self.neuron.update)
        whole = bool((w == np.rint(w)).all() and (abs(w) <= 1).all())
        return relax(w.astype(np.int8 if whole else np.float64), start, steps, marks, coupling=self.coupling, update=self.neuron.update)
