"""Spiking units in all their settings: activity, way back and learning decays beside a plain loop and autograd."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from plain_units import PLAIN, leaky, synaptic
from torch import Tensor

from bioplaus import registry
from bioplaus.neurons.scanned import Scanned
from bioplaus.neurons.surrogates import SURROGATES

RESETS = ("subtract", "zero", "none")
#: (model, settings of the unit, those of the loop where they are called otherwise)
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    *(("lif", {"beta": 0.9, "reset": reset, "reset_delay": delay}, {}) for reset, delay in product(RESETS, (True, False))),
    *(
        ("synaptic", {"beta": 0.8, "alpha": 0.6, "reset": reset, "reset_delay": delay, "order": order}, {})
        for reset, delay, order in product(RESETS, (True, False), ("new", "old"))
    ),
    *(("if", {"reset": reset}, {}) for reset in RESETS),
    *(
        ("alif", {"beta": 0.9, "rho": 0.95, "beta_a": 0.3, "reset": reset, "n_ref": n_ref}, {"beta": "a"})
        for reset, n_ref in (("subtract", 0), ("zero", 3), ("none", 1))
    ),
    ("izhikevich", {"cell": "ch", "gain": 12.0, "dt": 0.25}, {"cell": None, "abcd": (0.02, 0.2, -50.0, 2.0)}),
    ("srm", {"alpha": 0.7, "beta": 0.5, "alpha_r": 0.6, "weight_r": 2.0}, {}),
    *((name, {"surrogate": surrogate}, {}) for name in ("lif", "alif") for surrogate in SURROGATES),
]
cases = pytest.mark.parametrize(("name", "settings", "words"), CASES, ids=[f"{n}-{'-'.join(map(str, s.values()))}" for n, s, _ in CASES])


def draw(seed: int, shape: tuple[int, ...] = (2, 3, 60, 4)) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain(name: str, current: Tensor, settings: dict[str, Any], words: dict[str, Any]) -> tuple[Tensor, Tensor]:
    given = {words.get(key, key): value for key, value in settings.items()}
    given |= {key: value for key, value in words.items() if key not in settings}
    given.pop(None, None)
    return PLAIN[name](current, **given)


@cases
@pytest.mark.parametrize("of_membrane", [False, True])
def test_activity_and_pull_in_every_setting(name: str, settings: dict[str, Any], words: dict[str, Any], of_membrane: bool) -> None:
    if of_membrane and "n_ref" in settings and settings["n_ref"]:
        pytest.skip("read-outs have no refractory period")
    unit = registry.NEURONS.get(name)(**settings)
    unit.as_membrane = of_membrane
    current = (0.25 + 0.6 * draw(0)).requires_grad_()
    spikes, membrane = plain(name, current, settings, words)
    wanted, error = membrane if of_membrane else spikes, draw(1)
    out, cache = unit.forward(current.detach())
    torch.testing.assert_close(out, wanted.detach(), rtol=1e-12, atol=1e-12)
    assert spikes.sum() > 20
    expected = torch.autograd.grad(wanted, current, error)[0]
    torch.testing.assert_close(unit.pull(cache, error), expected, rtol=1e-9, atol=1e-10)
    if isinstance(unit, Scanned):  # what runs on other devices
        out, cache = unit._unrolled(current.detach(), {}, current.shape[2])
        torch.testing.assert_close(out, wanted.detach(), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(unit.pull(cache, error), expected, rtol=1e-9, atol=1e-10)
    elif name in ("lif", "if"):
        beta = torch.full((2,), unit.beta, dtype=torch.float64)
        assert torch.equal(unit._loop(current.detach(), beta, 60)[2], spikes.detach())
        torch.testing.assert_close(unit._loop_back(cache, error)[0], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("reset_delay", [True, False])
@pytest.mark.parametrize(("name", "order"), [("lif", "new"), ("synaptic", "new"), ("synaptic", "old")])
@pytest.mark.parametrize("constant", [False, True])
def test_learning_decays_have_the_gradient_of_autograd(name: str, order: str, reset: str, reset_delay: bool, constant: bool) -> None:
    """Each replica its own decays; the unit's numbers are their logits."""
    extra = {} if name == "lif" else {"order": order}
    unit = registry.NEURONS.get(name)(learn_tau=True, reset=reset, reset_delay=reset_delay, steps=60, **extra)
    logits = {key: torch.tensor([[start + 0.3], [start - 0.8]], dtype=torch.float64).requires_grad_() for key, start in unit.parameters.items()}
    beta, *alpha = (torch.sigmoid(value).view(2, 1, 1) for value in logits.values())
    current = 0.2 + 0.3 * draw(2, (2, 3, 1 if constant else 60, 4))
    repeated = current.expand(2, 3, 60, 4)
    loop = leaky if name == "lif" else synaptic
    settings = {"reset": reset, "reset_delay": reset_delay, "beta": beta, **({"alpha": alpha[0], **extra} if alpha else {})}
    spikes, _ = loop(repeated, **settings)
    assert spikes.sum() > 20
    expected = torch.autograd.grad(spikes, list(logits.values()), draw(3))
    out, cache = unit.forward(current, {key: value.detach() for key, value in logits.items()})
    assert torch.equal(out, spikes.detach())
    found = unit.changes(cache, draw(3))
    for key, value in zip(logits, expected):
        torch.testing.assert_close(found[key], value, rtol=1e-9, atol=1e-10)


def test_decays_start_where_the_settings_put_them() -> None:
    unit = registry.NEURONS.get("synaptic")(learn_tau=True, tau_mem=10.0, tau_syn=5.0)
    found = {key: torch.sigmoid(torch.tensor(value, dtype=torch.float64)) for key, value in unit.parameters.items()}
    assert float(found["leak"]) == pytest.approx(0.904837418, rel=1e-8)  # exp(-1/10)
    assert float(found["synaptic_leak"]) == pytest.approx(0.818730753, rel=1e-8)  # exp(-1/5)
