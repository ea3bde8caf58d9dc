"""A trained network as one graph of tensor operations, which runs without this program.

What is traced is the rule's own prediction with the selected weights of one seed, so that whatever the network is made of (dendrites,
two phases, normalisation) is in the graph as it is computed here. Pixels in [0, 1] come in, ``[N, *shape]``; their scaling is the
first operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from bioplaus.data.base import Splits
from bioplaus.errors import RunError
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

__all__ = ["Plain", "of_one", "program"]


class _Heard(dict[str, Tensor]):
    """Arrays, and which of them were asked for."""

    def __init__(self, arrays: dict[str, Tensor]) -> None:
        super().__init__(arrays)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Tensor:
        self.asked.add(key)
        return super().__getitem__(key)

    def values(self) -> Iterator[Tensor]:  # type: ignore[override]
        self.asked |= set(self)
        yield from list(super().values())


def of_one(model: Model, world: World, position: int) -> tuple[Model, World]:
    """Return the model and the world of one replica of a pack."""
    arrays = {key: value[position : position + 1].clone() for key, value in world.arrays().items()}
    seed = model.seeds[position]
    return replace(model, streams=replace(model.streams, seeds=(seed,))), World.from_arrays(arrays, world.step)


class Plain(nn.Module):
    """The prediction of one network, ``[N, *shape]`` pixels in [0, 1] to ``[N, ...]`` outputs; parameters are named as its leaves are.

    Parameters
    ----------
    model, world
        Of one replica.
    splits
        Whose scaling of inputs is undone; nothing of the samples is kept.
    """

    def __init__(self, model: Model, world: World, splits: Splits) -> None:
        super().__init__()
        self._model, self._world = model, world
        channels = (-1, *[1] * (len(splits.shape) - 1)) if len(splits.mean) > 1 else (1,) * len(splits.shape)
        self._dtype = dtype = next(iter(world.params.values())).dtype
        self.scaled = any(splits.mean) or any(one != 1 for one in splits.std)
        if self.scaled:
            self.register_buffer("mean", torch.tensor(splits.mean, dtype=dtype).view(channels))
            self.register_buffer("std", torch.tensor(splits.std, dtype=dtype).view(channels))
        params, buffers = _Heard(world.params), _Heard(world.buffers)
        self._answer(torch.zeros(1, 1, *splits.shape, dtype=dtype), params, buffers)
        self._weights_of = {key: key.replace("/", "_") for key in params if key in params.asked}
        self._means_of = {key: f"{key.replace('/', '_')}" for key in buffers if key in buffers.asked}
        for key, name in self._weights_of.items():
            self.register_parameter(name, nn.Parameter(world.params[key][0], requires_grad=False))
        for key, name in self._means_of.items():
            self.register_buffer(name, world.buffers[key][0])

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.to(self._dtype)
        x = (x - self.get_buffer("mean")) / self.get_buffer("std") if self.scaled else x
        params = {key: getattr(self, name).unsqueeze(0) for key, name in self._weights_of.items()}
        buffers = {key: getattr(self, name).unsqueeze(0) for key, name in self._means_of.items()}
        return self._answer(x.unsqueeze(0), params, buffers)[0]

    def _answer(self, x: Tensor, params: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        nothing = torch.zeros(1, x.shape[1], dtype=torch.int64)
        seen = view(self._model, self._world, Batch(x, nothing), Clock(step=self._world.step))
        return self._model.rule.predict(replace(seen, params=params, buffers=buffers))


def program(module: Plain, example: Tensor) -> torch.export.ExportedProgram:
    """Return the graph of a module, for any number of images.

    Raises
    ------
    RunError
        If what the network computes is no graph of tensor operations, such as a compiled loop.
    """
    try:
        with torch.no_grad():
            made = torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("images", min=1)},))
    except Exception as error:  # torch has no common class for what it cannot trace
        reason = " ".join(str(error).split())[:160]
        raise RunError(f"what this network computes cannot be written as one graph of tensor operations ({reason})") from error
    for node in made.graph.nodes:  # where it stood in whose folders is nobody's business
        node.meta.pop("stack_trace", None)
    made.example_inputs = None
    return made
