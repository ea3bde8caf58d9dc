"""Defects of spiking units, their losses and codes, what is said of their activity, and of conversion."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SPIKING"]

_UNITS = ("neurons/test_spiking_values.py", "conformance/test_conformance_spiking.py")
_LOSSES = ("spiking/test_spiking_losses.py",)
_CODES = ("data/test_encodings.py",)
_CONVERSION = ("spiking/test_conversion.py",)
_ACTIVITY = ("probes/test_probe_spikes.py", "spiking/test_spiking_report.py")

SPIKING = (
    # units
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
        "lif: a constant current hears of the last step alone",
        "neurons/_scan.py",
        "if summed and s > 0:",
        "if summed and s < 0:",
        _UNITS,
    ),
    Defect(
        "lif: the learned decay forgets the slope of its sigmoid",
        "neurons/lif.py",
        "slope = cache.beta * (1 - cache.beta)",
        "slope = cache.beta",
        _UNITS,
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
        "if: a membrane at the threshold does not fire",
        "neurons/integrate_fire.py",
        "inclusive: ClassVar[bool] = True",
        "inclusive: ClassVar[bool] = False",
        ("neurons/test_spiking_values.py", *_CONVERSION),
    ),
    Defect(
        "izhikevich: errors pass the reset",
        "neurons/_continuous_scan.py",
        "(0.0 if spikes[row, t, k] > 0 else at_v[k])",
        "at_v[k]",
        _UNITS,
    ),
    # surrogates
    Defect(
        "surrogate: fast sigmoid without its square",
        "neurons/surrogates.py",
        '(1 + p["k"] * away).square().reciprocal()',
        '(1 + p["k"] * away).reciprocal()',
        ("neurons/test_surrogates.py",),
    ),
    Defect(
        "surrogate: atan's peak is 1 over pi of what it says",
        "neurons/surrogates.py",
        'return (p["alpha"] / 2) / (1 +',
        'return (p["alpha"] / 2 / math.pi) / (1 +',
        ("neurons/test_surrogates.py",),
    ),
    Defect(
        "surrogate: the compiled triangle has no threshold",
        "neurons/spiking.py",
        '(p["gamma"] / p["threshold"], 1 / p["threshold"])',
        '(p["gamma"], 1.0)',
        ("neurons/test_surrogates.py", *_UNITS),
    ),
    # losses
    Defect(
        "loss: the membrane's is a mean over steps",
        "bioplaus/spiking/losses.py",
        "return loss.sum(2).mean(1), None, down.div_(u.shape[1])",
        "return loss.mean(2).mean(1), None, down.div_(u.shape[1])",
        _LOSSES,
    ),
    Defect(
        "loss: the error of rates is a sum over steps",
        "bioplaus/spiking/losses.py",
        "down.div_(u.shape[1] * u.shape[2]), None",
        "down.div_(u.shape[1]), None",
        _LOSSES,
    ),
    Defect(
        "loss: targets of counts are rounded up",
        "bioplaus/spiking/losses.py",
        "(int(steps * share) for share in rates)",
        "(int(steps * share + 0.999) for share in rates)",
        _LOSSES,
    ),
    Defect(
        "loss: a silent unit counts as the first",
        "bioplaus/spiking/losses.py",
        "torch.full_like(spikes[:, :, 0], steps - 1, dtype=torch.int64)",
        "torch.full_like(spikes[:, :, 0], 0, dtype=torch.int64)",
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
        "loss: a step's share of a mean is the whole",
        "bioplaus/spiking/task.py",
        "share = 1 / steps if",
        "share = 1.0 if",
        ("spiking/test_spiking_losses.py", "rules/test_eprop.py"),
    ),
    Defect(
        "prediction: the last first spike wins",
        "bioplaus/spiking/task.py",
        "return -first_spike_times(spikes) if",
        "return first_spike_times(spikes) if",
        _LOSSES,
    ),
    # codes
    Defect(
        "code: the gain is left out",
        "bioplaus/data/encodings.py",
        "(uniform < (gain * x + offset)",
        "(uniform < (x + offset)",
        _CODES,
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
        "code: changes of less than the threshold count",
        "bioplaus/data/encodings.py",
        "found = (change >= threshold)",
        "found = (change > 0)",
        _CODES,
    ),
    Defect(
        "code: inputs below 0 pass for rates",
        "bioplaus/data/encodings.py",
        "if not (low >= 0 and high <= 1):",
        "if high > 1:",
        _CODES,
    ),
    # activity
    Defect(
        "activity: operations of the first layer count",
        "bioplaus/spiking/activity.py",
        "list(zip(network.layers, run.traces))[1:]",
        "list(zip(network.layers, run.traces))",
        _ACTIVITY,
    ),
    Defect(
        "activity: silent units are those of any silent step",
        "bioplaus/spiking/activity.py",
        "(each == 0).double().mean(1)",
        "(each < 1).double().mean(1)",
        _ACTIVITY,
    ),
    Defect(
        "activity: every sample is level with itself",
        "bioplaus/spiking/activity.py",
        ".sum(-1) > 1",
        ".sum(-1) > 0",
        _ACTIVITY,
    ),
    Defect(
        "report: silence is never told",
        "bioplaus/spiking/report.py",
        "enumerate(rates, 1) if rate == 0",
        "enumerate(rates, 1) if rate == -1",
        ("spiking/test_spiking_bad_input.py", "spiking/test_spiking_report.py"),
    ),
    # conversion
    Defect(
        "conversion: biases keep their size",
        "bioplaus/spiking/conversion.py",
        "bias / lam[i].unsqueeze(1)",
        "bias",
        _CONVERSION,
    ),
    Defect(
        "conversion: weights forget the scale below",
        "bioplaus/spiking/conversion.py",
        "per_weight(before / lam[i], weight)",
        "per_weight(1 / lam[i], weight)",
        _CONVERSION,
    ),
    Defect(
        "conversion: the running mean is left out",
        "bioplaus/spiking/conversion.py",
        "(bias - buffers[norm.mean]) * scale + shift",
        "bias * scale + shift",
        _CONVERSION,
    ),
    Defect(
        "conversion: the percentile leaves out zeros",
        "bioplaus/spiking/conversion.py",
        "(1 - PERCENTILE) * (len(feed) * _size(layer.connection.out_shape) - 1)",
        "(1 - PERCENTILE) * (len(feed) * _size(layer.connection.out_shape) / 2 - 1)",
        _CONVERSION,
    ),
    Defect(
        "conversion: the answer is that of one step",
        "bioplaus/spiking/conversion.py",
        ".expand(-1, -1, steps, -1).cumsum(2)",
        ".expand(-1, -1, steps, -1)",
        ("spiking/test_conversion.py", "spiking/test_conversion_loop.py"),
    ),
    # comparison
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
