"""PGD-40 on the margin beside foolbox and beside a plain loop in PyTorch: MNIST, the 10,000 test images, 784-16-16-10, float64.

``BIOPLAUS_DATA=DIR python benchmarks/robustness.py --rounds 3 --threads 2``

All three take 40 steps of the same length from the images themselves, in chunks of 500. Where foolbox is installed (``pip install foolbox``) its
attack gets the same weights as a `torch.nn.Sequential` and our loss as a subclass, for it has none on the margin; it judges
where the way ends.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from common import alternate, machine, report
from torch import Tensor, nn

from bioplaus import simulate
from bioplaus.robustness.attacks import REACH, box, pgd
from bioplaus.robustness.measure import Part, parts

STEPS = 40
#: FC2 of bidirectional learning, trained by backprop for some seconds
NET = {
    "rule": "bp",
    "data": "mnist",
    "data.standardise": "none",
    "neuron": "sigmoid",
    "network.hidden": [16, 16],
    "network.norm": "none",
    "network.bias": True,
    "plasticity": "adam",
    "rule.lr": 0.01,
    "epochs": 3,
    "probes": [],
    "run.save": False,
}


def in_torch(layers: list[tuple[Tensor, Tensor]]) -> nn.Sequential:
    """Return the network as anybody would write it."""
    made: list[nn.Module] = [nn.Flatten()]
    for weight, bias in layers:
        linear = nn.Linear(*weight.T.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = weight, bias
        made += [linear, nn.Sigmoid()]
    return nn.Sequential(*made[:-1]).eval()


def margin(z: Tensor, y: Tensor) -> Tensor:
    """Return the best wrong logit less the right one."""
    own = nn.functional.one_hot(y, z.shape[-1]).bool()
    return z.masked_fill(own, -torch.inf).amax(-1) - z[own]


def plain(net: nn.Module, x: Tensor, y: Tensor, eps: float) -> float:
    """Return the share of images that survive a loop over autograd."""
    low, high = box(x, eps)
    here, broken = x.clone(), torch.zeros(len(x), dtype=torch.bool)
    for step in range(STEPS + 1):
        here.requires_grad_()
        z = net(here)
        broken |= z.argmax(-1) != y
        if step < STEPS:
            slope = torch.autograd.grad(margin(z, y).sum(), here)[0]
            here = torch.clamp(here.detach() + REACH * eps / STEPS * slope.sign(), low, high)
    return float((~broken).double().mean())


def in_foolbox(net: nn.Module, x: Tensor, y: Tensor, eps: float) -> Callable[[], float] | None:
    """Return foolbox's attack; None where it is not installed."""
    try:
        import eagerpy as ep
        from foolbox import PyTorchModel
        from foolbox.attacks import LinfProjectedGradientDescentAttack
    except ImportError:
        return None

    class OnMargin(LinfProjectedGradientDescentAttack):  # type: ignore[misc]
        def get_loss_fn(self, model: Any, labels: Any) -> Callable[[Any], Any]:
            return lambda inputs: ep.astensor(margin(model(inputs).raw, labels.raw).sum())

    model = PyTorchModel(net, bounds=(0, 1), device="cpu")
    attack = OnMargin(rel_stepsize=REACH / STEPS, steps=STEPS, random_start=False)

    def run() -> float:
        images = torch.cat([attack.run(model, a, b, epsilon=eps) for a, b in zip(x.split(500), y.split(500))])
        return float((net(images).argmax(-1) == y).double().mean())

    return run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--eps", type=float, nargs="+", default=[0.3, 0.03])
    words = parser.parse_args()
    torch.set_num_threads(words.threads)
    result = simulate(NET)
    pack = result.simulator.packs[0]
    some = list(parts(result.simulator, pack, words.images))
    arrays = {key: torch.from_numpy(value).double() for key, value in result.parameters(seed=0).items()}
    net = in_torch([(arrays[f"forward/{i}/weight"], arrays[f"forward/{i}/bias"]) for i in range(3)])
    print(machine(), f"\n\ntest accuracy {result.summary['test_accuracy']['mean']:.4f}\n")
    for eps in words.eps:
        measure(eps, some, net, words.rounds)


def measure(eps: float, some: list[Part], net: nn.Module, rounds: int) -> None:
    """Time all candidates at one eps and print what they leave standing."""
    x, y = torch.cat([part.x[0] for part in some]), torch.cat([part.y[0] for part in some])

    def ours() -> float:
        return float(torch.cat([~pgd(p.victim, p.x, p.y, eps, STEPS, [None]).broken for p in some], 1).double().mean())

    def looped() -> float:
        return sum(plain(net, a, b, eps) * len(a) for a, b in zip(x.split(500), y.split(500))) / len(x)

    candidates: dict[str, Callable[[], float]] = {"ours": ours, "PyTorch autograd, plain loop": looped}
    if other := in_foolbox(net, x, y, eps):
        candidates["foolbox, margin by a subclass"] = other
    found: dict[str, float] = {}

    def noted(name: str, run: Callable[[], float]) -> Callable[[], None]:
        def once() -> None:
            found[name] = run()

        return once

    times = alternate({name: noted(name, run) for name, run in candidates.items()}, rounds, time.process_time)
    print(report(f"PGD-{STEPS}, {len(x):,} images, eps = {eps:g}", times, "ours"))
    print("\nleft:", ", ".join(f"{share:.4f} ({name})" for name, share in found.items()), "\n")


if __name__ == "__main__":
    main()
