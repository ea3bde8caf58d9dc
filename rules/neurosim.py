"""NeuroSim's online learning on devices, as a rule: images one after the other, reads and writes compiled.

A batch is a run of images. They are learned in order by the compiled loop (`bioplaus.neurosim.network` has its equations), in which a later
image finds the conductances that earlier ones left; the whole change of the batch is handed to plasticity as one ``w_after - w_before``. Weights
are w = 2 g - 1 on a grid of 2^-51, on which that difference and its sum are exact in float64: the size of batches changes nothing.

Weights are the network's. The random generator, counts of pulses and what differs between devices are the rule's state, arrays of devices
``[R, n_in, n_out]``. The loss is cross-entropy over the net inputs of the outputs, whose order is that of their activities; what is learned
is the squared error of these.

Source: Chen, Peng & Yu 2018, IEEE Trans. CAD 37:3067; user manual of MLP+NeuroSim V3.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.neurosim import NeuroSimNetwork
from bioplaus.neurosim.network import Constants, Pulses, State, respond, side_by_side, snapped, train
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Learned, Learning
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["RECIPES", "REFERENCE", "learning", "of", "predicted", "start", "state_of"]

Array = np.ndarray[Any, Any]

REFERENCE = "Chen, Peng & Yu 2018, IEEE Trans. CAD 37:3067 (MLP+NeuroSim)"
_RUN = {
    "neuron": "sigmoid",
    "plasticity": "sgd",
    "plasticity.clip": "none",
    "rule.lr": 1.0,
    "data.standardise": "none",
    "data.draws": 8000,
    "dtype": "float64",
    "batch_size": 500,
    "epochs": 125,
    "probes": [],
}
RECIPES = (
    Recipe(_RUN, "published protocol: 125 epochs of 8,000 random images; float64 loses nothing of the loop's weights", network=("neurosim",)),
    Recipe({"epochs": 15}, "ours: accuracy has settled by then", data=("digits",), network=("neurosim",)),
)

#: The two layers, and a pulse's constants for each of their devices.
_LAYERS = (0, 1)


def of(network: Network) -> NeuroSimNetwork:
    """Return the network as what it must be."""
    if not isinstance(network, NeuroSimNetwork):
        raise ConfigError("rule=memristor runs on network=neurosim")
    return network


def start(network: Network, streams: Streams) -> dict[str, Tensor]:
    """Return the rule's state of a network that has written nothing: generator, counts, and what differs between devices."""
    from bioplaus.dynamics.random import seeded

    net, R = of(network), len(streams.seeds)
    seeds = streams.integers("neurosim/seed", (), 0, 2**62).tolist()
    words = torch.from_numpy(np.stack([seeded(np.uint64(seed)).view(np.int64) for seed in seeds])).to(streams.device)
    counts = torch.zeros(R, 2, 2, dtype=torch.int64, device=streams.device)
    found = {"words": words, "pulses": counts, "load": counts.double(), "shown": counts[:, 0, 0].clone()}
    exact = Streams(streams.seeds, streams.position, streams.device, torch.float64, streams.scope)
    for i, layer in zip(_LAYERS, net.layers):
        shape = layer.connection.weight_shape
        own = net.device.draw(exact, shape, f"neurosim/device/{i}")
        if own:
            own = {**_mean(net), **own}
            found |= {f"device/{i}/{key}": own[key].expand(R, *shape).mT.contiguous() for key in Pulses._fields}
    return found


def _mean(net: NeuroSimNetwork) -> dict[str, Tensor]:
    """Return the constants of the mean device's pulses by name."""
    steps = net.device.steps
    return {key: torch.tensor(float(steps.flat()[key]), dtype=torch.float64) for key in Pulses._fields}


def devices_of(view: View, r: int) -> tuple[Pulses, Pulses]:
    """Return the pulses of replica r's devices, layer by layer, as changes of g: those of depression are negative."""
    mean = _mean(of(view.networks["forward"]))
    found = []
    for i in _LAYERS:
        flat = {key: view.state[f"device/{i}/{key}"][r] if f"device/{i}/{key}" in view.state else mean[key].view(1, 1) for key in Pulses._fields}
        arrays = {key: value.cpu().numpy() * (-1 if key.startswith("down") else 1) for key, value in flat.items()}
        found.append(Pulses(**{key: np.ascontiguousarray(value) for key, value in arrays.items()}))
    return found[0], found[1]


