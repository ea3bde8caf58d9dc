"""Surrogate derivatives of the spike ``S = Theta(U - threshold)``, as functions of ``x = U - threshold``.

=================  ==========================================  =============================  =======================
name               dS/dU                                       peak                           parameter (default)
=================  ==========================================  =============================  =======================
fast_sigmoid       1 / (1 + k |x|)^2                           1                              k (25)
atan               (alpha/2) / (1 + (pi alpha x / 2)^2)        alpha/2                        alpha (2)
sigmoid            k s (1 - s), s = 1 / (1 + exp(-k x))        k/4: six times others at 25    k (25)
triangular         gamma max(0, 1 - |x|/threshold)/threshold   gamma/threshold                gamma (.3), threshold (1)
boxcar             1 / (2 w) for |x| <= w                      1 / (2 w)                      w (.5)
gaussian           exp(-x^2 / (2 s^2)) / (s sqrt(2 pi))        1 / (s sqrt(2 pi))             s (.4)
straight_through   1                                           1                              none
=================  ==========================================  =============================  =======================

Learning is robust to the shape and not to the scale of the peak (Zenke & Vogels 2021, Neural Comput. 33:899). Sources: Zenke & Ganguli 2018
(fast_sigmoid), Fang et al. 2021 (atan), Bellec et al. 2020 (triangular), Kaiser et al. 2020 (boxcar).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bioplaus.errors import ConfigError

__all__ = ["DEFAULTS", "SURROGATES", "derivative", "parameters"]

#: name -> parameters with their defaults; the first one is the shape that `bioplaus simulate` calls neuron.slope
DEFAULTS: dict[str, dict[str, float]] = {
    "fast_sigmoid": {"k": 25.0},
    "atan": {"alpha": 2.0},
    "sigmoid": {"k": 25.0},
    "triangular": {"gamma": 0.3, "threshold": 1.0},
    "boxcar": {"w": 0.5},
    "gaussian": {"s": 0.4},
    "straight_through": {},
}
SURROGATES = tuple(DEFAULTS)


def parameters(name: str, **given: float) -> dict[str, float]:
    """Return the parameters of a surrogate, defaults filled in.

    Raises
    ------
    ConfigError
        An unknown surrogate or parameter, or a parameter that is not a positive number.
    """
    if name not in DEFAULTS:
        raise ConfigError(f"surrogate={name} is not known; choose one of {', '.join(SURROGATES)}")
    known = DEFAULTS[name]
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"surrogate {name} has no parameter {key}; it has {', '.join(known) or 'none'}")
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"surrogate {name}: {key}={value} must be a finite number > 0")
    return {**known, **given}


def derivative(name: str, x: Tensor, **given: float) -> Tensor:
    """Return the surrogate derivative at ``x = U - threshold``, of x's shape and dtype: even, finite, largest at 0.

    Raises
    ------
    ConfigError
        As `parameters`.

    Examples
    --------
    >>> import torch
    >>> derivative("fast_sigmoid", torch.tensor([-0.04, 0.0, 0.04]), k=25.0)
    tensor([0.2500, 1.0000, 0.2500])
    """
    p = parameters(name, **given)
    away = x.abs()
    if name == "fast_sigmoid":
        return (1 + p["k"] * away).square().reciprocal()
    if name == "atan":
        return (p["alpha"] / 2) / (1 + (math.pi / 2 * p["alpha"] * x).square())
    if name == "sigmoid":
        s = torch.sigmoid(-p["k"] * away)
        return p["k"] * s * (1 - s)
    if name == "triangular":
        return p["gamma"] / p["threshold"] * (1 - away / p["threshold"]).clamp(min=0)
    if name == "boxcar":
        return (away <= p["w"]).to(x.dtype) / (2 * p["w"])
    if name == "gaussian":
        return torch.exp(-(x / p["s"]).square() / 2) / (p["s"] * math.sqrt(2 * math.pi))
    return torch.ones_like(x)
