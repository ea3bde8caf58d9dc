"""What PGD climbs: the margin, the loss, each rival. Plain loops, a corner by hand, the exact worst case, and a library at many restarts."""

from __future__ import annotations

from math import cos, pi
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from robustness_kit import Made, answered, in_torch, made, random_net
from torch import Tensor, nn

from bioplaus.robustness.attacks import OBJECTIVES, pgd
from bioplaus.robustness.exact import worst_case
from bioplaus.robustness.measure import Options, attacked


def looped(net: Made, x: Tensor, y: Tensor, eps: float, steps: int, starts: list[Tensor | None], objective: str, rivals: int) -> Tensor:
    """Which images broke at any step, replica by replica, slopes by autograd."""
    broken = torch.zeros(x.shape[:2], dtype=torch.bool)
    for r in range(len(x)):
        model, classes = in_torch(net, r), net.weights[-1].shape[1]
        wrong = model(x[r]).detach().masked_fill(F.one_hot(y[r], classes).bool(), -torch.inf).argsort(1, descending=True)
        for start in starts:
            for turn in range(1 if objective == "loss" else min(rivals, classes - 1)):
                here = x[r] if start is None else x[r] + eps * start
                for step in range(steps + 1):
                    here = here.detach().maximum(x[r] - eps).minimum(x[r] + eps).clamp(0, 1).requires_grad_()
                    z = model(here)
                    broken[r] |= z.argmax(-1) != y[r]
                    ahead = z.gather(1, wrong[:, turn : turn + 1]) - z.gather(1, y[r][:, None])
                    climbed = F.cross_entropy(z, y[r], reduction="sum") if objective == "loss" else ahead.sum()
                    length = 2.5 / steps if objective == "loss" else 1 + cos(pi * step / steps)
                    here = here + eps * length * torch.autograd.grad(climbed, here)[0].sign()
    return broken


@pytest.mark.parametrize(("objective", "rivals"), [("loss", 9), ("rivals", 9), ("rivals", 2)])
def test_beside_a_plain_loop(objective: str, rivals: int) -> None:
    draw, eps = np.random.default_rng(3), 0.1
    net = random_net(draw, (12, 10, 5))
    x, y = answered(net, 80, draw, (12,))
    y = torch.where(torch.arange(80) % 10 == 0, (y + 1) % 5, y)  # some are wrong as they are
    starts: list[Tensor | None] = [None, torch.from_numpy(draw.uniform(-1, 1, (80, 12)))]
    found = pgd(net.victim, x, y, eps, 7, starts, objective, rivals)
    expected = looped(net, x, y, eps, 7, starts, objective, rivals)
    assert torch.equal(found.broken, expected) and 0.1 < expected.double().mean() < 0.9
    assert (found.images - x).abs().max() <= eps + 1e-12 and found.images.min() >= 0 and found.images.max() <= 1
    assert torch.equal(net.victim.predicted(found.images) != y, found.broken)


def test_a_rival_that_neither_margin_nor_loss_sees() -> None:
    """One pixel at 0.5, eps 0.1. Rival 2 leads by 2 and gains 50 downwards: at most -6 + 5 < 0. Rival 1 gains 100 upwards: -8 + 10 > 0.

    Softmax weighs rival 2 by e^2 > 7, so the slope of the loss points down as well, to the wall where nothing breaks.
    """
    net = made([np.array([[[0.0], [100.0], [-50.0]]])], [np.array([[0.0, -58.0, 19.0]])])
    x, y = torch.tensor([[[0.5]]], dtype=torch.float64), torch.tensor([[0]])
    assert net.victim.scores(x).tolist() == [[[0.0, -8.0, -6.0]]]
    broken = {what: bool(pgd(net.victim, x, y, 0.1, 40, [None], what).broken) for what in OBJECTIVES}
    assert broken == {"margin": False, "loss": False, "rivals": True}
    assert not pgd(net.victim, x, y, 0.1, 40, [None], "rivals", 1).broken  # the leading one alone
    assert worst_case(net.victim, x, y, 0.1).broken and not pgd(net.victim, x, y, 0.079, 40, [None], "rivals").broken