def constants_of(view: View, lr: float) -> Constants:
    """Return the numbers of the network, its rates times lr."""
    net = of(view.networks["forward"])
    device, config = net.device, net.config
    offset = 0.0 if device.g_min is None or device.g_max is None else device.g_min / (device.g_max - device.g_min)
    rates = float(lr * config.rate_hidden), float(lr * config.rate_output)
    return Constants(
        *rates,
        float(device.pulses_up),
        float(device.pulses_down),
        float(device.cycle_noise),
        float(device.read_noise),
        offset,
        float(2**config.adc_bits - 1),
    )


def state_of(view: View, r: int) -> State:
    """Return a copy of replica r as the compiled loop takes it; weights outside [-1, 1] count as the nearest that a device can have."""
    net = of(view.networks["forward"])
    weights = [view.params[layer.weight][r].double().cpu().numpy().T for layer in net.layers]
    own = {name: view.state[name][r].cpu().numpy().copy() for name in ("words", "pulses", "load")}
    low, high = (0.0, 1.0) if "device/0/low" not in view.state else (-np.inf, np.inf)
    first, second = (snapped(np.clip((w + 1) / 2, low, high)) for w in weights)
    return State(first, second, own["words"].view(np.uint64), own["pulses"], own["load"])


def learning(view: View, lr: float | tuple[float, ...]) -> Learning:
    """Learn the images of a batch in every replica, and want what that made of the weights.

    The loss of a batch is that of the answers given to each of its images just before it was learned.
    """
    net = of(view.networks["forward"])
    keys = [layer.weight for layer in net.layers]
    weights = [view.params[key] for key in keys]
    R, images, y = weights[0].shape[0], net.binary(view.batch.x), view.batch.y.cpu().numpy()
    changes = {key: torch.zeros_like(weight) for key, weight in zip(keys, weights)}
    kept = {name: view.state[name].clone() for name in ("words", "pulses", "load")}
    out = torch.zeros(R, *images.shape[1:2], net.out_shape[0], dtype=weights[0].dtype, device=weights[0].device)

    def one(r: int) -> None:
        state = state_of(view, r)
        before = state.g_1.copy(), state.g_2.copy()
        numbers = constants_of(view, lr[r] if isinstance(lr, tuple) else lr)
        found = train(state, images[r % len(images)], y[r % len(y)], numbers, devices_of(view, r))
        for weight, change, g, old in zip(weights, changes.values(), (state.g_1, state.g_2), before):
            moved = torch.from_numpy(np.where(g != old, 2 * g - 1, np.nan).T).to(weight)
            change[r] = torch.where(moved.isnan(), 0, moved - weight[r])
        for name, array in (("words", state.words.view(np.int64)), ("pulses", state.pulses), ("load", state.load)):
            kept[name][r] = torch.from_numpy(array).to(kept[name])
        out[r] = torch.from_numpy(found).to(out)

    finite = [r for r in range(R) if all(bool(torch.isfinite(weight[r]).all()) for weight in weights)]  # others have stopped
    side_by_side(one, finite, torch.get_num_threads())
    yield Wanted("forward", {key: Dense(change) for key, change in changes.items()})
    written = (kept["pulses"] - view.state["pulses"]).double() / view.batch.size
    metrics = {"loss": view.task.loss(out, view.batch.y), "accuracy": view.task.score(out, view.batch.y)}
    metrics |= {f"{what}_{where}": written[:, i, k] for i, where in enumerate(("hidden", "output")) for k, what in enumerate(("ltp", "ltd"))}
    return Learned(metrics, state={**kept, "shown": view.state["shown"] + view.batch.size})


def predicted(view: View) -> Tensor:
    """Return the net inputs of the outputs, ``[R, B, K]``, nothing written; read noise follows from seed, image and the images shown before."""
    net = of(view.networks["forward"])
    images, weight = net.binary(view.batch.x), view.params[net.layers[0].weight]
    out = torch.zeros(weight.shape[0], images.shape[1], net.out_shape[0], dtype=weight.dtype, device=weight.device)

    def one(r: int) -> None:
        seed = (view.streams.seeds[r] << 40) ^ int(view.state["shown"][r])
        found = respond(state_of(view, r), images[r % len(images)], constants_of(view, 1.0), seed=seed % 2**64)
        out[r] = torch.from_numpy(found).to(out)

    side_by_side(one, [r for r in range(weight.shape[0]) if bool(torch.isfinite(weight[r]).all())], torch.get_num_threads())
    return out
