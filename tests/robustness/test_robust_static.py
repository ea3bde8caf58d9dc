"""Noise and static as published: brightness added, and how sure a network is of nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from robustness_kit import made

from bioplaus.robustness.static import AMPLITUDE, Sureness, noisy


def test_noise_brightens() -> None:
    """By 0.05 on average where a pixel has room, by nothing where it is white, by ``E[min(0.1 u, 0.05)] = 0.0375`` half way between."""
    u = torch.from_numpy(np.random.default_rng(0).random((200_000, 1)))
    assert AMPLITUDE == 0.1
    for pixel, gain in ((0.0, 0.05), (0.9, 0.05), (0.95, 0.0375), (1.0, 0.0)):
        added = noisy(torch.full((1, 200_000, 1), pixel, dtype=torch.float64), u) - pixel
        assert float(added.mean()) == pytest.approx(gain, abs=3e-4) and added.min() >= 0 and added.max() <= 0.1 + 1e-12


def test_a_network_whose_hidden_cells_are_off_on_static() -> None:
    """Logits 0 on static: sigmoid 1/2, softmax 1/10. Black images leave hidden cells at 1/2, and the first class's logit at 400."""
    first, second = np.full((2, 16, 20), -1e3), np.zeros((2, 10, 16))
    second[:, 0] = 50.0
    net = made([first, second], neuron="sigmoid")
    black, u = torch.zeros(1, 6, 20, dtype=torch.float64), torch.from_numpy(np.random.default_rng(0).random((1, 6, 20)))
    logits = net.victim.scores(black)
    torch.testing.assert_close(logits[0, 0], torch.tensor([400.0] + [0.0] * 9, dtype=torch.float64))  # sigmoid(0) sum of W_2
    sure = Sureness()
    for images in black.split(2, 1):
        sure.see("clean", net.victim.scores(images))
    for images in u.split(3, 1):
        sure.see("static", net.victim.scores(images))
    assert sure.ratio("sigmoid").tolist() == pytest.approx([0.5, 0.5]) and sure.ratio("softmax").tolist() == pytest.approx([0.1, 0.1])


def test_the_most_sure_image_of_all_counts() -> None:
    """The largest over images and classes, each network by itself, whatever the order of the parts."""
    sure = Sureness()
    z = torch.tensor([[[3.0, -2.0], [0.0, 1.0]], [[-1.0, -4.0], [-5.0, 0.5]]], dtype=torch.float64)
    for part in (z[:, :1], z[:, 1:]):
        sure.see("clean", part)
    sure.see("static", torch.zeros(2, 1, 2, dtype=torch.float64))
    highest = 1 / (1 + np.exp([-3.0, -0.5]))
    assert sure.ratio("sigmoid").tolist() == pytest.approx((0.5 / highest).tolist())
    shares = [1 / (1 + np.exp(-5.0)), 1 / (1 + np.exp(-5.5))]
    assert sure.ratio("softmax").tolist() == pytest.approx([0.5 / share for share in shares])
