"""Feedback alignment, with the adjoint identity and loops over single synapses as judges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.connections import DenseConnection
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity
from bioplaus.probes.feedback import FeedbackProbe, adjoint
from bioplaus.probes.observe import observe
from bioplaus.rules.bp import Backprop
from bioplaus.rules.ccl import CounterCurrent
from bioplaus.view import Clock
from bioplaus.world import Model, World

Make = Callable
Pack = Callable[..., tuple[Model, World]]


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def backwards(u: Tensor) -> Tensor:
    """The matching feedback weight, one synapse at a time: pre and post swapped, kernel positions mirrored."""
    u_ = u.numpy()
    if u_.ndim == 3:
        return torch.from_numpy(np.stack([w.T for w in u_]).copy())
    replicas, post, pre, height, width = u_.shape
    v = np.empty((replicas, pre, post, height, width))
    for r, j, i, y, x in np.ndindex(u_.shape):
        v[r, i, j, height - 1 - y, width - 1 - x] = u_[r, j, i, y, x]
    return torch.from_numpy(v)


def look(model: Model, world: World, samples: Make) -> Tensor:
    shape = model.networks["forward"].in_shape
    return FeedbackProbe().look(observe(model, world, samples(shape), Clock()))["feedback_cosine"]


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (3, 0), (5, 2), (1, 0)])
def test_adjoint_kernel_by_the_adjoint_identity(kernel: int, padding: int) -> None:
    w = draw(0, 1, 4, 2, kernel, kernel)
    x = draw(1, 3, 2, 7, 9)
    sent = F.conv2d(x, w[0], padding=padding)
    y = draw(2, *sent.shape)
    returned = F.conv2d(y, adjoint(w)[0], padding=kernel - 1 - padding)
    assert (sent * y).sum().item() == pytest.approx((x * returned).sum().item(), rel=1e-12)


def test_adjoint_matrix_by_the_adjoint_identity() -> None:
    w, x, y = draw(0, 2, 4, 3), draw(1, 2, 3), draw(2, 2, 4)
    left = torch.einsum("rji,ri,rj->r", w, x, y)
    torch.testing.assert_close(left, torch.einsum("rij,ri,rj->r", adjoint(w), x, y))


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_exact_adjoints_give_1_and_signs_show_which_layer_is_which(
    kind: str, mlp: Make, cnn: Make, pack: Pack, samples: Make
) -> None:
    # equal widths: only the order of the layers tells the pairs apart
    network = mlp((5, 5), (5,)) if kind == "mlp" else cnn((2, 2, 2))
    model, world = pack(CounterCurrent(), network)
    depth = len(network.layers)
    factors = torch.tensor([[2.0, -0.5, 1.0, 3.0], [-1.0, 0.1, -4.0, 1.0]], dtype=torch.float64)[:, :depth]
    for layer in range(depth):
        u = world.params[f"forward/{layer}/weight"]
        scale = factors[:, layer].view(-1, *[1] * (u.dim() - 1))
        world.params[f"feedback/{depth - 1 - layer}/weight"] = scale * backwards(u)
    torch.testing.assert_close(look(model, world, samples), factors.sign())


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_random_weights_against_numpy(kind: str, mlp: Make, cnn: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(CounterCurrent(), mlp() if kind == "mlp" else cnn())
    expected = np.empty((2, 3))
    for layer in range(3):
        u = world.params[f"forward/{layer}/weight"].numpy()
        v = backwards(world.params[f"feedback/{2 - layer}/weight"]).numpy()
        for r in range(2):
            expected[r, layer] = np.vdot(u[r], v[r]) / np.linalg.norm(u[r]) / np.linalg.norm(v[r])
    np.testing.assert_allclose(look(model, world, samples).numpy(), expected, rtol=1e-12)


def test_feedback_through_a_convolution_with_cosine_1_is_the_errors_way_back(cnn: Make, pack: Pack) -> None:
    model, world = pack(CounterCurrent(), cnn())
    up, down = model.networks["forward"].layers[0], model.networks["feedback"].layers[2]
    y = draw(3, 2, 6, *up.connection.out_shape)
    u = world.params[up.weight]
    torch.testing.assert_close(down.connection.send(adjoint(u), y), up.connection.give_back(u, y))


def test_a_zero_weight_has_no_direction(mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(CounterCurrent(), mlp())
    world.params["feedback/0/weight"][1] = 0
    found = look(model, world, samples)
    assert found.isnan().tolist() == [[False] * 3, [False, False, True]]


def test_rules_without_a_mirror_are_left_alone(mlp: Make, pack: Pack, samples: Make) -> None:
    assert FeedbackProbe().look(observe(*pack(Backprop(), mlp()), samples((5,)), Clock())) == {}


class OtherFeedback(Backprop):
    """Has a network "feedback" that mirrors nothing."""

    def build(self, network: Network) -> dict[str, Network]:
        layers = [Layer(f"feedback/{i}", DenseConnection((3,), (3,)), Identity()) for i in range(len(network.layers))]
        return {"forward": network, "feedback": Network("feedback", (3,), layers)}


def test_a_feedback_network_of_another_shape_is_no_mirror(mlp: Make, pack: Pack, samples: Make) -> None:
    assert FeedbackProbe().look(observe(*pack(OtherFeedback(), mlp()), samples((5,)), Clock())) == {}
