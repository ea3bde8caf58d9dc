"""Planted defects of the theory of binary weights."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["BINARY_THEORY"]

PERCEPTRON, CONTINUAL = "bioplaus/theory/perceptron.py", "bioplaus/theory/continual.py"
BRANCH = "bioplaus/theory/field_branch.py"
ENERGY, SITES, KERNELS = "bioplaus/theory/field_energy.py", "bioplaus/theory/field_sites.py", "bioplaus/theory/_binary_kernels.py"
OF_PERCEPTRON, OF_CONTINUAL = ("theory/test_perceptron.py",), ("theory/test_continual_theory.py",)

BINARY_THEORY = (
    Defect("perceptron: the energy counts once", PERCEPTRON, "+ 2 * alpha * float(v @", "+ alpha * float(v @", OF_PERCEPTRON),
    Defect("perceptron: stable is what is found first", PERCEPTRON, "alpha > transition().alpha", "alpha > spinodal().alpha", OF_PERCEPTRON),
    Defect("perceptron: labels are the teacher's", PERCEPTRON, "hazard(a * z) ** 2)", "hazard(a * z))", OF_PERCEPTRON),
    Defect("perceptron: Bayes errs as Gibbs does", PERCEPTRON, "math.acos(math.sqrt(q)) / math.pi)", "math.acos(q) / math.pi)", OF_PERCEPTRON),
    Defect("continual: the range of x stays", KERNELS, "low, high = -a - _REACH, _REACH", "low, high = -_REACH, _REACH", OF_CONTINUAL),
    Defect("continual: the tail's series has a wrong term", KERNELS, "(1 - 5 * s *", "(1 - 4 * s *", OF_CONTINUAL),
    Defect("continual: no term of the self overlap", ENERGY, "+ by_y / (2 * (1 - Q))", "+ 0 * by_y / (2 * (1 - Q))", OF_CONTINUAL),
    Defect("continual: r's equation has the field of q's", ENERGY, "narrow * near]", "math.sqrt(q) * near]", OF_CONTINUAL),
    Defect("continual: teachers are equal whatever r0", SITES, "(-1, (1 - r0) / 2)", "(-1, 0.0)", OF_CONTINUAL),
    Defect("continual: signs of the second teacher are dropped", SITES, "float(up[3] - down[3])", "float(up[3] + down[3])", OF_CONTINUAL),
    Defect("continual: the pull lacks m's entropy", SITES, "-stiffness * (m * t - ", "-stiffness * (0 * m * t - ", OF_CONTINUAL),
    Defect(
        "continual: the lower free entropy is taken for stable",
        CONTINUAL,
        "return max(found, key=lambda state: state.phi)\n\n\ndef left",
        "return min(found, key=lambda state: state.phi)\n\n\ndef left",
        OF_CONTINUAL,
    ),
    Defect(
        "continual: a second task's free entropy is not compared",
        CONTINUAL,
        "return max(found, key=lambda state: state.phi)\n\n\ndef _kept",
        "return found[0]\n\n\ndef _kept",
        OF_CONTINUAL,
    ),
    Defect("continual: free entropy lacks what r is worth", CONTINUAL, "pulled = -order.r * conjugate.r_hat + ", "pulled = ", OF_CONTINUAL),
    Defect("continual: any branch is followed", BRANCH, "zip(found[0], start)) > furthest", "zip(found[0], start)) > 10", OF_CONTINUAL),
)
