"""Defects of sign pulses on ordinary networks: signals, dead zones, gates, who is pulsed, the compiled engine, fresh devices."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["CROSSBAR"]

RULE, ENGINE, KERNELS = "rules/crossbar.py", "bioplaus/engines/sign_pulses.py", "bioplaus/engines/_sign_pulse_kernels.py"
SYNAPSE = "bioplaus/plasticity/memristive/synapse.py"
TESTS = ("rules/test_crossbar.py",)
CROSSBAR = (
    Defect("crossbar: the dead zone lets its end through", RULE, "(error.abs() > theta)", "(error.abs() >= theta)", TESTS),
    Defect("crossbar: errors keep their size", RULE, "return error.sign() *", "return error *", TESTS),
    Defect("crossbar: the gate is the slope", RULE, "torch.ones_like(trace.current)) != 0", "torch.ones_like(trace.current))", TESTS),
    Defect("crossbar: rows take part with what they send", RULE, "trace.pre >= config.active, error", "trace.pre, error", TESTS),
    Defect("crossbar: half a pixel is dark", RULE, "(x >= self.threshold)", "(x > self.threshold)", TESTS),
    Defect("crossbar: the gain does not know the rows", RULE, "gain / layer.connection.fan_in", "gain / 100", TESTS),
    Defect("crossbar: the output has the hidden gain", RULE, "config.gain_output if layer is layers[-1] else ", "", TESTS),
    Defect("crossbar: a batch adds up", RULE, "each = error / error.shape[1]", "each = error / 1", TESTS),
    Defect("crossbar: the slope forgets the amplifier", RULE, "out, error) * self.gain", "out, error)", TESTS),
    Defect("crossbar: hidden errors have the output's dead zone", RULE, "config.theta_hidden)", "config.theta_output)", TESTS),
    Defect("crossbar: fresh rising devices lie in the middle", "bioplaus/plasticity/memristive/cells.py", "0.0 if self.rising else ", "", TESTS),
    Defect("crossbar: a given scale is not taken", SYNAPSE, "torch.full_like(scale, self.scale)", "scale", TESTS),
    Defect(
        "sign pulses: the refresh is due one sample late",
        ENGINE,
        'uni.every - int(states[0]["writes"][0]) % uni.every if uni',
        'uni.every + 1 - int(states[0]["writes"][0]) % uni.every if uni',
        TESTS,
    ),
    Defect("sign pulses: a gate at saturation is shut", KERNELS, "return 0 <= z <= 1 if", "return 0 < z < 1 if", TESTS),
    Defect("sign pulses: one-sided writing goes down too", KERNELS, "if both or not rises:", "if both or rises:", TESTS),
    Defect("sign pulses: weights are not read back", KERNELS, "(plus[j] - minus[j]) * scale[r]", "flat[at]", TESTS),
)
