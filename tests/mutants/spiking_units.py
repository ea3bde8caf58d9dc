"""Defects of the compiled scans of spiking units, and more of their losses, codes, reports and comparisons."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SPIKING_UNITS"]

_UNITS = ("neurons/test_spiking_values.py", "conformance/test_conformance_spiking.py")
_LOSSES = ("spiking/test_spiking_losses.py",)
_CODES = ("data/test_encodings.py",)
_ACTIVITY = ("probes/test_probe_spikes.py", "spiking/test_spiking_report.py")

SPIKING_UNITS = (
    Defect(
        "lif: the threshold decays with the membrane",
        "neurons/_scan.py",
        "u - threshold if state[c] > level else u",
        "u - b * threshold if state[c] > level else u",
        _UNITS,
    ),
    Defect(
        "lif: a reset to zero swallows the step's current",
        "neurons/_scan.py",
        "drive[c] if state[c] > level else b * state[c] + drive[c]",
        "zero if state[c] > level else b * state[c] + drive[c]",
        _UNITS,
    ),
    Defect(
        "lif: a membrane at the threshold fires",
        "neurons/_scan.py",
        "fired[c] = one if now[c] > level else zero",
        "fired[c] = one if now[c] >= level else zero",
        _UNITS,
    ),
    Defect(
        "lif: an immediate reset resets twice",
        "neurons/_scan.py",
        "more = fired[c] - was",
        "more = fired[c] + zero * was",
        _UNITS,
    ),
    Defect(
        "lif: the error decays the wrong way at a reset to zero",
        "neurons/_scan.py",
        "later[c] = zero if state[c] > level else decay * later[c]",
        "later[c] = decay * later[c]",
        _UNITS,
    ),
    Defect(
        "lif: a constant current hears of the first step alone",
        "neurons/_scan.py",
        "if summed and s > 0:",
        "if summed and s < 0:",
        ("conformance/test_conformance_neurons.py",),
    ),
    Defect(
        "lif: Euler's decay for the exact one",
        "neurons/spiking.py",
        "return math.exp(-dt / tau)",
        "return 1 - dt / tau",
        _UNITS,
    ),
    Defect(
        "synaptic: the membrane takes the old current",
        "neurons/_synaptic_scan.py",
        "            if not old:\n                for c in range(units):\n                    y[c] = a * y[c] + drive[c]",
        "            if old:\n                for c in range(units):\n                    y[c] = a * y[c] + drive[c]",
        _UNITS,
    ),
    Defect(
        "synaptic: errors of the synaptic current do not last",
        "neurons/_synaptic_scan.py",
        "mu[c] *= a",
        "mu[c] *= zero",
        _UNITS,
    ),
    Defect(
        "alif: a spike does not raise the threshold",
        "neurons/_alif_scan.py",
        "now[c] = v[c] - strength * b[c]",
        "now[c] = v[c]",
        _UNITS,
    ),
    Defect(
        "alif: refractory a step too long",
        "neurons/_alif_scan.py",
        "quiet[c] = refractory if fired[c] > zero",
        "quiet[c] = refractory + 1 if fired[c] > zero",
        _UNITS,
    ),
    Defect(
        "alif: no error reaches the adaptation",
        "neurons/_alif_scan.py",
        "at_b[c] = rho * at_b[c] - strength * psi",
        "at_b[c] = rho * at_b[c]",
        _UNITS,
    ),
    Defect(
        "izhikevich: errors pass the reset",
        "neurons/_continuous_scan.py",
        "(0.0 if spikes[row, t, k] > 0 else at_v[k])",
        "at_v[k]",
        _UNITS,
    ),
    Defect(
        "surrogate: fast sigmoid without its square",
        "neurons/surrogates.py",
        '(1 + p["k"] * away).square().reciprocal()',
        '(1 + p["k"] * away).reciprocal()',
        ("neurons/test_surrogates.py",),
    ),
    Defect(
        "surrogate: the compiled triangle has no threshold",
        "neurons/spiking.py",
        '(p["gamma"] / p["threshold"], 1 / p["threshold"])',
        '(p["gamma"], 1.0)',
        ("neurons/test_surrogates.py", *_UNITS),
    ),
    Defect(
        "loss: the membrane's is a mean over steps",
        "bioplaus/spiking/losses.py",
        "return loss.sum(2).mean(1), None, down.div_(u.shape[1])",
        "return loss.mean(2).mean(1), None, down.div_(u.shape[1])",
        _LOSSES,
    ),
    Defect(
        "loss: errors at spikes skip the surrogate",
        "bioplaus/spiking/task.py",
        "return at_spikes * torch_derivative(self.unit, out)",
        "return at_spikes * 1.0",
        _LOSSES,
    ),
    Defect(
        "code: late spikes pile up in the last step",
        "bioplaus/data/encodings.py",
        "spikes *= (when.round() <= last).unsqueeze(2)",
        "spikes *= 1",
        _CODES,
    ),
    Defect(
        "code: the dark background sets the scale",
        "bioplaus/data/encodings.py",
        "_stretched(when, x >= threshold, last) if clip",
        "_stretched(when, x >= -1, last) if clip",
        _CODES,
    ),
    Defect(
        "code: inputs below 0 pass for rates",
        "bioplaus/data/encodings.py",
        "if not (low >= 0 and high <= 1):",
        "if high > 1:",
        _CODES,
    ),
    Defect(
        "activity: operations of the first layer count",
        "bioplaus/spiking/activity.py",
        "list(zip(network.layers, run.traces))[1:]",
        "list(zip(network.layers, run.traces))",
        _ACTIVITY,
    ),
    Defect(
        "report: silence is never told",
        "bioplaus/spiking/report.py",
        "enumerate(rates, 1) if rate == 0",
        "enumerate(rates, 1) if rate == -1",
        ("spiking/test_spiking_bad_input.py", "spiking/test_spiking_report.py"),
    ),
    Defect(
        "compare: static backprop beside spiking rules",
        "bioplaus/comparison/plan.py",
        "OF_SPIKES if _spiking(options.rules, given) else REFERENCE",
        "REFERENCE",
        ("comparison/test_compare_spiking.py",),
    ),
    Defect(
        "compare: a trial sees no time",
        "bioplaus/comparison/trial.py",
        "build.encoding(settings)",
        "None",
        ("comparison/test_compare_spiking.py",),
    ),
)
