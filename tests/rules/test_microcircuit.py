"""The dendritic microcircuit: the published membrane equations in their own units, the self-predicting state, backprop and FA as limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rule_kit import classes, conv, drained, mlp, model_of, step
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.probes.geometry import angle
from bioplaus.rules.microcircuit import Microcircuit
from bioplaus.rules.microcircuit_cells import Cells
from bioplaus.rules.microcircuit_settings import MicrocircuitConfig
from bioplaus.rules.perforated import Perforated
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

FORMS = ("settled", "dynamics")
ODD: dict[str, Any] = {"g_leak": 0.13, "g_basal": 1.1, "g_apical": 0.7, "g_dendrite": 0.9, "g_soma": 0.6, "g_teach": 0.5}


def biased() -> Network:
    """6-7-5-3 tanh units with biases."""
    return Mlp.build(MlpConfig(hidden=[7, 5], bias=True), (6,), (3,), Tanh())


def make(network: Network | None = None, seeds: tuple[int, ...] = (0, 1), **settings: Any) -> tuple[Model, World]:
    """A model and its world; where the circuit starts matched, forward biases and those of interneurons are the same random numbers."""
    model, world = model_of(Microcircuit(MicrocircuitConfig(**settings)), network or biased(), seeds)
    draw = torch.Generator().manual_seed(5)
    for key, value in world.params.items():
        if key.startswith("forward") and key.endswith("bias"):
            value.copy_(0.3 * torch.randn(value.shape, generator=draw, dtype=value.dtype))
            if key.replace("forward", "interneurons") in world.params:
                world.params[key.replace("forward", "interneurons")].copy_(value)
    return model, world


def cells_of(model: Model, world: World, batch: Batch, *, taught: bool) -> Cells:
    with torch.no_grad():
        cells = Cells(view(model, world, batch, Clock()), model.rule.config, taught=taught)
        if model.rule.config.form == "settled":
            cells.sweep()
        else:
            cells.integrate(model.rule.config.steps)
    return cells


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("feedback_scale", [1.0, 1.7])
def test_without_teaching_the_self_predicting_state_is_silent(form: str, feedback_scale: float) -> None:
    """W_IP = W_up and W_PI = -W_down: v_A = 0 exactly, interneurons copy the cells above, and nothing would change."""
    model, world = make(form=form, feedback_scale=feedback_scale)
    cells = cells_of(model, world, classes((6,)), taught=False)
    for i, apical in enumerate(cells.apical):
        assert apical.abs().max() <= 1e-15
        torch.testing.assert_close(cells.w[i], cells.u[i + 1], rtol=0, atol=1e-14)
        assert world.params[f"backward/{i + 1}/weight"].std() > 0.1
    for changes in (cells.forward_changes(), cells.interneuron_changes(), cells.lateral_changes()):
        for change in changes.values():
            assert change.dense().abs().max() < 1e-13


def gradient(model: Model, world: World, batch: Batch) -> dict[str, Tensor]:
    leaves = {key: world.params[key].clone().requires_grad_() for key in model.networks["forward"].leaves}
    model.task.loss(model.networks["forward"].forward(leaves, batch.x, train=True).out, batch.y).sum().backward()
    return {key: -leaf.grad for key, leaf in leaves.items() if leaf.grad is not None}


def mirrored(world: World) -> None:
    """Feedback takes the forward weights, and the inhibition that cancels it follows."""
    for key in [key for key in world.params if key.startswith("backward")]:
        world.params[key].copy_(world.params[key.replace("backward", "forward")])
        world.params[key.replace("backward", "lateral")].copy_(-world.params[key])


@pytest.mark.parametrize("form", FORMS)
def test_weak_teaching_through_transposed_weights_is_backprop(form: str) -> None:
    """The gradient of the loss by autograd, size included, and every bias with it."""
    model, world = make(form=form, g_teach=1e-5, steps=400)
    mirrored(world)
    batch = classes((6,))
    wanted, _ = drained(model, world, batch)
    for key, exact in gradient(model, world, batch).items():
        torch.testing.assert_close(wanted[key], exact, rtol=1e-3, atol=1e-6)


def test_strong_teaching_stays_near_backprop() -> None:
    """The published conductances: a cosine above .95 with the gradient in every layer, above .99 with a tenth of the teaching."""
    batch = classes((6,), 60)
    for g_teach, bound in ((0.8, 0.95), (0.08, 0.99)):
        model, world = make(g_teach=g_teach)
        mirrored(world)
        wanted, _ = drained(model, world, batch)
        for key, exact in gradient(model, world, batch).items():
            if key.endswith("weight"):
                assert torch.cos(torch.deg2rad(angle(wanted[key], exact))).min() > bound


def test_weak_teaching_through_random_weights_is_feedback_alignment() -> None:
    """An independent loop of feedback alignment, the error sent down through W_down."""
    model, world = make(mlp("tanh"), (4,), g_teach=1e-5, feedback_scale=1.3)
    batch = classes((6,))
    wanted, _ = drained(model, world, batch)
    x, y = batch.x[0], batch.y[0]
    h = [x]
    for i in range(3):
        z = h[-1] @ world.params[f"forward/{i}/weight"][0].T
        h.append(torch.tanh(z) if i < 2 else z)
    d = (F.one_hot(y, 3) - F.softmax(h[-1], -1)) / len(x)
    for i in (2, 1, 0):
        torch.testing.assert_close(wanted[f"forward/{i}/weight"][0], d.T @ h[i], rtol=1e-3, atol=1e-6)
        if i:
            d = (d @ (1.3 * world.params[f"backward/{i}/weight"][0])) * (1 - h[i] ** 2)
    seen = model.rule.feedback(view(model, world, batch, Clock()))
    torch.testing.assert_close(seen["forward/1/weight"], 1.3 * world.params["backward/1/weight"])


def published(world: World, own: MicrocircuitConfig, batch: Batch, r: int) -> dict[str, np.ndarray]:
    """The circuit of the paper, in its own potentials and weights: somata are attenuated by a, phi has the gain 1/a; one replica."""
    p = {key: value[r].numpy() for key, value in world.params.items()}
    x, target = batch.x[0].numpy(), np.eye(3)[batch.y[0].numpy()]
    gl, gb, ga, gd, gs, gt = own.g_leak, own.g_basal, own.g_apical, own.g_dendrite, own.g_soma, own.g_teach
    a = [gb / (gl + gb + ga), gb / (gl + gb + ga), gb / (gl + gb)]
    up = [(p[f"forward/{i}/weight"], p[f"forward/{i}/bias"]) for i in range(3)]
    ip = [a[i] * (gl + gd) / gd * p[f"interneurons/{i}/weight"] for i in (1, 2)]
    ib = [a[i] * (gl + gd) / gd * p[f"interneurons/{i}/bias"] for i in (1, 2)]
    down, pi = [own.feedback_scale * p[f"backward/{i}/weight"].T for i in (1, 2)], [p[f"lateral/{i}/weight"].T for i in (1, 2)]
    phi = [lambda v: np.tanh(v / a[0]), lambda v: np.tanh(v / a[1]), lambda v: v / a[2]]

    def dendrites() -> None:
        rate[:] = [phi[i](u[i]) for i in range(3)]
        basal[:] = [pre @ w.T + b for (w, b), pre in zip(up, [x, *rate[:2]])]
        inter[:] = [rate[i] @ ip[i].T + ib[i] for i in range(2)]
        apical[:] = [rate[i + 1] @ down[i].T + phi[i + 1](s[i]) @ pi[i].T for i in range(2)]

    rate: list[np.ndarray] = []
    basal: list[np.ndarray] = []
    inter: list[np.ndarray] = []
    apical: list[np.ndarray] = []
    u, pre = [], x
    for i, (w, b) in enumerate(up):  # as free somata would settle, interneurons at their dendrite
        u.append(a[i] * (pre @ w.T + b))
        pre = phi[i](u[i])
    s = [gd / (gl + gd) * (phi[i](u[i]) @ ip[i].T + ib[i]) for i in range(2)]
    dendrites()
    for _ in range(own.steps):
        free = u[2] / a[2]
        soft = np.exp(free - free.max(1, keepdims=True))
        error = target - free if own.cost == "squared" else target - soft / soft.sum(1, keepdims=True)
        du = [-gl * u[i] + gb * (basal[i] - u[i]) + ga * (apical[i] - u[i]) for i in range(2)]
        du.append(-gl * u[2] + gb * (basal[2] - u[2]) + gt * a[2] * error)
        ds = [-gl * s[i] + gd * (inter[i] - s[i]) + gs * (u[i + 1] - s[i]) for i in range(2)]
        u = [now + own.dt * change for now, change in zip(u, du)]
        s = [now + own.dt * change for now, change in zip(s, ds)]
        dendrites()
    n, found = len(x), {}
    for i, pre in enumerate([x, *rate[:2]]):
        found[f"forward/{i}/weight"] = (rate[i] - phi[i](a[i] * basal[i])).T @ pre / n
    for i in range(2):
        miss = phi[i + 1](s[i]) - phi[i + 1](gd / (gl + gd) * inter[i])
        found[f"interneurons/{i + 1}/weight"] = miss.T @ rate[i] / n * (gl + gd + gs) / gs
        found[f"lateral/{i + 1}/weight"] = phi[i + 1](s[i]).T @ -apical[i] / n
    return found | {f"apical/{i}": apical[i] for i in range(2)}


@pytest.mark.parametrize("cost", ["task", "squared"])
@pytest.mark.parametrize("start", ["self_predicting", "random"])
def test_the_dynamics_are_the_published_ones_in_their_own_units(cost: str, start: str) -> None:
    """An independent simulation of the membrane equations, to 1e-10: what settles, and what every kind of synapse wants."""
    model, world = make(form="dynamics", cost=cost, start=start, level=False, lateral_rate=1.0, steps=25, dt=0.2, feedback_scale=1.3, **ODD)
    batch = classes((6,))
    wanted, _ = drained(model, world, batch)
    cells = cells_of(model, world, batch, taught=True)
    for r in range(2):
        found = published(world, model.rule.config, batch, r)
        for i in range(2):
            np.testing.assert_allclose(cells.apical[i][r].numpy(), found[f"apical/{i}"], rtol=0, atol=1e-10)
        for key, value in found.items():
            if key in wanted:
                np.testing.assert_allclose(wanted[key][r].numpy(), value, rtol=0, atol=1e-10, err_msg=key)


def test_the_sweep_is_the_steady_state_to_first_order_in_the_teaching() -> None:
    """Against the end of the dynamics, for all that synapses compare: a tenth of the teaching leaves a hundredth of the difference."""
    batch, gaps = classes((6,)), []
    for g_teach in (1e-2, 1e-3):
        compared = []
        for form in FORMS:
            cells = cells_of(*make(g_teach=g_teach, form=form, steps=400), batch, taught=True)
            somata = [soma - free for soma, free in zip([*cells.u, *cells.w], [*cells.basal, *cells.predicted])]
            compared.append([*somata, *cells.apical])
        gaps.append(max(float((a - b).abs().max()) for a, b in zip(*compared)))
    assert 60 < gaps[0] / gaps[1] < 140


def test_a_squared_cost_settles_between_prediction_and_target() -> None:
    """``u = (v_B + nu T)/(1 + nu)`` with ``nu = g_teach/(g_leak + g_basal)``, and v_A below it in closed form for a linear output."""
    for form in FORMS:
        model, world = make(cost="squared", form=form, steps=2000, **ODD)
        batch = classes((6,))
        cells = cells_of(model, world, batch, taught=True)
        nu, share = 0.5 / (0.13 + 1.1), 0.6 / (0.13 + 0.9 + 0.6)
        v = cells.basal[-1]
        target = F.one_hot(batch.y, 3).to(v)
        torch.testing.assert_close(cells.u[-1], (v + nu * target) / (1 + nu), rtol=0, atol=1e-12)
        error = nu / (1 + nu) * (1 - share) * (target - v)
        torch.testing.assert_close(cells.apical[-1], error @ world.params["backward/2/weight"], rtol=0, atol=1e-12)


def test_equal_synapses_change_alike() -> None:
    """Under weak teaching W_IP changes as W_up does, so that a circuit that predicts itself goes on to do so; twice that at twice the rate."""
    for factor in (1.0, 2.0):
        model, world = make(g_teach=1e-5, interneuron_rate=factor, **{k: v for k, v in ODD.items() if k != "g_teach"})
        wanted, _ = drained(model, world, classes((6,)))
        for i in (1, 2):
            for leaf in ("weight", "bias"):
                torch.testing.assert_close(wanted[f"interneurons/{i}/{leaf}"], factor * wanted[f"forward/{i}/{leaf}"], rtol=1e-3, atol=1e-6)


def test_one_rate_for_all_areas_lets_the_error_fade_on_its_way_down() -> None:
    """``g_l = strength (g_apical/g_basal (1 - lambda))^(areas above)`` from the conductances alone."""
    batch = classes((6,))
    (level, world), (plain, _) = make(**ODD), make(level=False, **ODD)
    a, b = drained(level, world, batch)[0], drained(plain, world, batch)[0]
    for i in range(3):
        gain = 0.5 / (0.13 + 1.1) * (0.7 / 1.1 * (0.13 + 0.9) / (0.13 + 0.9 + 0.6)) ** (2 - i)
        torch.testing.assert_close(b[f"forward/{i}/weight"], gain * a[f"forward/{i}/weight"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("form", FORMS)
def test_a_random_circuit_learns_to_predict_itself(form: str) -> None:
    """Without teaching W_IP and W_PI alone move, and v_A falls to a hundredth; W_PI comes to take what W_down brings."""
    own: dict[str, Any] = {"start": "random", "silent_epochs": 1, "lateral_rate": 2.0, "feedback_scale": 2.0}
    model, world = make(mlp("tanh", (6, 4, 3)), lr=1.0, level=False, form=form, steps=10, **own)
    batch, kept = classes((6,), 60), {key: value.clone() for key, value in world.params.items()}
    done = [step(model, world, batch).metrics for _ in range(800)]
    assert float(done[-1]["apical"].max()) < float(done[0]["apical"].min()) / 100
    assert float(done[-1]["unpredicted"].max()) < float(done[0]["unpredicted"].min()) / 100
    inhibition, feedback = world.params["lateral/1/weight"], 2 * world.params["backward/1/weight"]
    torch.testing.assert_close(inhibition, -feedback, rtol=0, atol=0.1 * float(feedback.abs().max()))
    for key, value in kept.items():
        moves = key.startswith(("interneurons", "lateral"))
        assert torch.equal(value, world.params[key]) is not moves, key


def test_learning_under_teaching_keeps_the_circuit_predicting() -> None:
    """400 steps on a batch: the loss falls to a half while interneurons go on predicting the cells above."""
    model, world = make(mlp("tanh"), lr=0.4)
    batch = classes((6,), 30)
    losses = [step(model, world, batch) for _ in range(400)]
    assert float(losses[-1].metrics["loss"].max()) < float(losses[0].metrics["loss"].min()) / 2
    free = cells_of(model, world, batch, taught=False)
    taught = cells_of(model, world, batch, taught=True)
    assert max(float(a.square().mean()) for a in free.apical) < 0.1 * min(float(a.square().mean()) for a in taught.apical)


def test_rates_of_nothing_leave_the_interneurons_alone() -> None:
    model, world = make(interneuron_rate=0.0)
    wanted, _ = drained(model, world, classes((6,)))
    assert all(key.startswith("forward") for key in wanted)


def test_what_the_circuit_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="plain dense layers.*network=mlp"):
        model_of(Microcircuit(), conv("tanh"), (0,))
    with pytest.raises(ConfigError, match=r"rule.dt=0.6 is too long.*2/ms"):
        make(form="dynamics", dt=0.6, g_leak=0.2)


def test_a_single_layer_has_no_circuit_and_learns_by_the_delta_rule() -> None:
    model, world = model_of(Microcircuit(), mlp("tanh", (6, 3)), (0,))
    batch = classes((6,))
    wanted, _ = drained(model, world, batch)
    assert set(model.networks) == {"forward"}
    torch.testing.assert_close(wanted["forward/0/weight"], gradient(model, world, batch)["forward/0/weight"], rtol=1e-9, atol=1e-12)


def test_dendrites_grow_on_its_errors() -> None:
    """Perforated dendrites hear the levelled difference of the two firing rates, which for weak teaching is feedback alignment's error."""
    heard = {}
    for source in ("microcircuit", "fa"):
        rule = Perforated(PerforatedConfig(error_source=source))
        model, world = model_of(rule, mlp("tanh"), (0,))
        batch = classes((6,))
        heard[source] = rule.heard(view(model, world, batch, Clock()))
        if source == "microcircuit":
            cells = Cells(view(model, world, batch, Clock()), MicrocircuitConfig(), taught=True)
            cells.sweep()
            for i, gain in enumerate((cells.config.gain(2), cells.config.gain(1), cells.config.gain(0))):
                here = (cells.rate(i, cells.u[i]) - cells.rate(i, cells.basal[i])) / gain  # per pattern, not divided by the batch
                torch.testing.assert_close(heard[source][f"forward/{i}"].error.abs(), here.abs(), rtol=1e-9, atol=1e-12)
    for name, sides in heard["fa"].items():
        cosine = F.cosine_similarity(sides.error.flatten(), heard["microcircuit"][name].error.flatten(), dim=0)
        assert float(cosine) > 0.95, name
