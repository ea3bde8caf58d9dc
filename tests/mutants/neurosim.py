"""Defects of the perceptron on devices: reads, pulses, noise, and what a run makes of them."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["NEUROSIM"]

KERNELS, RULE = "bioplaus/neurosim/kernels.py", "rules/neurosim.py"
REFERENCE, PULSES, RUN = ("neurosim/test_neurosim_reference.py",), ("neurosim/test_neurosim_pulses.py",), ("rules/test_memristor.py",)
PROTOCOL = ("neurosim/test_neurosim_protocol.py",)
NEUROSIM = (
    Defect(
        "neurosim: half a pulse is none",
        KERNELS,
        "math.floor(abs(change) / 2 * P + 0.5)",
        "math.ceil(abs(change) / 2 * P - 0.5)",
        PULSES,
    ),
    Defect(
        "neurosim: a change is a part of one, not of the range of two",
        KERNELS,
        "abs(change) / 2 * P",
        "abs(change) * P",
        REFERENCE,
    ),
    Defect(
        "neurosim: depression has the pulses of potentiation",
        KERNELS,
        "else c.pulses_down\n",
        "else c.pulses_up\n",
        REFERENCE,
    ),
    Defect(
        "neurosim: noise grows with n",
        KERNELS,
        "spread[active] = series(b[active], size), c.cycle_noise * math.sqrt(size)",
        "spread[active] = series(b[active], size), c.cycle_noise * size",
        PULSES,
    ),
    Defect(
        "neurosim: pulses are all of the first one's size",
        KERNELS,
        "total = total * (1 + b) + 1",
        "total += 1",
        PULSES,
    ),
    Defect(
        "neurosim: the hidden layer learns from its one bit",
        KERNELS,
        "activity[j] = sigmoid(net[j])",
        "activity[j] = 1.0 * (net[j] >= 0)",
        REFERENCE,
    ),
    Defect(
        "neurosim: hidden units send their activity's sign at 1, not 1/2",
        KERNELS,
        "if net[j] >= 0:",
        "if net[j] >= 1:",
        REFERENCE,
    ),
    Defect(
        "neurosim: errors come down through conductances",
        KERNELS,
        "(2 * s.g_2[j, k] - 1) * change_2[k]",
        "s.g_2[j, k] * change_2[k]",
        REFERENCE,
    ),
    Defect(
        "neurosim: the reference column is not read through the ADC",
        KERNELS,
        "zero = math.floor(reference * scale)",
        "zero = reference * scale",
        REFERENCE,
    ),
    Defect(
        "neurosim: the reference column has no offset",
        KERNELS,
        "reference = 0.5 * count + shift",
        "reference = 0.5 * count",
        REFERENCE,
    ),
    Defect(
        "neurosim: read noise of a column as a whole",
        KERNELS,
        "squares[j] += (row[j] + c.offset) ** 2",
        "squares[j] += row[j] ** 2",
        PULSES,
    ),
    Defect(
        "neurosim: all images meet the same read noise",
        KERNELS,
        "words[:] = seeded_by(seed, images[m])",
        "words[:] = seeded(seed)",
        PULSES,
    ),
    Defect(
        "neurosim: single devices have the constants of their transpose's neighbour",
        KERNELS,
        "at, to = (i, j) if apart",
        "at, to = (0, j) if apart",
        PROTOCOL,
    ),
    Defect(
        "neurosim: energy is that of the conductance after the write",
        KERNELS,
        "size * 0.5 * (old + g[i, j])",
        "size * g[i, j]",
        REFERENCE,
    ),
    Defect(
        "neurosim: conductances keep bits that weights lose",
        KERNELS,
        "return (1.0 + min(max(g, low), high)) - 1.0",
        "return min(max(g, low), high)",
        PROTOCOL,
    ),
    Defect(
        "neurosim: all replicas learn the images of the first",
        RULE,
        "images[r % len(images)], y[r % len(y)]",
        "images[0], y[0]",
        RUN,
    ),
    Defect(
        "neurosim: ON/OFF ratio without the one",
        RULE,
        "device.g_min / (device.g_max - device.g_min)",
        "device.g_min / device.g_max",
        RUN,
    ),
    Defect(
        "neurosim: seeds share their devices",
        RULE,
        'view.state[f"device/{i}/{key}"][r] if',
        'view.state[f"device/{i}/{key}"][0] if',
        RUN,
    ),
    Defect(
        "neurosim: images are cut at the corner",
        "bioplaus/networks/neurosim.py",
        "((side - crop) // 2, (side - crop) // 2 + crop)",
        "(0, crop)",
        RUN,
    ),
    Defect(
        "draws without replacement",
        "bioplaus/feed.py",
        'return streams.at(epoch).integers("order", (self.draws,), 0, len(self))',
        'return streams.at(epoch).permutation("order", max(self.draws, len(self)))[:, : self.draws] % len(self)',
        RUN,
    ),
    Defect(
        "normal: the tail is thinner",
        "bioplaus/dynamics/normal.py",
        "2 * above > away * away",
        "above > away * away",
        PULSES,
    ),
)
