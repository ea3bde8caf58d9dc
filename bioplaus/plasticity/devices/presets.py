"""Devices by name, with the numbers of published fits.

Counted devices: MLP+NeuroSim V3.0 (Chen, Peng & Yu 2018, IEEE Trans. CAD 37:3067, and its user manual, table II). Incremental ones: the presets
of aihwkit (Rasch et al. 2021, AICAS, arXiv:2104.02184). The line under each is what lists show.
"""

from __future__ import annotations

from bioplaus.plasticity.devices.constant_step import ConstantStep
from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.exponential import Exponential
from bioplaus.plasticity.devices.linear_step import LinearStep
from bioplaus.plasticity.devices.one_sided import OneSided
from bioplaus.plasticity.devices.soft_bounds import SoftBounds

AG_ASI = Exponential(
    g_min=3.0769e-9, g_max=3.8462e-8, pulses_up=97, pulses_down=100, nl_up=2.40, nl_down=-4.88, cycle_noise=0.035,
    volts_up=3.2, seconds_up=300e-6, volts_down=-2.8, seconds_down=300e-6,
    source="Jo et al. 2010, Nano Lett. 10:1297",
)  # fmt: skip
"""Ag in amorphous silicon: few levels, strongly nonlinear, depression abrupt."""

EPIRAM = Exponential(
    g_min=1 / 81e3 / 50.2, g_max=1 / 81e3, pulses_up=64, pulses_down=64, nl_up=0.5, nl_down=-0.5, cycle_noise=0.02,
    source="Choi et al. 2018, Nat. Mater. 17:335",
)  # fmt: skip
"""Epitaxial memory, Ag in SiGe: nearly linear, symmetric."""

HZO_FEFET = Exponential(
    g_min=1 / 559.28e3 / 45, g_max=1 / 559.28e3, pulses_up=32, pulses_down=32, nl_up=1.75, nl_down=1.46, cycle_noise=0.005,
    source="Jerry et al. 2017, IEDM",
)  # fmt: skip
"""Ferroelectric transistor, HfZrO, pulses of rising voltage: depression slow first."""

TAOX_HFOX = Exponential(
    g_min=1e-6, g_max=1e-5, pulses_up=128, pulses_down=128, nl_up=0.04, nl_down=-0.63, cycle_noise=0.037,
    source="Wu et al. 2018, VLSI Technology",
)  # fmt: skip
"""TaOx/HfOx filament: 128 levels, almost linear, noisy."""

PCMO = Exponential(
    g_min=1 / 23e6 / 6.84, g_max=1 / 23e6, pulses_up=50, pulses_down=50, nl_up=3.68, nl_down=-6.76, cycle_noise=0.01,
    source="Park et al. 2013, IEDM",
)  # fmt: skip
"""PrCaMnO: the most nonlinear of the list."""

ALOX_HFO2 = Exponential(
    g_min=1 / 16.9e3 / 4.43, g_max=1 / 16.9e3, pulses_up=40, pulses_down=40, nl_up=1.94, nl_down=-0.61, cycle_noise=0.05,
    source="Woo et al. 2016, IEEE EDL 37:994",
)  # fmt: skip
"""AlOx/HfO2 filament: small on/off ratio, 5 % noise; its wires and access transistors, as large as itself, are not modelled."""

GST_PCM = Exponential(
    g_min=1 / 4.71e3 / 19.8, g_max=1 / 4.71e3, pulses_up=100, pulses_down=120, nl_up=0.105, nl_down=2.4, cycle_noise=0.015,
    source="Kuzum et al. 2011, Nano Lett. 12:2179",
)  # fmt: skip
"""Phase change, GeSbTe, pulses of rising voltage: linear up, slow first down."""

RERAM_ES = ExpStep(
    dw_min=0.00135, up_down=0.259359, a=-0.5, b=-0.5, gamma_up=5, gamma_down=5, A_up=-1.18445, A_down=-0.081404, cycle_noise=5, write_noise=75,
    dw_spread=0.2, up_down_spread=0.05, w_min_spread=0.3, w_max_spread=0.3, source="Gong et al. 2018, Nat. Commun. 9:2102",
)  # fmt: skip
"""Filament with exponential steps: noise of five steps per pulse."""

