"""Defects of rules that learn forward in time, and of units that go step by step."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["FORWARD_IN_TIME"]

FORWARD_IN_TIME = (
    Defect(
        "eprop: traces are not behind the low-pass of the read-out",
        "rules/eligibility.py",
        "later = self.kappa * later + signal",
        "later = signal",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: the adaptation does not fade in the compiled scan",
        "rules/_eligibility_scan.py",
        "a[i] = rho * a[i] + e",
        "a[i] = a[i] + e",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: the adaptation does not count for cells",
        "rules/eligibility.py",
        "e = e - psi * (strength * self.adapted)",
        "e = e - 0 * psi * (strength * self.adapted)",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: a recurrent synapse sees the spikes of its own step",
        "rules/walk.py",
        "self.echo[i] = was.spikes",
        "self.echo[i] = self.units[i].step(was, current).spikes",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: random feedback is that of the output weights after all",
        "rules/eprop.py",
        'if self.config.feedback == "symmetric" and i == len(hidden) - 1:',
        "if i == len(hidden) - 1:",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: feedback is drawn with the spread of the outputs",
        "rules/eprop.py",
        'Init("normal", math.sqrt(outputs[0] / layer.out_shape[0]))',
        'Init("normal", math.sqrt(1.0))',
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: adaptive feedback does not decay",
        "rules/eprop.py",
        "Dense(shared.mT.sub(view.params[back], alpha=self.config.decay))",
        "Dense(shared.mT.clone())",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: the regulariser pulls away from its rate",
        "rules/eprop.py",
        'missing = self.config.rate - view.state[f"rate/{layer.name}"]',
        'missing = view.state[f"rate/{layer.name}"] - self.config.rate',
        ("rules/test_eprop.py",),
    ),
    Defect(
        "eprop: stepwise changes do not reach the first current",
        "rules/walk.py",
        "if i or not self.constant or not self.still:",
        "if i or not self.constant:",
        ("rules/test_eprop.py",),
    ),
    Defect(
        "decolle: the error of a spike instead of the membrane",
        "rules/decolle.py",
        "at_spikes * unit.slope(state)",
        "at_spikes * 1.0",
        ("rules/test_decolle.py",),
    ),
    Defect(
        "decolle: learning starts a step early",
        "rules/decolle.py",
        "t >= min(self.config.burn_in, walk.steps - 1)",
        "t >= min(self.config.burn_in - 1, walk.steps - 1)",
        ("rules/test_decolle.py",),
    ),
    Defect(
        "srm: the slow filter takes the new fast one",
        "neurons/srm.py",
        "return c.beta * q + (1 - c.beta) * pre, c.alpha * p + (1 - c.alpha) * q",
        "return (q := c.beta * q + (1 - c.beta) * pre), c.alpha * p + (1 - c.alpha) * q",
        ("conformance/test_conformance_spiking.py",),
    ),
    Defect(
        "alif step by step: quiet steps do not silence the slope",
        "neurons/online.py",
        "return psi * (state.more[2] == 0) if self.config.n_ref else psi",
        "return psi",
        ("neurons/test_online.py",),
    ),
)
