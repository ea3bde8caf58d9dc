"""Defects of weights behind memristive devices."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["MEMRISTOR"]

PULSES, CHANCE, RUNS = "plasticity/test_memristor_pulses.py", "plasticity/test_memristor_chance.py", "plasticity/test_memristor_runs.py"
DEVICE_NOISE = "plasticity/devices/test_device_noise.py"
FOLDER = "bioplaus/plasticity/memristive"

MEMRISTOR = (
    Defect(
        "counts are cut off instead of rounded",
        f"{FOLDER}/_pulse_kernel.py",
        "math.floor(x + 0.5)",
        "max(math.floor(x), 1.0)",
        (PULSES,),
    ),
    Defect(
        "a pair's second device is pulsed as its first one",
        f"{FOLDER}/cells.py",
        "        at, n = pulses\n        for array, own in zip(self.arrays, (n, -n)):\n            array.pulse(state, at, own",
        "        at, n = pulses\n        for array, own in zip(self.arrays, (n, n)):\n            array.pulse(state, at, own",
        (PULSES,),
    ),
    Defect(
        "a pair by potentiation alone counts its pulses over the whole range",
        f"{FOLDER}/cells.py",
        "(self.units[0] / 2,) * 2",
        "(self.units[0],) * 2",
        (PULSES,),
    ),
    Defect(
        "falls are counted by the levels of rises",
        f"{FOLDER}/_pulse_kernel.py",
        "-factor[r] / down",
        "-factor[r] / up",
        (PULSES,),
    ),
    Defect(
        "a refresh asks for one device alone",
        f"{FOLDER}/cells.py",
        "(torch.minimum(plus, minus) > self.lo)",
        "(torch.minimum(plus, minus) > -1)",
        (PULSES,),
    ),
    Defect(
        "a refresh never takes the level above",
        f"{FOLDER}/array.py",
        "target - under <= over - target",
        "target - under <= 9 * (over - target)",
        (PULSES,),
    ),
    Defect(
        "noise does not grow with the number of pulses",
        f"{FOLDER}/_pulse_kernel.py",
        "fixed * math.sqrt(count) if walks",
        "fixed if walks",
        (CHANCE,),
    ),
    Defect(
        "noise of earlier pulses is not shrunk by later steps",
        f"{FOLDER}/_pulse_kernel.py",
        "variance = variance * keep + now",
        "variance = variance + now",
        (RUNS,),
    ),
    Defect(
        "the variance of relative noise forgets that steps fall",
        "bioplaus/plasticity/devices/steps.py",
        "((keep + (b * relative) ** 2) ** count - shrunk)",
        "((1 + (b * relative) ** 2) ** count - 1)",
        (DEVICE_NOISE,),
    ),
    Defect(
        "all pulses of a write share one noise",
        f"{FOLDER}/_pulse_kernel.py",
        "* xi[at + k]",
        "* xi[at]",
        (CHANCE,),
    ),
    Defect(
        "trains on one side fire too seldom",
        f"{FOLDER}/coincidence.py",
        "each = (s / slots.clamp(min=1)).sqrt()",
        "each = (s / slots.clamp(min=1) / 2).sqrt()",
        (CHANCE,),
    ),
    Defect(
        "the fast array forgets towards the middle",
        f"{FOLDER}/tiki.py",
        '["A.zero"] = fast.symmetry(state)',
        '["A.zero"] = 0.5 + 0 * fast.symmetry(state)',
        (CHANCE,),
    ),
    Defect(
        "every column is handed over at once",
        f"{FOLDER}/tiki.py",
        "take = min(self.columns or width, width)",
        "take = width",
        (CHANCE,),
    ),
    Defect(
        "a replica's noise depends on the pack",
        f"{FOLDER}/touched.py",
        'torch.cat([streams.select([r]).normal(f"{scope}/{name}"',
        'torch.cat([streams.select([0]).normal(f"{scope}/{name}"',
        (RUNS,),
    ),
    Defect(
        "devices become others when they are programmed again",
        f"{FOLDER}/array.py",
        "self.device.draw(streams.at(0), ",
        "self.device.draw(streams, ",
        (RUNS,),
    ),
    Defect(
        "what one replica lacked is noted for all",
        f"{FOLDER}/counting.py",
        "torch.where(idle, wanted, shortfall)",
        "wanted",
        (RUNS,),
    ),
    Defect(
        "counters start anew when a weight is assigned",
        f"{FOLDER}/synapse.py",
        "return state | {name: before[name].clone()",
        "return state | {name: state[name].clone()",
        (RUNS,),
    ),
)