def test_how_far_a_step_goes() -> None:
    """A pixel at 0.5 is wrong beyond 0.53. Ten equal steps of eps / 4 = 0.025 meet it at 0.55; falling ones begin with 2 eps, to the wall."""
    net = made([np.array([[[0.0], [100.0]]])], [np.array([[0.0, -53.0]])])
    x, y = torch.tensor([[[0.5]]], dtype=torch.float64), torch.tensor([[0]])
    for what, met in (("margin", 0.55), ("loss", 0.55), ("rivals", 0.6)):
        assert float(pgd(net.victim, x, y, 0.1, 10, [None], what).images) == pytest.approx(met, abs=1e-12), what


@pytest.mark.parametrize("eps", [0.02, 0.05, 0.1])
def test_each_rival_in_turn_is_the_exact_worst_case_of_a_linear_network(eps: float) -> None:
    draw = np.random.default_rng(4)
    net = random_net(draw, (64, 10), replicas=3, scale=0.3)
    x, y = answered(net, 150, draw, (64,))
    exact = worst_case(net.victim, x, y, eps).broken
    assert torch.equal(pgd(net.victim, x, y, eps, 10, [None], "rivals").broken, exact) and 0.1 < exact.double().mean() < 0.99
    assert not (pgd(net.victim, x, y, eps, 40, [None], "loss").broken & ~exact).any()


def test_wider_boxes_of_a_linear_network_are_never_safer() -> None:
    """A box holds all smaller ones, so exact figures can only fall, image by image; and no column lies below the worst."""
    draw = np.random.default_rng(5)
    net = random_net(draw, (20, 5), scale=0.5)
    x, y = answered(net, 100, draw, (20,))
    before = torch.ones(2, 100, dtype=torch.bool)
    for eps in (0.0, 0.01, 0.03, 0.1, 0.3, 1.0):
        found = attacked(net.part(x, y), eps, Options(eps, 100, steps=6, queries=20))
        worst = found["worst"]
        assert not (worst & ~before).any() and torch.equal(worst, found["exact_worst_case"])
        assert all(not (worst & ~flags).any() for name, flags in found.items() if name != "zero")
        before = worst
    assert not before.any()  # at eps = 1 every image may become any other


def test_unknown_objectives_are_refused() -> None:
    net = random_net(np.random.default_rng(0), (4, 2))
    x, y = answered(net, 2, np.random.default_rng(0), (4,))
    with pytest.raises(ValueError, match="objective='lost' must be one of margin, loss, rivals"):
        pgd(net.victim, x, y, 0.1, 2, [None], "lost")


def digits(hidden: int) -> tuple[Made, Tensor, Tensor]:
    """Return a network trained on digits by plain PyTorch, and 100 test images."""
    from sklearn.datasets import load_digits

    torch.manual_seed(0)
    every = load_digits()
    p, t = torch.from_numpy(every.images.reshape(-1, 64) / 16), torch.from_numpy(every.target)
    model = nn.Sequential(nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 10)).double()
    steps = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(150):
        steps.zero_grad()
        F.cross_entropy(model(p[:1400]), t[:1400]).backward()
        steps.step()
    linear = [part for part in model if isinstance(part, nn.Linear)]
    net = made([one.weight.detach()[None].numpy() for one in linear], [one.bias.detach()[None].numpy() for one in linear])
    return net, p[None, 1500:1600], t[None, 1500:1600]


def test_a_library_at_many_restarts_breaks_nothing_that_is_called_robust() -> None:
    """Eight restarts each of foolbox's PGD and of its PGD with Adam on the loss: its images, judged here, are of those known to be broken."""
    foolbox: Any = pytest.importorskip("foolbox", reason="the comparison needs foolbox (pip install foolbox), which is not a dependency")
    pytest.importorskip("sklearn", reason="the images are those of scikit-learn")
    net, x, y = digits(16)
    eps, model = 0.06, foolbox.PyTorchModel(in_torch(net, 0), bounds=(0, 1), device="cpu")
    found = attacked(net.part(x, y), eps, Options(eps, 100))
    theirs = torch.zeros(100, dtype=torch.bool)
    for make in (foolbox.attacks.LinfProjectedGradientDescentAttack, foolbox.attacks.LinfAdamProjectedGradientDescentAttack):
        for restart in range(8):
            torch.manual_seed(restart)
            images = make(steps=40, random_start=True).run(model, x[0], y[0], epsilon=eps)
            assert (images - x[0]).abs().max() <= eps + 1e-9
            theirs |= net.victim.predicted(images[None])[0] != y[0]
    robust = found["worst"][0]
    assert not (theirs & robust).any() and 0.2 < robust.double().mean() < 0.8
    assert robust.sum() < found["pgd_margin"][0].sum()  # the margin from two starts is not enough
