"""Defects of cells that fire once and of errors sent down through their times."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SPIKE_TIMES"]

TESTS = ("rules/test_spikeprop.py",)
LAYER, FIRST = "bioplaus/spike_time_layer.py", "bioplaus/spiking/first_spikes.py"
SPIKE_TIMES = (
    Defect(
        "spike times: hidden errors have the wrong sign",
        LAYER,
        "below = -(back * self._slopes(",
        "below = (back * self._slopes(",
        TESTS,
    ),
    Defect(
        "spike times: errors go down by potentials in place of their slopes",
        LAYER,
        "below = -(back * self._slopes(",
        "below = -(back * self._potentials(",
        TESTS,
    ),
    Defect(
        "spike times: the first cells are inhibitory in place of the last",
        LAYER,
        "received[..., -self.inhibitory :, :] *= -1",
        "received[..., : self.inhibitory, :] *= -1",
        TESTS,
    ),
    Defect("spike times: the slope has no floor", LAYER, "trace.current.clamp(min=c.floor)", "trace.current", TESTS),
    Defect(
        "spike times: a cell that does not fire is pushed at the end of the window",
        FIRST,
        "time, grid[on_grid.argmax(2)]), fired",
        "time, grid[-1]), fired",
        TESTS,
    ),
    Defect(
        "spike times: a crossing stays where the grid puts it",
        FIRST,
        "time = torch.where(good, time, new)",
        "time = torch.where(good, time, time)",
        TESTS,
    ),
    Defect("spike times: a slope before the arrival", FIRST, " * (lag > 0) / tau", " / tau", TESTS),
    Defect(
        "spike times: the last crossing of the grid in place of the first",
        FIRST,
        "n = above.int().argmax(2).clamp(min=1)",
        "n = (grid.numel() - 1 - above.flip(2).int().argmax(2)).clamp(min=1)",
        TESTS,
    ),
    Defect(
        "spike times: early and late changed over",
        "bioplaus/spiking/time_task.py",
        "torch.linspace(self.late, self.early,",
        "torch.linspace(self.early, self.late,",
        TESTS,
    ),
    Defect(
        "spike times: inputs of zero fire last where they should be silent",
        "bioplaus/networks/spike_times.py",
        "silent = config.window if config.silent_zeros else None",
        "silent = None",
        TESTS,
    ),
)
