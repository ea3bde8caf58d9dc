"""What a rule declares about weight transport, measured: activity is replayed while one synapse of the forward network is changed.

Every `Connection.send` returns what it returned in the recorded pass, so that a changed weight can reach a wanted change by no activity. If some
*other* synapse's wanted change still moves, by a single bit, that synapse has read a forward weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from conformance_kit import Case, Run, build, cases, drain, each
from torch import Tensor

from bioplaus.connections import Connection


def connections(run: Run) -> list[Connection]:
    """Every connection of every network of the rule."""
    return [layer.connection for network in run.model.networks.values() for layer in network.layers]


@contextmanager
def patched(run: Run, make: Any) -> Iterator[None]:
    """Replace `send` of every connection by what ``make(position, send)`` returns."""
    found = connections(run)
    for i, connection in enumerate(found):
        connection.send = make(i, connection.send)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for connection in found:
            del connection.send  # type: ignore[method-assign]


def recorded(run: Run) -> tuple[dict[str, Tensor], list[list[Tensor]]]:
    """Return what the rule wants, and what each connection sent, call by call."""
    tapes: list[list[Tensor]] = [[] for _ in connections(run)]

    def make(i: int, send: Any) -> Any:
        def taped(w: Tensor, pre: Tensor) -> Tensor:
            current = send(w, pre)
            tapes[i].append(current.clone())
            return current

        return taped

    with patched(run, make):
        wanted, _ = drain(run)
    return wanted, tapes


def replayed(run: Run, tapes: list[list[Tensor]]) -> dict[str, Tensor]:
    """Return what the rule wants when its connections send what was recorded, whatever their weights."""

    def make(i: int, send: Any) -> Any:
        calls = iter(tapes[i])
        return lambda w, pre: next(calls).clone()

    with patched(run, make):
        return drain(run)[0]


def moved_elsewhere(run: Run) -> list[str]:
    """Return the changes that move when one forward synapse does which is not their own."""
    wanted, tapes = recorded(run)
    again = replayed(run, tapes)
    assert all(torch.equal(wanted[key], again[key]) for key in wanted), "the replay itself moves the changes"
    found = []
    for layer in run.model.networks["forward"].layers:
        changed = run.with_world(run.world.copy())
        weight = changed.world.params[layer.weight]
        one = (slice(None), *[0] * (weight.dim() - 1))
        weight[one] += 0.75
        for key, value in replayed(changed, tapes).items():
            differs = value != wanted[key]
            if key.endswith(f"|{layer.weight}"):
                differs[one] = False
            if differs.any():
                found.append(f"{layer.weight} -> {key}")
    return found


@each()
def test_weight_transport_is_as_declared(case: Case, network: str, replicas: int) -> None:
    run = build(case, network, replicas)
    found = moved_elsewhere(run)
    if run.model.rule.statement().weight_transport:
        assert found, "declares weight transport, yet no change reads a foreign forward weight"
    else:
        assert not found, f"declares no weight transport, yet {found}"


def test_the_audit_has_teeth() -> None:
    """Backpropagation reads each weight above the first one for the layers below it: all of them are named, and nothing else."""
    run = build(Case("bp"), "mlp")
    names = {("forward/1", "forward/0"), ("forward/2", "forward/1"), ("forward/2", "forward/0")}
    leaves = ("weight", "bias")
    expected = {f"{above}/weight -> forward|{below}/{leaf}" for above, below in names for leaf in leaves}
    assert set(moved_elsewhere(run)) == expected


@pytest.mark.parametrize("case", [case for case in cases() if not case.option], ids=str)
def test_the_statement_of_plausibility_is_made(case: Case) -> None:
    run = build(case, "mlp")
    stated = run.model.rule.plausibility
    for points in (stated.honoured, stated.violated):
        assert isinstance(points, tuple) and points and all(isinstance(p, str) and p.strip() for p in points)
    assert run.model.rule.reference
