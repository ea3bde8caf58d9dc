"""One-line defects that the tests must notice, and changes that cannot be noticed because they are none.

A defect's old text occurs exactly once in its file (``tests/test_planted_defects.py`` keeps that true). The tests named are a small set that
should go red, as directly as possible.
"""

from mutants.active_dendrites import ACTIVE_DENDRITES
from mutants.alignment import ALIGNMENT
from mutants.auditing import AUDITING
from mutants.binary_theory import BINARY_THEORY
from mutants.comparing import COMPARING
from mutants.crossbar import CROSSBAR
from mutants.defect import Defect, Equivalent
from mutants.devices import DEVICES
from mutants.equivalent import EQUIVALENT
from mutants.estimators import ESTIMATORS
from mutants.forward_in_time import FORWARD_IN_TIME
from mutants.growing import GROWING
from mutants.hebbian import HEBBIAN
from mutants.learning import LEARNING
from mutants.memristor import MEMRISTOR
from mutants.microcircuit import MICROCIRCUIT
from mutants.neurosim import NEUROSIM
from mutants.perforated import PERFORATED
from mutants.recall import RECALL
from mutants.robustness import ROBUSTNESS
from mutants.running import RUNNING
from mutants.scans import SCANS
from mutants.sequences import SEQUENCES
from mutants.spike_times import SPIKE_TIMES
from mutants.spike_timing import SPIKE_TIMING
from mutants.spiking import SPIKING
from mutants.spiking_units import SPIKING_UNITS
from mutants.sweeping import SWEEPING
from mutants.targets import TARGETS
from mutants.two_phases import TWO_PHASES
from mutants.two_way import TWO_WAY

__all__ = ["DEFECTS", "EQUIVALENT", "Defect", "Equivalent"]

DEFECTS = (
    *ACTIVE_DENDRITES,
    *ALIGNMENT,
    *AUDITING,
    *BINARY_THEORY,
    *COMPARING,
    *CROSSBAR,
    *DEVICES,
    *ESTIMATORS,
    *FORWARD_IN_TIME,
    *GROWING,
    *HEBBIAN,
    *LEARNING,
    *MEMRISTOR,
    *MICROCIRCUIT,
    *NEUROSIM,
    *PERFORATED,
    *RECALL,
    *ROBUSTNESS,
    *RUNNING,
    *SCANS,
    *SEQUENCES,
    *SPIKE_TIMES,
    *SPIKE_TIMING,
    *SPIKING,
    *SPIKING_UNITS,
    *SWEEPING,
    *TARGETS,
    *TWO_PHASES,
    *TWO_WAY,
)
