"""Small spiking networks in float64, and the same in plain torch for autograd, with what is taken as given written out."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rule_kit import learn
from torch import Tensor

from bioplaus import registry
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.base import Rule
from bioplaus.spiking.task import SpikingClassification
from bioplaus.streams import Streams
from bioplaus.tasks import Task
from bioplaus.view import Batch, Clock, Learned
from bioplaus.world import Model, World, new_world, view

STEPS = 12


def network(neuron: str = "lif", widths: Sequence[int] = (6, 7, 3), *, recurrent: bool = False, bias: bool = True, **settings: Any) -> Network:
    """A dense network of spiking units, weights large enough that they fire."""
    unit = registry.NEURONS.get(neuron)(**{"steps": STEPS, **settings})
    config = MlpConfig(hidden=list(widths[1:-1]), recurrent=recurrent, bias=bias, init_scale=2.0)
    return Mlp.build(config, (widths[0],), (widths[-1],), unit)


def model_of(rule: Rule, net: Network, seeds: Sequence[int] = (3, 4), task: Task | None = None) -> tuple[Model, World]:
    """A model under plain gradient steps, and its fresh world; biases are given numbers."""
    networks = rule.build(net)
    groups = rule.groups(networks)
    rates = {name: torch.full((len(seeds),), float(g.rate), dtype=torch.float64) for name, g in groups.items() if not g.frozen}  # type: ignore[arg-type]
    found = task or SpikingClassification(net.out_shape[0], net.layers[0].neuron.config)
    model = Model(rule, networks, groups, rates, Sgd(), found, Streams(tuple(seeds), dtype=torch.float64))
    world = new_world(model)
    for layer in net.layers:
        if layer.bias:
            world.params[layer.bias] = 0.1 * torch.randn(world.params[layer.bias].shape, generator=torch.Generator().manual_seed(5)).double()
    return model, world


def inputs(size: int = 6, samples: int = 5, steps: int | None = STEPS, seed: int = 11) -> Batch:
    """Spikes over time, or constant currents where steps is None, and labels of 3 classes."""
    g = torch.Generator().manual_seed(seed)
    x = (torch.rand(1, samples, steps or 1, size, generator=g) < 0.4).double()
    x = torch.rand(1, samples, 1, size, generator=g, dtype=torch.float64) if steps is None else x
    return Batch(x, torch.randint(0, 3, (1, samples), generator=g))


@torch.no_grad()
def changes(model: Model, world: World, batch: Batch) -> tuple[dict[str, Tensor], Learned]:
    """The sum of all that the rule wants for a batch, nothing of it written."""
    total: dict[str, Tensor] = {}
    asked, learned = learn(model.rule, view(model, world, batch, Clock()))
    for wanted in asked:
        for leaf, change in wanted.changes.items():
            total[leaf] = total[leaf] + change.dense() if leaf in total else change.dense().clone()
    return total, learned


def spike(x: Tensor, psi: Tensor) -> Tensor:
    """Theta(x), with psi for a derivative."""
    return (x > 0).to(x.dtype).detach() + psi.detach() * (x - x.detach())


def atan(x: Tensor) -> Tensor:
    """The surrogate derivative that units have by default, alpha = 2."""
    return 1 / (1 + (math.pi * x) ** 2)


def hollow(j: Tensor) -> Tensor:
    """Square matrices without their diagonals."""
    return j - torch.diag_embed(torch.diagonal(j, dim1=1, dim2=2))


def run(
    net: Network, params: Mapping[str, Tensor], x: Tensor, beta: float, kappa: float, adapt: tuple[float, float, int] | None = None
) -> Tensor:
    """Membrane ``[R, B, T, K]`` of the output of a network of one hidden layer, differentiable in params: read-out leaky.

    Spikes are taken as given in resets and recurrent currents alone. adapt: (rho, beta_a, refractory steps).
    """
    low, top = net.layers
    w, w_out = params[low.weight], params[top.weight]
    bias, bias_out = (params[layer.bias].unsqueeze(1) if layer.bias else 0.0 for layer in net.layers)
    j = params.get(f"{low.name}/recurrent/weight")
    v = z = b = silent = torch.zeros(w.shape[0], x.shape[1], w.shape[1], dtype=x.dtype)
    y: Any = 0.0
    rho, strength, refractory = adapt or (0.0, 0.0, 0)
    found = []
    for t in range(STEPS):
        current = x[:, :, min(t, x.shape[2] - 1)] @ w.mT + bias
        if j is not None:
            current = current + z.detach() @ hollow(j).mT
        b = rho * b + z
        silent = torch.where(z > 0, float(refractory), (silent - 1).clamp(min=0))
        v = beta * v + current - z.detach()
        free = (silent == 0).double()
        away = v - 1 - strength * b
        z = spike(away, atan(away) * free) * free
        y = kappa * y + z @ w_out.mT + bias_out
        found.append(y)
    return torch.stack(found, 2)


def cross_entropy(membrane: Tensor, y: Tensor) -> Tensor:
    """Sum over steps, mean over the batch, sum over replicas."""
    logits = membrane.log_softmax(-1)
    hot = torch.nn.functional.one_hot(y.expand(membrane.shape[0], -1), membrane.shape[-1]).double()
    return -(logits * hot.unsqueeze(2)).sum((2, 3)).mean(1).sum()


def held_bytes() -> int:
    """Bytes of all tensors that are alive."""
    gc.collect()
    tensors = [one for one in gc.get_objects() if type(one) is Tensor]
    return sum({one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}.values())


class Watched(SpikingClassification):
    """A task that notes how much is held at the last step of a run."""

    def at_step(self, out: Tensor, y: Tensor, t: int, steps: int) -> tuple[Tensor, Tensor]:
        if t == steps - 1:
            sizes.append(held_bytes())
        return super().at_step(out, y, t, steps)


#: what `Watched` noted
sizes: list[int] = []


@torch.no_grad()
def held_at_the_end(model: Model, world: World, batch: Batch) -> int:
    """Bytes held at the last step of a run, beyond what was held before it; changes are let go as they come."""
    sizes.clear()
    before = held_bytes()
    for _ in model.rule.learn(view(model, world, batch, Clock())):
        pass
    return max(sizes) - before
