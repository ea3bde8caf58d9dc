"""Changes that no test can notice, because they are no defects."""

from __future__ import annotations

from mutants.defect import Equivalent

__all__ = ["EQUIVALENT"]

EQUIVALENT = (
    Equivalent(
        "bioplaus/connections/dense.py",
        "if x.shape[0] == 1 and e.shape[0] == 1:",
        "if False:",
        "one replica takes a plain product only because it is faster; the batched product is the same sum",
    ),
    Equivalent(
        "neurons/smooth.py",
        "if self.config.alpha != 1:",
        "if True:",
        "for alpha = 1 both branches are elu, apart from one rounding of 1",
    ),
    Equivalent(
        "bioplaus/plasticity/update.py",
        "return None if bool(taking_part.all()) else taking_part.nonzero().squeeze(1)",
        "return taking_part.nonzero().squeeze(1)",
        "writing to all replicas by their numbers is writing to all replicas; without numbers it copies nothing",
    ),
    Equivalent(
        "bioplaus/connections/conv2d.py",
        "w[r].contiguous(memory_format=torch.channels_last)",
        "w[r]",
        "the order of a kernel in memory is a matter of speed, apart from rounding",
    ),
    Equivalent(
        "bioplaus/selection.py",
        "if not bool(better.any()):\n            return\n        rows",
        "rows",
        "an empty list of rows writes nothing; the early return saves the loop",
    ),
)
