"""Update over weight, from rates and wanted changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from bioplaus.changes import Dense, Wanted
from bioplaus.plasticity.sgd import Sgd, SgdConfig, SignStep
from bioplaus.probes.observe import observe
from bioplaus.probes.updates import UpdatesProbe
from bioplaus.rules.bp import Backprop, BackpropConfig
from bioplaus.view import Clock, View
from bioplaus.world import Model, World

Make = Callable
Pack = Callable[..., tuple[Model, World]]
WEIGHTS = [f"forward/{layer}/weight" for layer in range(3)]


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_plain_descent_moves_by_rate_times_wanted(kind: str, mlp: Make, cnn: Make, pack: Pack, samples: Make) -> None:
    network = mlp() if kind == "mlp" else cnn()
    model, world = pack(Backprop(BackpropConfig(lr=0.3)), network)
    seen = observe(model, world, samples(network.in_shape), Clock())
    expected = np.empty((2, 3))
    for layer, leaf in enumerate(WEIGHTS):
        for r in range(2):
            g, w = seen.wanted[leaf][r].numpy(), world.params[leaf][r].numpy()
            expected[r, layer] = 0.3 * np.sqrt((g**2).sum()) / np.sqrt((w**2).sum())
    np.testing.assert_allclose(UpdatesProbe().look(seen)["update_ratio"].numpy(), expected, rtol=1e-9)


def test_what_counts_is_the_update_that_plasticity_made(mlp: Make, pack: Pack, samples: Make) -> None:
    batch = samples((5,))
    # each array's change is far above the limit, so its length is rate times limit (up to the 1e-6 in the clip)
    clipped = Sgd(SgdConfig(clip="per_layer", clip_norm=1e-4))
    seen = observe(*pack(Backprop(BackpropConfig(lr=0.3)), mlp(), plasticity=clipped), batch, Clock())
    found = UpdatesProbe().look(seen)["update_ratio"]
    norms = torch.stack([seen.params[leaf].flatten(1).norm(dim=1) for leaf in WEIGHTS], 1)
    torch.testing.assert_close(found * norms, torch.full((2, 3), 0.3e-4).double(), rtol=1e-2, atol=0)
    # one equal step per synapse: rate times sqrt(entries)
    seen = observe(*pack(Backprop(BackpropConfig(lr=0.3)), mlp(), plasticity=SignStep()), batch, Clock())
    found = UpdatesProbe().look(seen)["update_ratio"]
    lengths = 0.3 * torch.tensor([20, 12, 9]).double().sqrt()
    torch.testing.assert_close(found * norms, lengths.expand(2, 3))


def test_known_steps_per_layer_and_replica(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    def shrink(view: View) -> Iterator[Wanted]:
        halves = torch.tensor([-1.0, -0.25]).double().view(-1, 1, 1)
        yield Wanted("forward", {WEIGHTS[1]: Dense(halves * view.params[WEIGHTS[1]])})

    model, world = pack(scripted(shrink, lr=0.5), mlp())
    world.params[WEIGHTS[2]][0] = 0
    found = UpdatesProbe().look(observe(model, world, samples((5,)), Clock()))["update_ratio"]
    nan = float("nan")
    expected = torch.tensor([[0.0, 0.5, nan], [0.0, 0.125, 0.0]]).double()
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_a_frozen_group_does_not_move(mlp: Make, pack: Pack, samples: Make) -> None:
    seen = observe(*pack(Backprop(BackpropConfig(lr=0.0)), mlp()), samples((5,)), Clock())
    assert (UpdatesProbe().look(seen)["update_ratio"] == 0).all()
    assert all(seen.wanted[leaf].any() for leaf in WEIGHTS)  # it was asked to
