"""Attacks against closed forms, finite differences, and loops written in plain PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from robustness_kit import Made, answered, in_torch, made, random_net
from torch import Tensor

from bioplaus.robustness.attacks import REACH, fgsm_margin, fgsm_own, fgsm_true, pgd
from bioplaus.robustness.exact import worst_case
from bioplaus.robustness.measure import ATTACKS, Options, attacked
from bioplaus.robustness.square import area, square

EPS = 0.07


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# --- one step ------------------------------------------------------------------------------------------------------------


def test_one_step_on_a_linear_network_by_hand() -> None:
    """The gradient of cross-entropy is ``W^T (softmax(z) - t)``, that of the margin ``w_j - w_y``, j the best wrong class."""
    draw = np.random.default_rng(1)
    net = random_net(draw, (9, 4))
    x, own = answered(net, 20, draw, (9,))
    y = torch.from_numpy(draw.integers(0, 4, (2, 20)))
    for r in range(2):
        w, b, p = net.weights[0][r].numpy(), net.biases[0][r].numpy(), x[r].numpy()
        z = p @ w.T + b

        def stepped(g: np.ndarray, p: np.ndarray = p) -> np.ndarray:
            return np.clip(p + EPS * np.sign(g), 0, 1)

        def against(labels: Tensor, z: np.ndarray = z, w: np.ndarray = w) -> np.ndarray:
            return (softmax(z) - np.eye(4)[labels.numpy()]) @ w

        np.testing.assert_allclose(fgsm_true(net.victim, x, y, EPS)[r], stepped(against(y[r])), atol=1e-12)
        images, zero = fgsm_own(net.single, x, EPS)
        assert images.dtype == torch.float32 and not zero.any()
        np.testing.assert_allclose(images[r], stepped(against(own[r])), atol=1e-6)
        rivals = np.where(np.eye(4)[y[r]] == 1, -np.inf, z).argmax(-1)
        np.testing.assert_allclose(fgsm_margin(net.victim, x, y, EPS)[r], stepped(w[rivals] - w[y[r]]), atol=1e-12)


def test_an_own_label_that_is_level_is_shared() -> None:
    """Classes 0 and 1 are level: the target is (1/2, 1/2, 0). A target of class 0 alone would point elsewhere."""
    w = np.array([[2.0, -1.0, 0.5], [2.0, 1.0, -0.5], [-1.0, 0.2, 0.1]])
    net = made([w[None]])
    x = torch.tensor([[[0.5, 0.25, 0.5]]], dtype=torch.float64)  # z_0 = z_1
    p = softmax(x[0].numpy() @ w.T)
    shared, alone = (p - [0.5, 0.5, 0]) @ w, (p - [1, 0, 0]) @ w
    assert (np.sign(shared) != np.sign(alone)).any()
    np.testing.assert_allclose(fgsm_own(net.single, x, EPS)[0][0], np.clip(x[0].numpy() + EPS * np.sign(shared), 0, 1), atol=1e-6)


@pytest.mark.parametrize("what", ["loss", "margin"])
def test_slopes_are_those_at_the_pixels(what: str) -> None:
    """Finite differences with respect to pixels, through a scaling of its own for each channel."""
    draw, shape = np.random.default_rng(2), (2, 2, 2)
    net = random_net(draw, (8, 5, 3), shape=shape, mean=(0.3, 0.6), std=(0.2, 0.7))
    x, y = torch.from_numpy(draw.random((2, 3, *shape))), torch.from_numpy(draw.integers(0, 3, (2, 3)))

    def height(p: Tensor) -> Tensor:
        z = net.victim.scores(p)
        if what == "loss":
            return F.cross_entropy(z.flatten(0, 1), y.flatten(), reduction="none").view(2, 3)
        own = F.one_hot(y, 3).bool()
        return z.masked_fill(own, -torch.inf).amax(-1) - z[own].view(2, 3)

    seen, head = net.victim.look(x), net.victim.head
    at_out = head.of_margin(seen.out, y) if what == "margin" else head.of_loss(seen.out, F.one_hot(y, 3).double())
    found, step = seen.pull(at_out), 1e-6
    for entry in np.ndindex(shape):
        moved = torch.zeros(shape, dtype=torch.float64)
        moved[entry] = step
        slope = (height(x + moved) - height(x - moved)) / (2 * step)
        torch.testing.assert_close(found[(..., *entry)], slope, rtol=1e-5, atol=1e-7)


def test_a_saturated_softmax_hides_its_gradient_and_the_margin_shows_it() -> None:
    """Logits 200 apart: in single precision softmax is 1 and 0 to the last digit, so the published step is none at all."""
    net = made([np.array([[[1000.0, 0.0], [0.0, 1000.0]]])])
    x, y = torch.tensor([[[0.7, 0.5], [0.4, 0.6]]], dtype=torch.float64), torch.tensor([[0, 1]])
    found = attacked(net.part(x, y), 0.3, Options(0.3, 2, steps=4, queries=4))
    assert found["zero"].all() and found["fgsm_paper"].all()
    assert not found["fgsm_margin"].any() and not found["pgd_margin"].any() and not found["exact_worst_case"].any() and not found["worst"].any()


# --- many steps ----------------------------------------------------------------------------------------------------------


def looped(net: Made, x: Tensor, y: Tensor, eps: float, steps: int, starts: list[Tensor | None]) -> Tensor:
    """PGD on the margin, one replica after the other, gradients by autograd; which images broke at any step."""
    broken = torch.zeros(x.shape[:2], dtype=torch.bool)
    for r in range(len(x)):
        model, own = in_torch(net, r), F.one_hot(y[r], net.weights[-1].shape[1]).bool()
        for start in starts:
            here = (x[r] if start is None else x[r] + eps * start).clone()
            here = here.maximum(x[r] - eps).minimum(x[r] + eps).clamp(0, 1)
            for _ in range(steps):
                here.requires_grad_()
                z = model(here)
                broken[r] |= z.argmax(-1) != y[r]
                slope = torch.autograd.grad((z.masked_fill(own, -torch.inf).amax(-1) - z[own]).sum(), here)[0]
                here = (here.detach() + 2.5 * eps / steps * slope.sign()).maximum(x[r] - eps).minimum(x[r] + eps).clamp(0, 1)
            broken[r] |= model(here).argmax(-1) != y[r]
    return broken


@pytest.mark.parametrize("eps", [0.05, 0.15])
def test_many_steps_beside_a_plain_loop(eps: float) -> None:
    draw = np.random.default_rng(3)
    net = random_net(draw, (12, 10, 4))
    x, y = answered(net, 60, draw, (12,))
    y = torch.where(torch.arange(60) % 10 == 0, (y + 1) % 4, y)  # some are wrong as they are
    starts: list[Tensor | None] = [None, torch.from_numpy(draw.uniform(-1, 1, (60, 12)))]
    found, expected = pgd(net.victim, x, y, eps, 7, starts), looped(net, x, y, eps, 7, starts)
    assert torch.equal(found.broken, expected) and 0.1 < expected.double().mean() < 0.9
    assert (found.images >= x - eps - 1e-12).all() and (found.images <= x + eps + 1e-12).all()
    assert found.images.min() >= 0 and found.images.max() <= 1
    assert torch.equal(net.victim.predicted(found.images) != y, found.broken)  # what is shown is what broke


def test_many_steps_nearly_reach_the_exact_worst_case_and_never_beat_it() -> None:
    draw = np.random.default_rng(4)
    net = random_net(draw, (64, 10), replicas=3, scale=0.3)
    x, y = answered(net, 150, draw, (64,))
    exact = worst_case(net.victim, x, y, 0.04).broken
    broken = pgd(net.victim, x, y, 0.04, 40, [None, torch.from_numpy(draw.uniform(-1, 1, (150, 64)))]).broken
    assert not (broken & ~exact).any()
    assert 0.2 < exact.double().mean() < 0.8 and (exact & ~broken).double().mean() < 0.02


def test_the_reach_of_the_steps_is_that_of_the_reference() -> None:
    assert REACH == 2.5


# --- beside a library ----------------------------------------------------------------------------------------------------


def on_margin(foolbox: Any, **settings: Any) -> Any:
    import eagerpy

    class OnMargin(foolbox.attacks.LinfProjectedGradientDescentAttack):  # type: ignore[misc, name-defined]
        def get_loss_fn(self, model: Any, labels: Any) -> Any:
            def loss(inputs: Any) -> Any:
                z, own = model(inputs).raw, F.one_hot(labels.raw, 4).bool()
                return eagerpy.astensor((z.masked_fill(own, -torch.inf).amax(-1) - z[own]).sum())

            return loss

    return OnMargin(random_start=False, **settings)


def test_beside_foolbox() -> None:
    """The images of one step are equal; PGD breaks what the library's breaks when it is stopped after some number of its steps."""
    foolbox = pytest.importorskip("foolbox", reason="the comparison needs foolbox (pip install foolbox), which is not a dependency")
    draw, eps, steps = np.random.default_rng(5), 0.08, 6
    net = random_net(draw, (12, 10, 4))
    x, y = answered(net, 40, draw, (12,))
    once, broken = fgsm_true(net.victim, x, y, eps), pgd(net.victim, x, y, eps, steps, [None]).broken
    for r in range(2):
        model = foolbox.PyTorchModel(in_torch(net, r), bounds=(0, 1), device="cpu")
        theirs = foolbox.attacks.LinfFastGradientAttack().run(model, x[r], y[r], epsilon=eps)
        assert theirs.dtype == torch.float64
        torch.testing.assert_close(once[r], theirs, rtol=0, atol=1e-12)
        ends = [on_margin(foolbox, abs_stepsize=REACH * eps / steps, steps=k).run(model, x[r], y[r], epsilon=eps) for k in range(1, steps + 1)]
        assert torch.equal(broken[r], torch.stack([model(end).argmax(-1) != y[r] for end in ends]).any(0))
    assert 0.1 < broken.double().mean() < 0.9