RERAM_SB = SoftBounds(
    dw_min=0.002, w_min=-0.75, w_max=1.25, cycle_noise=3.75, noise="additive", write_noise=56,
    dw_spread=0.3, up_down_spread=0.01, w_min_spread=0.4, w_max_spread=0.24, source="Gong et al. 2018, Nat. Commun. 9:2102",
)  # fmt: skip
"""The same filament with soft bounds, its symmetry point at w = 0."""

CAPACITOR = LinearStep(
    dw_min=0.005, gamma_up=0.05, gamma_down=0.05, gamma_up_spread=0.01, gamma_down_spread=0.01, cycle_noise=0.3, noise="additive",
    dw_spread=0.1, up_down_spread=0.06, w_min_spread=0.07, w_max_spread=0.07, lifetime=1e6, source="Li et al. 2018, VLSI Technology",
)  # fmt: skip
"""Capacitor with current sources: nearly constant steps, a slow leak."""

ECRAM = LinearStep(
    dw_min=0.002, w_min=-0.8276, w_max=1.1724, gamma_up=0.1153, gamma_down=0.5085, gamma_up_spread=0.05, gamma_down_spread=0.05,
    cycle_noise=0.3, dw_spread=0.1, up_down_spread=0.01, w_min_spread=0.05, w_max_spread=0.05, source="Tang et al. 2018, IEDM",
)  # fmt: skip
"""Electrochemical memory, lithium: a thousand levels, little noise."""

ECRAM_MO = LinearStep(
    dw_min=2.8214e-4, w_min=-0.8286, w_max=1.1714, gamma_up=0.4152, gamma_down=0.7342, gamma_up_spread=0.05, gamma_down_spread=0.05,
    cycle_noise=2, dw_spread=0.1, up_down_spread=0.01, w_min_spread=0.05, w_max_spread=0.05, source="Kim et al. 2019, IEDM",
)  # fmt: skip
"""Electrochemical memory, metal oxide: the finest steps of the measured devices."""

GOKMEN_VLASOV = ConstantStep(
    dw_min=0.0016, cycle_noise=0.3, dw_spread=0.3, up_down_spread=0.01, w_min_spread=0.3, w_max_spread=0.3,
    source="Gokmen & Vlasov 2016, Front. Neurosci. 10:333",
)  # fmt: skip
"""Specification of a resistive processing unit: about 1200 states."""

IDEALIZED = ConstantStep(
    dw_min=0.0002, cycle_noise=0.3, dw_spread=0.3, w_min_spread=0.3, w_max_spread=0.3,
    source="Rasch, Gokmen & Haensch 2019, arXiv:1906.02698",
)  # fmt: skip
"""The same with about 10,000 states and no imbalance between devices."""

PCM = OneSided(
    dw_min=0.01, w_min=0, w_max=2, a=-1, b=0, gamma_up=2.5, A_up=-27.235, cycle_noise=0.6, noise_floor=0.042, noise_slope=0.108,
    dw_spread=0.2, up_down_spread=0.05, w_max_spread=0.1, source="Nandakumar et al. 2020, Front. Neurosci. 14:406",
)  # fmt: skip
"""Phase change, GeSbTe: gradual up, reset down, for pairs with a refresh."""

RERAM_ARRAY_OM = SoftBounds(
    dw_min=0.0949, dw_law="lognormal", dw_spread=0.7829, up_down_spread=0.01, w_min_spread=0.5695, w_max_spread=0.3499,
    cycle_noise=0.4158, noise="additive", write_noise=1.4113, source="Gong, Rasch et al. 2022, IEDM",
)  # fmt: skip
"""Array of filaments, optimised material: about 20 levels, large spread."""

RERAM_ARRAY_HFO2 = SoftBounds(
    dw_min=0.4622, dw_law="lognormal", dw_spread=0.7125, up_down_spread=0.01, w_min_spread=0.599, w_max_spread=0.4295,
    cycle_noise=0.2174, noise="additive", write_noise=0.5841, source="Gong, Rasch et al. 2022, IEDM",
)  # fmt: skip
"""Array of filaments, baseline HfO2: about four levels, large spread."""
