"""Defects of memristive devices, their files and their fits."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["DEVICES"]

FOLDER = "bioplaus/plasticity/devices"
VALUES, PULSES = ("plasticity/devices/test_device_values.py",), ("plasticity/devices/test_device_pulses.py",)
NOISE, FILES = ("plasticity/devices/test_device_noise.py",), ("plasticity/devices/test_device_files.py",)

DEVICES = (
    Defect(
        "devices: the sign of a label is lost",
        f"{FOLDER}/nonlinearity.py",
        "found = np.sign(labels) * np.where(",
        "found = np.where(",
        VALUES,
    ),
    Defect(
        "devices: the label is measured upright, not at right angles",
        f"{FOLDER}/nonlinearity.py",
        "LABEL_UNIT = 0.07 * math.sqrt(2)",
        "LABEL_UNIT = 0.07",
        ("plasticity/devices/test_nonlinearity.py",),
    ),
    Defect(
        "devices: pulses down follow the slope of pulses up",
        f"{FOLDER}/steps.py",
        "_growth(sign * _log(sign * b), n, grows=sign * b > 0)",
        "_growth(sign * _log(b), n, grows=sign * b > 0)",
        PULSES,
    ),
    Defect(
        "devices: a pulse that overshoots swings back",
        f"{FOLDER}/steps.py",
        "return math.log1p(rate) if rate > _LEAST_LEFT else _ALL_THE_WAY",
        "return math.log1p(rate) if rate > _LEAST_LEFT else math.log1p(-2 - rate)",
        PULSES,
    ),
    Defect("devices: exponential steps may turn round", f"{FOLDER}/steps.py", 'c * g), 0.0, math.inf)', "c * g), -math.inf, math.inf)", PULSES),
    Defect(
        "devices: an imbalance speeds up the other side",
        f"{FOLDER}/incremental.py",
        "up = dw * (1 + min(self.up_down, 0.0) + bias)",
        "up = dw * (1 + self.up_down + bias)",
        PULSES,
    ),
    Defect(
        "devices: linear steps refer to the other bound",
        f"{FOLDER}/linear_step.py",
        'values["gamma_down"] / self.w_min',
        '-values["gamma_down"] / self.w_max',
        VALUES,
    ),
    Defect(
        "devices: noise grows with the pulses, not with their root",
        f"{FOLDER}/counted.py",
        'apply("abs", n) ** 0.5',
        'apply("abs", n)',
        NOISE,
    ),
    Defect(
        "devices: noise leads out of the bounds",
        f"{FOLDER}/counted.py",
        'noise("cycle"), s.low, s.high)',
        'noise("cycle"), -9.0, 9.0)',
        NOISE,
    ),
    Defect(
        "devices: one draw serves all pulses",
        f"{FOLDER}/incremental.py",
        'count, rises = apply("abs", n), n > 0',
        'count, rises, noise = apply("abs", n), n > 0, (lambda name, one=noise("cycle"): one)',
        NOISE,
    ),
    Defect(
        "devices: read noise forgets Gmin",
        f"{FOLDER}/base.py",
        "else 1 / (self.on_off - 1)",
        "else 0.0",
        NOISE,
    ),
    Defect(
        "devices: all replicas are drawn alike",
        f"{FOLDER}/base.py",
        'lambda key: streams.normal(f"{name}/{key}", shape)',
        'lambda key: streams.normal(f"{name}/{key}", shape)[:1].expand(len(streams.seeds), *shape)',
        NOISE,
    ),
    Defect(
        "devices: a file may name any parameter",
        f"{FOLDER}/choice.py",
        "    for key in parameters:\n        if key not in known:",
        "    for key in list(parameters):\n        if parameters.pop(key) and key not in known:",
        FILES,
    ),
    Defect(
        "devices: depression begins a pulse late",
        f"{FOLDER}/pulse_file.py",
        "down_pulses = [row.pulse - last for row in down]",
        "down_pulses = [row.pulse - first for row in down]",
        ("plasticity/devices/test_pulse_file.py",),
    ),
    Defect(
        "devices: a line is named wrongly",
        f"{FOLDER}/pulse_file.py",
        "for number, line in enumerate(text.splitlines(), 1):",
        "for number, line in enumerate(text.splitlines()):",
        ("plasticity/devices/test_pulse_file.py",),
    ),
    Defect(
        "devices: a fit restarts depression at the upper bound",
        f"{FOLDER}/fitting.py",
        "math.ceil(data.down_pulses[-1]), float(rise[-1]))",
        "math.ceil(data.down_pulses[-1]), 1.0)",
        ("plasticity/devices/test_device_fit.py",),
    ),
    Defect(
        "devices: parameters cost nothing in the ranking",
        f"{FOLDER}/fitting.py",
        "+ parameters * math.log(count)",
        "+ 0 * parameters * math.log(count)",
        ("plasticity/devices/test_device_fit.py",),
    ),
)
