"""Fixed-weight target propagation: feedback that never moves, and the batch form against automatic differentiation."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from targets_kit import batch_of, changes_of, drive, model_of, view_of
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.networks.autoencoder import Autoencoder, AutoencoderConfig
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.rules.fwdtp import FixedTargets, FixedTargetsConfig
from bioplaus.view import Batch, Clock
from bioplaus.world import view

BATCH = FixedTargetsConfig(form="batch", beta=0.3, feedback_bound=1e-3)


def mlp() -> object:
    return Mlp.build(MlpConfig(hidden=[6, 5]), (7,), (4,), Tanh())


def std(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / (x.std(0) + 1e-12)


@pytest.mark.parametrize("form", ["plain", "batch"])
@pytest.mark.parametrize("kind", ["mlp", "cnn5"])
def test_feedback_never_moves(form: str, kind: str) -> None:
    network = mlp() if kind == "mlp" else Cnn5.build(Cnn5Config(channels=[3, 5]), (2, 8, 8), (4,), Tanh())
    model, world = model_of(FixedTargets(FixedTargetsConfig(form=form)), network)
    assert model.groups["feedback"].frozen
    start = {key: value.clone() for key, value in world.params.items()}
    assert all(drive(model, world, step) == ["forward"] for step in range(5))
    for key, value in world.params.items():
        assert torch.equal(value, start[key]) == key.startswith("feedback/")


def test_batch_form_against_autograd() -> None:
    """Standardisation after every neuron of f and g and of the difference, by the formulas, each replica by itself."""
    rule = FixedTargets(BATCH)
    seen = view_of(rule, mlp())
    found = changes_of(rule, seen, "forward")
    for r in range(2):
        p = {key: value[r].clone().requires_grad_() for key, value in seen.params.items()}
        h, y = [seen.batch.x[0]], seen.batch.y[0]
        for i in range(3):
            z = F.linear(h[i].detach(), p[f"forward/{i}/weight"])
            h.append(std(torch.tanh(z) if i < 2 else z))
        t = h[3] - 0.3 * (torch.softmax(h[3], -1) - F.one_hot(y, 4))
        loss = (t.detach() - h[3]).square().sum()
        for upper, back in ((3, 0), (2, 1)):
            v = p[f"feedback/{back}/weight"]
            t = std(h[upper - 1] + std(torch.tanh(t @ v.T)) - std(torch.tanh(h[upper] @ v.T)))
            loss = loss + (t.detach() - h[upper - 1]).square().sum()
        for key, grad in zip(found, torch.autograd.grad(loss / len(y), [p[key] for key in found])):
            torch.testing.assert_close(found[key][r], -grad, rtol=1e-8, atol=1e-12)


def test_size_of_feedback_drops_out_of_the_batch_form_only() -> None:
    """Where tanh is straight, V and V / 10 give the same standardised targets; in the plain form they are 100 times smaller two layers down."""
    ratio = {}
    for form in ("plain", "batch"):
        rule = FixedTargets(FixedTargetsConfig(form=form, feedback_bound=1e-4))
        seen = view_of(rule, mlp())
        large = changes_of(rule, seen, "forward")["forward/0/weight"]
        for key in ("feedback/0/weight", "feedback/1/weight"):
            seen.params[key] = seen.params[key] / 10
        ratio[form] = float(changes_of(rule, seen, "forward")["forward/0/weight"].norm() / large.norm())
    assert math.isclose(ratio["plain"], 0.01, rel_tol=1e-3) and math.isclose(ratio["batch"], 1, rel_tol=1e-3)


def test_prediction_of_a_sample_does_not_depend_on_its_company() -> None:
    model, world = model_of(FixedTargets(BATCH), mlp())
    for step in range(100):
        drive(model, world, step)
    batch = batch_of(model.networks["forward"])

    def out(part: Batch) -> Tensor:
        return model.rule.predict(view(model, world, part, Clock()))

    whole = out(batch)
    torch.testing.assert_close(out(Batch(batch.x[:, 2:3], batch.y[:, 2:3])), whole[:, 2:3])
    # always the same batch: running means are its own, but for what the weights moved meanwhile
    run = model.networks["forward"].forward(world.params, batch.x, world.buffers, train=True)
    assert (whole - run.out).norm() < 0.2 * run.out.norm()


@pytest.mark.parametrize("form", ["plain", "batch"])
def test_running_means_of_both_networks_are_handed_back(form: str) -> None:
    network = Mlp.build(MlpConfig(hidden=[6, 5], norm="batch"), (7,), (4,), Tanh())
    model, world = model_of(FixedTargets(FixedTargetsConfig(form=form)), network)
    start = {key: value.clone() for key, value in world.buffers.items()}
    drive(model, world)
    assert any(key.startswith("feedback/") for key in start) and any("standard" in key for key in start) == (form == "batch")
    assert all((value != start[key]).any() for key, value in world.buffers.items())


def test_batch_form_says_what_it_mixes_and_refuses_images_as_output() -> None:
    assert len(FixedTargets(BATCH).statement().violated) == len(FixedTargets().statement().violated) + 1
    shape = (2, 8, 8)
    network = Autoencoder.build(AutoencoderConfig(channels=[3, 4]), shape, shape, Tanh())
    with pytest.raises(ConfigError, match="form=plain"):
        FixedTargets(BATCH).build(network)
    assert set(FixedTargets().build(network)) == {"forward", "feedback"}
