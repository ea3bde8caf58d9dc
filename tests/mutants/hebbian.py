"""Defects of the Hebbian rules and of the control that reads every layer out."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["HEBBIAN"]

HEBBIAN = (
    Defect(
        "oja: the reconstruction is not taken out",
        "rules/oja.py",
        "return change.sub_(",
        "return change.sub(0 * ",
        ("rules/test_oja.py",),
    ),
    Defect(
        "oja: sanger takes the later cells too",
        "rules/oja.py",
        "products.tril_()",
        "products.triu_()",
        ("rules/test_oja.py",),
    ),
    Defect(
        "bcm: the threshold is a running mean of activity, not of its square",
        "rules/bcm.py",
        "rows.square().mean(1)",
        "rows.mean(1)",
        ("rules/test_bcm.py",),
    ),
    Defect(
        "bcm: activity below the threshold strengthens",
        "rules/bcm.py",
        "y * (y - threshold)",
        "y * (y - threshold).abs()",
        ("rules/test_bcm.py",),
    ),
    Defect(
        "bcm: inhibition is not passed on to the change",
        "rules/bcm.py",
        "self._inhibited(layer.neuron.pull(cache, phi / rows.shape[1]), layer)",
        "layer.neuron.pull(cache, phi / rows.shape[1])",
        ("rules/test_bcm.py",),
    ),
    Defect(
        "softhebb: competition over the samples",
        "rules/softhebb.py",
        "F.softmax(u / self.config.temperature, axis)",
        "F.softmax(u / self.config.temperature, 1)",
        ("rules/test_softhebb.py",),
    ),
    Defect(
        "softhebb: temperature is its inverse",
        "rules/softhebb.py",
        "u / self.config.temperature",
        "u * self.config.temperature",
        ("rules/test_softhebb.py",),
    ),
    Defect(
        "softhebb: decay without the current",
        "rules/softhebb.py",
        "cells(y * u, layer).mean(1)",
        "cells(y, layer).mean(1)",
        ("rules/test_softhebb.py",),
    ),
    Defect(
        "hebbian: the mean is taken out of the input but not of the current",
        "rules/hebbian.py",
        "u - layer.connection.send(w, centre)",
        "u",
        ("rules/test_softhebb.py",),
    ),
    Defect(
        "readout: only half of its error comes back",
        "rules/readout.py",
        "view.params[reader.weight])",
        "0.5 * view.params[reader.weight])",
        ("rules/test_readout.py",),
    ),
    Defect(
        "readout: squared error lacks its 2",
        "rules/readout.py",
        "-2 * gain",
        "-gain",
        ("rules/test_readout.py",),
    ),
    Defect(
        "readout: the gain does not reach the layer",
        "rules/readout.py",
        "view.task.error(scores, y) * gain",
        "view.task.error(scores, y)",
        ("rules/test_readout.py",),
    ),
)
