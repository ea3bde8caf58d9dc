"""What a candidate unit follows: its covariance with the error of every output.

::

    S = sum_o |C_o|,   C_o = (1/P) sum_p (h_p - hbar)(e_po - ebar_o)
    dS/da_p = (1/P) g'(a_p) sum_o sign(C_o) (e_po - ebar_o),   dS/dV = sum_p dS/da_p x_p,   dS/dq_j = sum_p dS/da_p h_jp

exactly, where no C_o is 0: the term of hbar contributes nothing since ``sum_p (e - ebar) = 0``. With one output in the sum this is what
a perforated dendrite follows. Fahlman & Lebiere 1990, NIPS 2:524, S and its derivative (theirs are sums over patterns, these are means).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.cascade_layer import CascadeLayer

__all__ = ["Followed", "follow"]


@dataclass(frozen=True)
class Followed:
    """S of each candidate ``[R, pool]``, float64, and the derivatives of S by the keys of the candidates' arrays."""

    score: Tensor
    changes: dict[str, Tensor]


def follow(layer: CascadeLayer, params: Mapping[str, Tensor], x: Tensor, units: Tensor, error: Tensor) -> Followed:
    """Return how well candidates follow the errors, and the way up.

    Parameters
    ----------
    layer, params
        The layer, and the arrays of its candidates.
    x, units
        What a candidate hears: the input ``[R or 1, B, n]`` and the installed units ``[R, B, K]``, zeros where a replica has none.
    error
        e ``[R, B, outputs]``, of whichever sign.
    """
    into, bias, chain = layer.candidates
    a = layer.connection.send(params[into], x) + params[bias].unsqueeze(1)
    for j in range(units.shape[-1]):
        # one by one: zeros of units that only other replicas have change no bit of a sum
        a = a + params[chain][:, :, j].unsqueeze(1) * units[..., j : j + 1]
    h = layer.unit.value(a)
    centred = error - error.mean(1, keepdim=True)
    covariance = layer.connection.correlate(centred, h - h.mean(1, keepdim=True)) / error.shape[1]
    at_unit = layer.connection.send(covariance.sign(), centred) / error.shape[1]
    at_sum = layer.unit.slope_times(a, h, at_unit)
    changes = {into: layer.connection.correlate(x, at_sum), bias: at_sum.sum(1), chain: at_sum.mT @ units}
    return Followed(covariance.double().abs().sum(2), changes)
