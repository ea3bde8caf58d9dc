"""Defects of the rules that use one set of synapses in two directions."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["TWO_WAY"]

BOTH = ("rules/test_bidirectional.py",)
HAN = ("rules/test_han.py",)

TWO_WAY = (
    Defect("the way down has weights of its own", "bioplaus/network.py", "        weight=layer.weight,\n", "", BOTH),
    Defect(
        "the way down shares biases with the way up",
        "bioplaus/network.py",
        '_transposed(layer, f"{name}/{i}", neuron',
        '_transposed(layer, f"forward/{i}", neuron',
        BOTH,
    ),
    Defect("generated pixels are not averaged", "rules/pixels.py", "    values = x.shape[1] * flat.shape[2]", "    values = x.shape[1]", BOTH),
    Defect(
        "every class counts alike, however often it occurs",
        "rules/pixels.py",
        "share = match.sum(1).unsqueeze(-1).div_(values)",
        "share = match.mean(1).mean(-1, keepdim=True).unsqueeze(-1).expand(-1, match.shape[2], 1) * match.shape[1] / values",
        BOTH,
    ),
    Defect("statistics are those of the classes", "rules/bidirectional.py", "if any(layer.norms", "if not any(layer.norms", BOTH),
    Defect("the order of the steps is fixed", "rules/bidirectional.py", "found[::-1]", "found", BOTH),
    Defect("the local variant averages over pixels", "rules/bidirectional.py", "missing * missing[0, 0].numel()", "missing", BOTH),
    Defect("the generator stops at two thirds", "rules/two_way.py", "view.clock.steps_total // 2", "2 * view.clock.steps_total // 3", BOTH),
    Defect("the generator learns at the classifier's rate", "rules/two_way.py", "self.generator_rate())", "self.config.lr)", BOTH),
    Defect("class means weigh batches, not samples", "rules/two_way.py", "(total + found, count + seen)", "(total + found, count)", BOTH),
    Defect("the discriminator and the generator meet the same noise", "rules/han.py", 'f"han/{whose}"', '"han"', HAN),
    Defect("noise is positive", "rules/han.py", "-1.0, 1.0)", "0.0, 1.0)", HAN),
    Defect("the discriminator takes both for true", "rules/han.py", "true_sample=False)", "true_sample=True)", HAN),
    Defect("the error skips the sigmoid of the pixels", "rules/han.py", "at_image * made * (1 - made)", "at_image", HAN),
    Defect("the generator goes first", "rules/han.py", "self.discriminate, self.generate", "self.generate, self.discriminate", HAN),
    Defect("the relaxing rate forgets its floor", "bioplaus/plasticity/schedule.py", "factor *= config.schedule_floor + ", "factor *= ", BOTH),
)
