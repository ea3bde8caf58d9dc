"""Defects of dendrites, of their candidates, of the cycle of phases, and of the controls beside a run."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["PERFORATED"]

VALUES = ("rules/test_perforated_values.py",)
CYCLE = ("rules/test_perforated_cycle.py",)
LOOP = ("rules/test_perforated_loop.py",)
SOURCES = ("rules/test_perforated_sources.py",)
BESIDE = ("rules/test_perforated_beside.py",)
DENDRITES = ("test_dendrites.py",)

PERFORATED = (
    Defect(
        "a dendrite hands on its sum, not its output",
        "bioplaus/dendrites.py",
        "return Grown(a, self.neuron.value(a), cache)",
        "return Grown(a, a, cache)",
        DENDRITES,
    ),
    Defect(
        "the chain of dendrites reads the wrong weight",
        "bioplaus/dendrites.py",
        'a = a + per_unit(inside.params[self.q][:, j], a',
        'a = a + per_unit(inside.params[self.q][:, 0], a',
        DENDRITES,
    ),
    Defect("errors pass through perforated dendrites", "bioplaus/dendrites.py", "if self.perforated or not", "if not", VALUES),
    Defect(
        "an error does not pass on along the chain",
        "bioplaus/dendrites.py",
        "at_out[j] = at_out[j] + per_unit(own",
        "at_out[j] = at_out[j] - per_unit(own",
        CYCLE,
    ),
    Defect("a chain counts as a square", "bioplaus/dendrites.py", "dendrites * (dendrites - 1) // 2)", "dendrites * dendrites // 2)", VALUES),
    Defect(
        "the error is divided by the batch", "rules/perforated_candidates.py", "change.error * -size", "change.error * -1.0", SOURCES
    ),
    Defect(
        "the error is not centred",
        "rules/perforated_candidates.py",
        "centred = sides.error - per_unit(mean_e.to(dtype), sides.error, sides.shape)",
        "centred = sides.error + 0 * per_unit(mean_e.to(dtype), sides.error, sides.shape)",
        VALUES,
    ),
    Defect("candidates run from the error", "rules/perforated_candidates.py", "covariance[:, p].sign()", "-covariance[:, p].sign()", VALUES),
    Defect(
        "a covariance of raw products",
        "rules/perforated_candidates.py",
        'self._sums["de"] / self.n - self.mean_d * self.mean_e.unsqueeze(1)',
        'self._sums["de"] / self.n - 0 * self.mean_d * self.mean_e.unsqueeze(1)',
        VALUES,
    ),
    Defect("one threshold is enough", "rules/perforated_cycle.py", "(score * (1 + r) < best) & (", "(score * (1 + r) < best) | (", LOOP),
    Defect("the network of the last epoch stays", "rules/perforated_cycle.py", '        self._load("snap", rows)\n', "", LOOP),
    Defect("dropped dendrites stay", "rules/perforated_cycle.py", '        self._load("kept", worse)\n', "", LOOP),
    Defect(
        "one attempt too few", "rules/perforated_cycle.py", 's["tries"] < c.max_dendrite_tries', 's["tries"] + 1 < c.max_dendrite_tries', LOOP
    ),
    Defect(
        "candidates are installed as they end",
        "rules/perforated_cycle.py",
        "                s[f\"top/{key}\"] = torch.where(_of_neurons(larger, value, key == one.q), value, s[f\"top/{key}\"])",
        "                s[f\"top/{key}\"] = value",
        CYCLE,
    ),
    Defect(
        "the first of the pool is installed",
        "rules/perforated_cycle.py",
        'which = s[f"{name}/top/S"].argmax(1)',
        'which = 0 * s[f"{name}/top/S"].argmax(1)',
        CYCLE,
    ),
    Defect("old moments drive the grown network", "rules/perforated_cycle.py", "Edits(mask=self.fresh, forget=self.groups)", "Edits()", LOOP),
    Defect("least squares with the wrong sign", "rules/perforated_cycle.py", "(-self.c.u_step * C", "(self.c.u_step * C", CYCLE),
    Defect("averages are pulled to their start at 0", "rules/perforated_state.py", "1 - share ** state", "1 - 0 * share ** state", VALUES),
    Defect(
        "neurons learn while dendrites grow",
        "rules/perforated.py",
        "mask = wanted.mask if everyone else neurons",
        "mask = wanted.mask if True else neurons",
        CYCLE,
    ),
    Defect(
        "running means move while dendrites grow",
        "rules/perforated.py",
        "self._kept(view.buffers, learned.running, neurons, everyone)",
        "learned.running",
        CYCLE,
    ),
    Defect(
        "a source is not told of the start",
        "rules/perforated.py",
        "return (*self._prepared(view, scores, feed), *opening",
        "return (*(), *opening",
        SOURCES,
    ),
    Defect("memory counts the network once", "rules/perforated_memory.py", "COPIES * numbers(most) + cycles", "numbers(most)", BESIDE),
    Defect("seeds take no memory", "rules/perforated_memory.py", "int(len(streams.seeds) * streams", "int(streams", BESIDE),
    Defect(
        "the width control is as wide as the base", "rules/perforated_controls.py", 'max(one["parameters"]', 'min(one["parameters"]', BESIDE
    ),
    Defect(
        "the width control may be larger than the run",
        "rules/perforated_controls.py",
        "return {key: scaled(low)}",
        "return {key: scaled(low + 1)}",
        BESIDE,
    ),
    Defect(
        "differences are not those of perforated less the arm",
        "rules/perforated_controls.py",
        'paired_difference(mine["values"], found["values"])',
        'paired_difference(found["values"], mine["values"])',
        BESIDE,
    ),
    Defect("a control that fails ends the run", "bioplaus/beside.py", 'found[name] = {"error": str(error)}', "raise", BESIDE),
    Defect("a finished control is run again", "bioplaus/beside.py", "if there is not None:", "if there is None and False:", BESIDE),
)
