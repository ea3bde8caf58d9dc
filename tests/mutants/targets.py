"""Defects of the rules that send targets down."""

from mutants.defect import Defect

__all__ = ["TARGETS"]

TARGETS = (
    Defect(
        "targets: the difference correction is left out",
        "rules/targets.py",
        "here + shift).out - g.forward(scope, here).out",
        "here + shift).out - below",
        ("rules/test_targets.py",),
    ),
    Defect(
        "targets: the gradient of a square lacks its 2",
        "rules/targets.py",
        "layers[i].wanted(run.traces[i], shift * (2 / size))",
        "layers[i].wanted(run.traces[i], shift * (1 / size))",
        ("rules/test_targets.py",),
    ),
    Defect(
        "targets: feedback takes the sum of two changes for the first",
        "rules/targets.py",
        "total[key] = Outer(mine.connection, (*mine.pairs, *change.pairs))",
        "total[key] = mine",
        ("rules/test_reconstruction.py",),
    ),
    Defect(
        "targets: forward weights learn during the epochs of feedback alone",
        "rules/reconstruction.py",
        "view.clock.epoch < self.config.pretrain_epochs",
        "view.clock.epoch < self.config.pretrain_epochs - 1",
        ("rules/test_reconstruction.py",),
    ),
    Defect(
        "targets: every feedback update of a batch meets the same noise",
        "rules/reconstruction.py",
        "/{self.turn}",
        "",
        ("rules/test_reconstruction.py",),
    ),
    Defect(
        "dtp: reconstructs the clean activity",
        "rules/dtp.py",
        "missing = q - back.out",
        "missing = below - back.out",
        ("rules/test_reconstruction.py",),
    ),
    Defect(
        "drl: what comes back is not difference-corrected on its way",
        "rules/drl.py",
        ".out + offset",
        ".out",
        ("rules/test_reconstruction.py",),
    ),
    Defect(
        "ldrl: the damping pulls the wrong way",
        "rules/ldrl.py",
        "excess * (-1 / size)",
        "excess * (1 / size)",
        ("rules/test_reconstruction.py",),
    ),
    Defect(
        "fwdtp: feedback learns like the rest",
        "rules/fwdtp.py",
        "        return None\n",
        "        return self.config.lr\n",
        ("rules/test_fwdtp.py",),
    ),
    Defect(
        "fwdtp: the difference is not standardised",
        "rules/fwdtp.py",
        "return standard.forward(scope, below + moved)[0] - below",
        "return moved",
        ("rules/test_fwdtp.py",),
    ),
    Defect(
        "standardisation: error forgets that the spread moves",
        "rules/standardise.py",
        " - torch.where(cache.sd > 0, cache.normal * through_sd, 0)",
        "",
        ("rules/test_standardise.py",),
    ),
    Defect(
        "standardisation: the biased spread",
        "rules/standardise.py",
        "correction=min(1, n - 1)",
        "correction=0",
        ("rules/test_standardise.py",),
    ),
)
