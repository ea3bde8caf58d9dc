"""Defects of units and dendrites that are part of a network's shape: cascade-correlation, and masked dendritic layers."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["GROWING"]

VALUES, GROWTH = ("rules/test_cascor_values.py",), ("rules/test_cascor_growth.py",)
RPROP = ("plasticity/test_rprop.py",)
DANN, WIRED = ("networks/test_dann.py",), ("conformance/test_conformance_connections.py",)

GROWING = (
    Defect(
        "S adds up covariances with their signs",
        "rules/cascor_candidates.py",
        "covariance.double().abs().sum(2)",
        "covariance.double().sum(2).abs()",
        VALUES,
    ),
    Defect(
        "candidates follow errors that are not centred",
        "rules/cascor_candidates.py",
        "error - error.mean(1, keepdim=True)\n",
        "error\n",
        VALUES,
    ),
    Defect("candidates hear no installed unit", "rules/cascor_candidates.py", "at_sum.mT @ units}", "(at_sum.mT @ units) * 0}", VALUES),
    Defect(
        "outputs learn without the slope of their sigmoid",
        "rules/cascor.py",
        "neuron.slope_times(top.current, top.out, missing) + ",
        "missing + ",
        VALUES,
    ),
    Defect("units hear the input alone", "bioplaus/cascade_layer.py", "            if k:\n", "            if k > 99:\n", VALUES),
    Defect("the error skips the chain on the way back", "bioplaus/cascade_layer.py", "for j in range(k):", "for j in range(0):", VALUES),
    Defect("the worst candidate is installed", "rules/cascor_growth.py", 's["score"].argmax(1)[r]', 's["score"].argmin(1)[r]', GROWTH),
    Defect("a phase ends with a step that nobody measures", "rules/cascor.py", "outputs & ~solved & ~stuck)", "outputs & ~solved)", GROWTH),
    Defect(
        "outputs learn while candidates grow",
        "rules/cascor.py",
        "error), outputs & ~solved & ~stuck)",
        "error), (outputs | growing) & ~solved & ~stuck)",
        GROWTH,
    ),
    Defect(
        "installed candidates go on in the pool",
        "rules/cascor_growth.py",
        "for key, value in _fresh(view, units, K).items():",
        "for key, value in ():",
        GROWTH,
    ),
    Defect("optimisers remember older candidates", "rules/cascor_growth.py", 'forget=("forward", "candidates")', 'forget=("forward",)', GROWTH),
    Defect("units of other seeds are inputs too", "rules/cascor.py", "run.traces[-1].pre * there, down", "run.traces[-1].pre, down", GROWTH),
    Defect("one output within the tolerance is enough", "rules/cascor.py", "c.tolerance).all(2).all(1)", "c.tolerance).any(2).all(1)", GROWTH),
    Defect("a run without more units goes on", "rules/cascor_growth.py", 's["K"] >= most', 's["K"] > most', GROWTH),
    Defect("stages show the last outputs", "rules/cascor_growth.py", 'torch.where(per_weight(s["K"] == k, now), now, past)', "now", GROWTH),
    Defect(
        "a step that turned is made all the same",
        "bioplaus/plasticity/resilient.py",
        "now.masked_fill_(agreement < 0, 0)",
        "now.masked_fill_(agreement < -1, 0)",
        RPROP,
    ),
    Defect("steps know no upper limit", "bioplaus/plasticity/resilient.py", ".clamp_(c.step_low, c.step_high)", ".clamp_(c.step_low)", RPROP),
    Defect(
        "a soma hears its neighbours' dendrites",
        "bioplaus/networks/dann.py",
        "np.arange(somas * config.branches).reshape(somas, config.branches)",
        "np.arange(somas * config.branches).reshape(config.branches, somas).T",
        DANN,
    ),
    Defect("a change is that of other synapses", "bioplaus/connections/sparse.py", "whole.gather(2, ", "whole.flip(2).gather(2, ", WIRED),
    Defect("an input may come twice", "bioplaus/networks/dann.py", "(field, count, replace=False)", "(field, count)", DANN),
    Defect("fields of somas reach over the whole image", "bioplaus/networks/dann.py", "[: max(count, round(config.field_share * n))]", "", DANN),
    Defect("a patch lies anywhere", "bioplaus/networks/dann.py", "(distance.size), distance))", "(distance.size), distance * 0))", DANN),
    Defect("all layers have one wiring", "bioplaus/networks/dann.py", "[config.wiring, layer]", "[layer]", DANN),
)
