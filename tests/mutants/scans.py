"""Defects of what makes spiking layers quick and small, and of the engine that computes them by snnTorch."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SCANS"]

SCANS = (
    Defect(
        "threads: the last share of rows is left out",
        "neurons/_threads.py",
        "for part in range(threads + 1))",
        "for part in range(threads + 1) if part < threads or threads == 1)",
        ("connections/test_gather.py",),
    ),
    Defect(
        "gathering: what is no spike counts as one",
        "bioplaus/connections/_gather.py",
        "if others != ones:",
        "if others < ones:",
        ("connections/test_gather.py",),
    ),
    Defect(
        "gathering: the rest after groups of eight is lost",
        "bioplaus/connections/_gather.py",
        "while p < n:",
        "while p + 1 < n:",
        ("connections/test_gather.py",),
    ),
    Defect(
        "gathering hides a product from autograd",
        "bioplaus/connections/dense.py",
        "if not _watched(w, x) and few(x, w.shape[0]):",
        "if few(x, w.shape[0]):",
        ("connections/test_gather.py",),
    ),
    Defect(
        "idle memory grows with every new size",
        "bioplaus/allocation.py",
        "while self._waiting and self.out + self.idle > self.most:",
        "while self._waiting and self.out + self.idle > 100 * self.most:",
        ("test_allocation.py",),
    ),
    Defect(
        "memory is handed out while a view of it is held",
        "bioplaus/allocation.py",
        "weakref.finalize(shown, self._returned.append, block).atexit = False",
        "self._returned.append(block)",
        ("test_allocation.py",),
    ),
    Defect(
        "a spiking layer's current is kept for learning",
        "bioplaus/layer.py",
        "if scope.train and self.neuron.spiking:",
        "if scope.train and not self.neuron.spiking:",
        ("rules/test_surrogate_memory.py",),
    ),
    Defect("traces stay on the way down", "bioplaus/passes.py", "traces.pop()", "traces[i]", ("rules/test_surrogate_memory.py",)),
    Defect(
        "snnTorch's list of units grows",
        "bioplaus/engines/_snntorch_units.py",
        "for one in SpikingNeuron.instances if one is not unit]",
        "for one in SpikingNeuron.instances]",
        ("engines/test_snntorch_loop.py",),
    ),
    Defect(
        "snnTorch's units wait for the collector of garbage",
        "bioplaus/engines/_snntorch_units.py",
        "    unit.state_function = None",
        "    pass",
        ("engines/test_snntorch_loop.py",),
    ),
    Defect(
        "snnTorch's spikes stay in single precision",
        "bioplaus/engines/_snntorch_units.py",
        "return theirs if dtype == torch.float32 else",
        "return theirs if dtype != torch.float16 else",
        ("engines/test_snntorch_loop.py",),
    ),
    Defect(
        "snnTorch's layers see the first step again and again",
        "bioplaus/engines/snntorch_loop.py",
        "now = x[:, :, 0 if x.shape[2] == 1 else t]",
        "now = x[:, :, 0]",
        ("engines/test_snntorch_loop.py",),
    ),
)