# --- without a gradient --------------------------------------------------------------------------------------------------


def test_areas_are_the_published_ones() -> None:
    """Of 10,000 queries: p = 0.8, halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000."""
    asked = (0, 10, 11, 50, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)
    wanted = [0.8 / 2**k for k in (0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert [area(query, 10_000) for query in asked] == wanted
    assert area(101, 100_000) == 0.4 and area(100, 100_000) == 0.8  # fewer or more queries stretch the schedule


@pytest.mark.parametrize("shape", [(16,), (1, 4, 4), (3, 4, 4)])
def test_squares(shape: tuple[int, ...]) -> None:
    """They stay in the box, never beat the exact worst case, break most of what can be broken, and say what they found."""
    draw = np.random.default_rng(6)
    net = random_net(draw, (int(np.prod(shape)), 3), scale=0.5, shape=shape)
    x, y = answered(net, 60, draw, shape)
    found, exact = square(net.victim, x, y, EPS, 300, np.random.default_rng(0), 60), worst_case(net.victim, x, y, EPS).broken
    moved = found.images - x
    assert moved.abs().max() <= EPS + 1e-12 and found.images.min() >= 0 and found.images.max() <= 1
    assert torch.equal(net.victim.predicted(found.images) != y, found.broken)
    assert not (found.broken & ~exact).any() and found.broken.sum() >= 0.7 * exact.sum() > 0


def test_squares_do_not_depend_on_the_images_behind() -> None:
    draw = np.random.default_rng(7)
    net = random_net(draw, (16, 3), replicas=1)
    x, y = answered(net, 30, draw, (16,))
    every, some = (square(net.victim, x[:, :n], y[:, :n], EPS, 20, np.random.default_rng(0), 30).images[:, :10] for n in (30, 10))
    assert torch.equal(every, some)


def test_a_replica_meets_what_it_meets_alone() -> None:
    draw = np.random.default_rng(8)
    both = random_net(draw, (12, 6, 3))
    x, y = answered(both, 25, draw, (12,))
    options = Options(EPS, 25, steps=5, queries=10)
    together = attacked(both.part(x, y), EPS, options)
    for r in range(2):
        alone = made([w[r : r + 1] for w in both.weights], [b[r : r + 1] for b in both.biases])
        for name, flags in attacked(alone.part(x[r : r + 1], y[r : r + 1]), EPS, options).items():
            assert torch.equal(flags[0], together[name][r]), name


# --- what is counted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "scale", "alone", "more"),
    [
        ((12, 6), 0.5, "exact_worst_case", {"steps": 1, "rivals": 1}),
        ((12, 10, 6), 4.0, "gradient_free", {"steps": 1}),
        ((12, 10, 6), 0.5, "pgd_rivals", {"steps": 8, "queries": 1}),
        ((12, 10, 6), 1.0, "pgd_loss", {"steps": 8, "rivals": 1, "queries": 1}),
    ],
    ids=["exact", "squares", "rivals", "loss"],
)
def test_an_image_is_robust_if_it_survives_all(sizes: tuple[int, ...], scale: float, alone: str, more: dict[str, int]) -> None:
    """Attacks cut short leave images standing that one other attack alone breaks; each attack counts."""
    draw, eps = np.random.default_rng(9), 0.15
    net = random_net(draw, sizes, scale=scale)
    x, y = answered(net, 120, draw, (12,))
    y = torch.where(torch.arange(120) % 9 == 0, (y + 1) % 6, y)
    found = attacked(net.part(x, y), eps, Options(eps, 120, restarts=1, **more))
    names = {"clean", *ATTACKS} - (set() if len(sizes) == 2 else {"exact_worst_case"})
    assert set(found) == names | {"zero", "worst"}
    for r, i in np.ndindex(2, 120):
        assert found["worst"][r, i] == all(bool(found[name][r, i]) for name in names)
    assert (torch.stack([found[name] for name in names - {alone}]).all(0) & ~found[alone]).any()


def test_a_box_without_width_changes_nothing() -> None:
    draw = np.random.default_rng(10)
    net = random_net(draw, (12, 3), mean=(0.4,), std=(0.3,))
    x, y = answered(net, 50, draw, (12,))
    y = torch.where(torch.arange(50) % 4 == 0, (y + 1) % 3, y)
    found = attacked(net.part(x, y), 0.0, Options(0.0, 50, steps=3, queries=5))
    for name in set(found) - {"zero"}:
        assert torch.equal(found[name], found["clean"]), name
