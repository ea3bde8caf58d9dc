"""Our spiking units as those of snnTorch 1.0: which can be, and how.

Refused is what it has not, and what it gets wrong: `surrogate.triangular` is +threshold below the threshold and -threshold above, with no
fall-off (`LSO` raises TypeError, and `SFS` has no gradient where x <= 1, so neither stands for anything here); an immediate reset is
differentiated, where no gradient is to pass a reset. `LeakyParallel`, `StateLeaky` and `LinearLeaky` have no reset at all: only `Leaky` and
`Synaptic` are used.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bioplaus.neurons.base import Neuron
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.spiking import shape_of
from bioplaus.neurons.surrogates import parameters
from bioplaus.neurons.synaptic import Synaptic

__all__ = ["State", "missing", "released", "start", "unit_of", "unsuited"]

Slope = Callable[[Tensor], Tensor]
State = tuple[Tensor, ...]

#: surrogate -> where snnTorch has it, under the name of its first parameter
SURROGATES = {
    "atan": ("atan", "alpha"),
    "fast_sigmoid": ("fast_sigmoid", "slope"),
    "sigmoid": ("sigmoid", "slope"),
    "straight_through": ("straight_through_estimator", ""),
}
WRONG = {
    "triangular": "snnTorch's triangular is +threshold below the threshold and -threshold above it, without a fall-off",
    "boxcar": "snnTorch has no boxcar",
    "gaussian": "snnTorch has no gaussian",
}


def missing() -> str | None:
    """Return what is wrong with the installed snnTorch, or None."""
    if importlib.util.find_spec("snntorch") is None:
        return "snnTorch is not installed; versions 1.0.x work: pip install 'snntorch>=1.0,<1.1'"
    try:
        import snntorch  # noqa: F401

        version = importlib.metadata.version("snntorch")
    except Exception as error:  # whatever a broken package raises
        return f"snnTorch cannot be imported ({error}); versions 1.0.x work: pip install 'snntorch>=1.0,<1.1'"
    if version.startswith("1.0"):
        return None
    return f"snnTorch {version} is installed, and versions 1.0.x work: pip install 'snntorch>=1.0,<1.1'"


def unsuited(neuron: Neuron) -> str | None:
    """Return why a unit has no equal in snnTorch, or None."""
    if type(neuron) not in (Lif, Synaptic):
        return f"snnTorch has no {type(neuron).__name__} of ours; neuron=lif and neuron=synaptic it has"
    c = neuron.config
    if getattr(c, "order", "new") != "new":
        return "its Synaptic drives the membrane with this step's current; use neuron.order=new"
    if not c.reset_delay and c.reset != "none":
        return "it differentiates an immediate reset, which no gradient is to pass; use neuron.reset_delay=true"
    if c.surrogate in WRONG:
        return f"neuron.surrogate={c.surrogate}: {WRONG[c.surrogate]}; use {', '.join(SURROGATES)}"
    return None


def unit_of(neuron: Any, own: Mapping[str, Tensor], like: Tensor) -> Any:
    """Return snnTorch's unit for ours, its numbers of the dtype and on the device of a current ``[R, B, *units]``.

    Parameters
    ----------
    own
        The layer's `parameters`, ``[R, 1]`` each, through which gradients reach them.
    """
    import snntorch
    from snntorch import SpikingNeuron

    c = neuron.config

    def number(key: str, value: float) -> Tensor:
        return torch.sigmoid(own[key]).view(-1, *[1] * (like.dim() - 1)) if key in own else like.new_tensor(value)

    settings = {
        "beta": number("leak", neuron.beta),
        "threshold": like.new_tensor(c.threshold),
        "reset_mechanism": c.reset,
    }
    settings["spike_grad"] = _surrogate(neuron, like.dtype)
    synaptic = isinstance(neuron, Synaptic)
    unit = (
        snntorch.Synaptic(number("synaptic_leak", neuron.alpha), **settings) if synaptic else snntorch.Leaky(**settings)
    )
    # every unit enters a list of the class, which would keep it, its state and its graph for good
    SpikingNeuron.instances[:] = [one for one in SpikingNeuron.instances if one is not unit]
    return unit


def start(neuron: Neuron, like: Tensor) -> State:
    """Return the hidden state at rest, to be passed explicitly: given None, snnTorch goes on from where the last batch ended."""
    return tuple(torch.zeros_like(like) for _ in range(2 if isinstance(neuron, Synaptic) else 1))


def released(unit: Any) -> None:
    """Let a unit go at once: it holds a method of its own, a cycle that would keep its graph until the next collection of garbage."""
    unit.state_function = None


def _surrogate(neuron: Any, dtype: torch.dtype) -> Slope:
    """Return snnTorch's spike, differentiable by its surrogate."""
    import snntorch.surrogate

    name, key = SURROGATES[neuron.config.surrogate]
    given = parameters(neuron.config.surrogate, **shape_of(neuron.config))
    number = next(iter(given.values()), 0.0)
    theirs: Slope = getattr(snntorch.surrogate, name)(**({key: number} if key else {}))
    if name == "sigmoid":  # which is inf / inf where exp(-k x) overflows, and 0 to the last digit long before
        plain, lowest = theirs, -80 / number

        def theirs(x: Tensor) -> Tensor:
            return plain(x.clamp(min=lowest))

    return theirs if dtype == torch.float32 else lambda x: _Wide.apply(x, theirs)


class _Wide(torch.autograd.Function):
    """A spike of snnTorch's in the dtype of the membrane: its own is float32 whatever comes in, and so is the error that enters at it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, spike: Slope) -> Tensor:
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            out = spike(leaf)
        ctx.save_for_backward(torch.autograd.grad(out, leaf, torch.ones_like(out))[0])
        return out.detach().to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *error: Tensor) -> tuple[Tensor, None]:
        return error[0] * ctx.saved_tensors[0], None
