"""Counter-current learning: published-size totals and the tiny case, digit by digit (float64)."""

from __future__ import annotations

import math

import pytest
import torch
from ccl_reference import wanted
from torch import Tensor

from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu
from bioplaus.rules.ccl import CounterCurrent, CounterCurrentConfig
from bioplaus.rules.pairs import normalised_pair, raw_pair
from bioplaus.tasks import Classification

U_1, U_2 = [[0.5, -0.25, 1], [-1, 0.5, 0.25]], [[1, -0.5], [0.25, 0.75]]
V_1, V_2 = [[0.5, -0.5], [1, 0.25], [-0.25, 0.5]], [[1, -1], [0.5, 2]]
X, Y = [[1, 0, -1], [0.5, 2, 0]], [0, 1]
A_1 = [[-0.3934693402873666, -0.7134952031398099], [-0.22119921692859512, 0.5]]
A_2 = [[-0.03672173871746165, -0.6334887374266991], [-0.4711992169285951, 0.31970019576785125]]
B_1 = [[1, 0.5], [-0.6321205588285577, 2]]
B_0 = [[0.25, 1.125, 0], [-1.3160602794142788, -0.13212055882855767, 1.1580301397071393]]
RAW = {
    "forward/0/weight": [
        [-20.25642555038869, -2.9699202217047436, 19.513945494962506],
        [-24.923463012634723, 18.819170353304838, 29.628255600960934],
    ],
    "forward/1/weight": [
        [0.03535289778208497, 0.20466915398873636],
        [-0.03535289778208496, -0.20466915398873634],
    ],
    "feedback/1/weight": [
        [55.65817619285321, -141.90297803961792],
        [153.17790640747378, -113.36714729508307],
        [-17.36369959098477, 113.56119121584716],
    ],
    "feedback/0/weight": [
        [21.833151833920887, 5.0936195429915525],
        [40.421497088156585, 29.139280860990162],
    ],
}
NORMALISED = {
    "forward/0/weight": [
        [-0.15927225700433872, 0.06043361177271961, 0.17438065994751864],
        [0.054007577808065955, 0.03432936325119303, -0.045425236995267695],
    ],
    "forward/1/weight": RAW["forward/1/weight"],
    "feedback/0/weight": [
        [-0.21629787267347308, 0.041813587489322464],
        [0.43259577225073687, 0.03592376490141126],
    ],
    "feedback/1/weight": [
        [-0.23140922487277665, -0.13386935761203092],
        [0.2536349333114199, -0.6100363408301368],
        [0.2883060797806346, 0.03944124093030654],
    ],
}


def array(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).unsqueeze(0)


def near(found: Tensor, rows: list[list[float]] | float) -> None:
    expected = torch.tensor(rows, dtype=torch.float64)
    torch.testing.assert_close(found.squeeze(0), expected, rtol=1e-12, atol=1e-14)


def tiny(**config: object) -> tuple[CounterCurrent, dict, dict[str, Tensor]]:
    rule = CounterCurrent(CounterCurrentConfig(**config))
    networks = rule.build(Mlp.build(MlpConfig(hidden=[2]), (3,), (2,), Elu()))
    values = {"forward/0": U_1, "forward/1": U_2, "feedback/0": V_2, "feedback/1": V_1}
    return rule, networks, {f"{key}/weight": array(value) for key, value in values.items()}


def test_activities_of_the_tiny_case() -> None:
    _, networks, params = tiny()
    up = networks["forward"].forward(params, array(X))
    down = networks["feedback"].forward(params, torch.eye(2, dtype=torch.float64).unsqueeze(0))
    for trace, rows in zip((*up.traces, *down.traces), (A_1, A_2, B_1, B_0)):
        near(trace.out, rows)


def test_raw_losses_and_gradients_of_the_tiny_case() -> None:
    rule, networks, params = tiny(lambda_cross=0.5)
    changes, metrics = wanted(rule, networks, params, array(X), torch.tensor([Y]), Classification(2))
    near(metrics["loss"], 0.4062828443279092)
    near(metrics["pair_loss"], 71.55137200692549)
    at_input, none, _ = raw_pair(array(X), array(B_0), torch.eye(2, dtype=torch.float64).unsqueeze(0), 0.5 * 256 / 3, need_a=False)
    assert none is None
    near(at_input, 170.8733353480229)
    near(at_input + metrics["loss"] + metrics["pair_loss"], 242.83099019927624)
    assert changes.keys() == RAW.keys()
    for key, gradient in RAW.items():
        near(-changes[key], gradient)
    for name, norm in (("forward", 51.50919588623765), ("feedback", 275.1965436913631)):
        squares = [change.square().sum() for key, change in changes.items() if key.startswith(name)]
        near(torch.stack(squares).sum().sqrt(), norm)


def test_normalised_losses_and_gradients_of_the_tiny_case() -> None:
    rule, networks, params = tiny(loss="normalised", lambda_cross=1.0, lambda_self=0.0)
    changes, metrics = wanted(rule, networks, params, array(X), torch.tensor([Y]), Classification(2))
    near(metrics["pair_loss"], 0.9507136924636735)
    eye = torch.eye(2, dtype=torch.float64).unsqueeze(0)
    near(normalised_pair(array(X), array(B_0), eye, 1.0, 0.0)[0], 1.0700191864577224)
    assert changes.keys() == NORMALISED.keys()
    for key, gradient in NORMALISED.items():
        near(-changes[key], gradient)


@pytest.mark.parametrize(
    ("widths", "total"),
    [
        ((784, 256, 256, 256, 256, 256, 10), 2.5689116236),
        ((3072, 1024, 1024, 1024, 10), 2.3442517597),
        ((3072, 1024, 1024, 1024, 100), 4.6093368527),
    ],
    ids=["mnist", "cifar10", "cifar100"],
)
def test_zero_weights_are_a_fixed_point(widths: tuple[int, ...], total: float) -> None:
    first, *hidden, classes = widths
    rule = CounterCurrent()
    networks = rule.build(Mlp.build(MlpConfig(hidden=hidden), (first,), (classes,), Elu()))
    leaves = {key: leaf for network in networks.values() for key, leaf in network.leaves.items()}
    params = {key: torch.zeros(1, *leaf.shape, dtype=torch.float64) for key, leaf in leaves.items()}
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 8, first, dtype=torch.float64, generator=generator)
    y = torch.randint(classes, (1, 8), generator=generator)
    changes, metrics = wanted(rule, networks, params, x, y, Classification(classes))
    assert changes.keys() == leaves.keys()
    assert all(torch.count_nonzero(change) == 0 for change in changes.values())
    match = torch.nn.functional.one_hot(y, classes).double()
    weight = rule.config.lambda_cross * 256 / first
    at_input = raw_pair(x, torch.zeros(1, classes, first, dtype=torch.float64), match, weight, need_a=False)[0]
    found = (metrics["loss"] + metrics["pair_loss"] + at_input).item()
    assert found == pytest.approx(total, abs=1e-10)
    assert total == pytest.approx(math.log(classes) + 128 * sum(1 / d for d in widths[:-1]) / classes, abs=1e-10)
