"""Table 2 of the counter-current paper: floating-point operations of one training step per sample, batch 32."""

from __future__ import annotations

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM", "count"]

#: data, rule, million FLOPs as published, exact count by the closed form
ROWS = (
    ("mnist", "bp", 2.39, 2.39104),
    ("mnist", "ccl", 2.55, 2.551552),
    ("cifar10", "bp", 25.23, 25.227264),
    ("cifar10", "ccl", 27.89, 27.88608),
)
SHAPES = {"mnist": ((1, 28, 28), [256] * 5), "cifar10": ((3, 32, 32), [1024] * 3)}


def count(rule: str, shape: tuple[int, ...], hidden: list[int], batch: int = 32) -> float:
    """Return the FLOPs per sample that torch counts in one step of a rule on random samples of this shape, 10 classes."""
    import torch

    from bioplaus import registry
    from bioplaus.flops import flops_per_sample
    from bioplaus.networks.mlp import Mlp, MlpConfig
    from bioplaus.neurons.smooth import Elu
    from bioplaus.plasticity.sgd import Sgd
    from bioplaus.streams import Streams
    from bioplaus.tasks import Classification
    from bioplaus.view import Batch
    from bioplaus.world import Model, new_world

    made = registry.RULES.get(rule)()
    networks = made.build(Mlp.build(MlpConfig(hidden=hidden), shape, (10,), Elu()))
    groups = made.groups(networks)
    rates = {name: torch.tensor([1.0]) for name in groups}
    model = Model(made, networks, groups, rates, Sgd(), Classification(10), Streams((0,)))
    samples = Batch(torch.randn(1, batch, *shape), torch.randint(0, 10, (1, batch)))
    return flops_per_sample(model, new_world(model), samples)


def _run(quick: bool, folder: str) -> Report:
    rows = []
    for data, rule, published, exact in ROWS:
        found = count(rule, *SHAPES[data]) / 1e6
        rows.append(
            Measurement(
                f"{rule}, {data}", f"{published} (exactly {exact})", round(found, 9), reached=abs(found - exact) < 5e-10
            )
        )
    return Report("million FLOPs per sample and step", tuple(rows))


CLAIM = Claim(
    name="ccl_flops",
    title="Cost of a training step, batch 32",
    source="Kao & Hariharan 2024, table 2",
    target="MNIST 2.39 (BP), 2.55 (CCL); CIFAR-10 25.23, 27.89 million",
    cost="2 s",
    quick_cost="the same",
    run=_run,
)
