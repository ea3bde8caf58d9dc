"""The network of Diehl & Cook, its training run by Brian2.

Only who presents the images is another one: batches, plasticity, labels, checkpoints stay the rule's and the simulator's, and what is measured
with learning off is measured by the compiled loop.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bioplaus.brian import imported, target_of, using
from bioplaus.engines.base import Block, Engine
from bioplaus.engines.loop import LoopEngine
from bioplaus.networks.diehl_cook import DiehlCookNetwork
from bioplaus.world import Model, World

if TYPE_CHECKING:
    from bioplaus.settings import TopConfig

__all__ = ["Brian2Engine"]


class Brian2Engine(Engine):
    """Brian2: trains the network of Diehl & Cook on the input spikes of backend=numba; learning off is measured by that."""

    def __init__(self, target: str = "auto") -> None:
        self.target = target

    @classmethod
    def made(cls, top: TopConfig) -> Brian2Engine:
        return cls(top.brian_target)

    def refuses(self, model: Model, batch_size: int) -> str | None:
        """Return why it cannot run the model, or None.

        Raises
        ------
        ConfigError
            If Brian2 cannot be imported.
        """
        network = model.networks["forward"]
        if not isinstance(network, DiehlCookNetwork):
            return "it knows network=diehl_cook"
        p = network.parameters
        if p.rest_time < p.delay_max:
            return (
                f"network.rest_time={p.rest_time:g} is shorter than delays of up to {p.delay_max:g} ms, so that spikes are under way between "
                "images"
            )
        if self.target == "cpp_standalone":
            return (
                "brian_target=cpp_standalone builds a program for one run of known input, and whether an image is shown again depends on its "
                "spikes; take brian_target=cython"
            )
        imported("backend=brian2")
        return None

    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        """Run the block as the default engine does, Brian2 presenting the images."""
        from bioplaus.diehl_cook.brian import InBrian

        b, network = imported("backend=brian2"), model.networks["forward"]
        assert isinstance(network, DiehlCookNetwork)
        p, built = network.parameters, {}

        def present(state: Any, images: Any, replica: int) -> tuple[Any, Any]:
            if replica not in built:
                built[replica] = InBrian(b, p, state)
            return built[replica].present(state, images)

        images = sum(index.shape[1] for index in block.batches) * world.replicas
        seconds = images * (p.image_time + p.rest_time) / 1000
        guided = copy.copy(network)
        guided.present = present  # type: ignore[method-assign]
        with using(b, target_of(self.target, seconds)):
            return LoopEngine().advance(replace(model, networks={**model.networks, "forward": guided}), world, block)
