"""Defects of networks that recall: patterns and examples, Hebb's sums, relaxation, the task, and data drawn per seed."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["RECALL"]

_RULE = ("rules/test_multitasking.py",)
_DATA = ("data/test_data_patterns.py",)

RECALL = (
    Defect(
        "patterns: blanks as rare as entries should be",
        "bioplaus/disorder.py",
        "draw.random((K, N)) < d",
        "draw.random((K, N)) >= d",
        _DATA,
    ),
    Defect("examples: quality is the probability itself", "bioplaus/disorder.py", "< (1 + r) / 2", "< r", _DATA),
    Defect(
        "examples: one flip for all examples",
        "bioplaus/disorder.py",
        "for a in range(M):",
        "for a in range(M and 1):",
        _DATA,
    ),
    Defect(
        "cue: the last entry that is not blank leads",
        "bioplaus/disorder.py",
        "(votes != 0).argmax(0)",
        "(len(votes) - 1 - (votes[::-1] != 0).argmax(0))",
        _DATA,
    ),
    Defect(
        "cue: what no pattern settles is always up",
        "bioplaus/disorder.py",
        "np.where(field == 0, coin,",
        "np.where(field == 0, 1,",
        _DATA,
    ),
    Defect(
        "feed: every replica meets the first one's samples",
        "bioplaus/feed.py",
        "index + len(self) * torch",
        "index + 0 * torch",
        _RULE,
    ),
    Defect(
        "feed: a pack meets the first replicas' samples",
        "bioplaus/feed.py",
        "self.x[first : last + 1], y=self.y[first : last + 1]",
        "self.x[: last + 1 - first], y=self.y[: last + 1 - first]",
        _RULE,
    ),
    Defect(
        "patterns: the test example is a training example",
        "bioplaus/data/patterns.py",
        "test_x=examples[:, :, 0]",
        "test_x=examples[:, :, 1]",
        ("data/test_data_patterns.py", "rules/test_multitasking.py"),
    ),
    Defect(
        "patterns: more examples change those before them",
        "bioplaus/data/patterns.py",
        "one, config.M + 1, config.r",
        "one, config.M + 1, config.r ** config.M",
        _DATA,
    ),
    Defect(
        "recurrent: self synapses learn",
        "bioplaus/connections/recurrent.py",
        "change.diagonal(dim1=-2, dim2=-1).zero_()",
        "change.diagonal(dim1=-2, dim2=-1)",
        _RULE,
    ),
    Defect(
        "transposed: the other way is the same way",
        "bioplaus/connections/transposed.py",
        "return self.source.correlate(post, pre)",
        "return self.source.correlate(post, pre) * 2",
        ("conformance/test_conformance_connections.py",),
    ),
    Defect(
        "multitasking: cells keep sums, not means",
        "rules/multitasking.py",
        "Memories(w / seen, coupling, neuron)",
        "Memories(w, coupling, neuron)",
        _RULE,
    ),
    Defect(
        "multitasking: couplings lack the quality",
        "rules/multitasking.py",
        "g / (task.r**2 * (1 + task.rho))",
        "g / (1 + task.rho)",
        _RULE,
    ),
    Defect(
        "multitasking: dilution is never normalised",
        "rules/multitasking.py",
        "1 / (1 - task.d) if self.config.normalise else 1.0",
        "1.0",
        _RULE,
    ),
    Defect(
        "multitasking: unsupervised couplings count every pattern's examples",
        "rules/multitasking.py",
        "coupling * task.classes / w.shape[-1]",
        "coupling / w.shape[-1]",
        _RULE,
    ),
    Defect(
        "multitasking: noise may be stored as if it were none",
        "rules/multitasking.py",
        'self.config.learning == "storing" and task.rho > 0',
        'self.config.learning == "storing" and task.rho < 0',
        _RULE,
    ),
    Defect(
        "recall: the burn-in is averaged too",
        "rules/recall_findings.py",
        'row["overlaps"][burn_in + 1 :].mean(0)',
        'row["overlaps"].mean(0)',
        _RULE,
    ),
    Defect(
        "recall: overlaps over all entries",
        "rules/recall_findings.py",
        '"overlaps": row["overlaps"] / (1 - task.d)',
        '"overlaps": row["overlaps"]',
        _RULE,
    ),
    Defect(
        "retrieval: one-sided squared error",
        "bioplaus/tasks.py",
        "self._sizes(out).square() - self.overlaps(out).square()",
        "self._sizes(out) - self.overlaps(out)",
        ("test_tasks.py",),
    ),
    Defect(
        "retrieval: a negative of a pattern does not count",
        "bioplaus/tasks.py",
        "found = self.overlaps(out).abs() /",
        "found = self.overlaps(out) /",
        ("test_tasks.py",),
    ),
    Defect(
        "ising: noise is squared",
        "neurons/ising.py",
        "torch.tanh(current / self.config.T)",
        "torch.tanh(current / self.config.T**2)",
        ("neurons/test_ising.py",),
    ),
)
