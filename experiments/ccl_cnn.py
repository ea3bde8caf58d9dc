"""Table 3 of the counter-current paper, CIFAR-10: the convolutional network, small on a CPU, whole on a GPU."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]

#: rule, published accuracy in % and half the width of what counts as reached
ROWS = (("ccl", 82.94, 2.0), ("bp", 87.12, 3.0))
FULL: dict[str, Any] = {"data": "cifar10", "network": "cnn5", "probes": [], "seeds": 5, "device": "cuda"}
#: a quarter of the channels, 4,000 images; the warm-up shortened tenfold, since the whole run is so short
SMALL: dict[str, Any] = {
    "data": "cifar10", "network": "cnn5", "network.channels": [32, 32, 64, 64, 128], "data.limit": 4000, "epochs": 10, "seeds": 2,
    "probes": [], "threads": 1,
}  # fmt: skip
WARMUP = {"ccl": 10, "bp": 20}
_QUICK: dict[str, Any] = {"network.channels": [4, 4, 4, 8, 8], "data.limit": 256, "epochs": 1}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.costly import is_there, not_run
    from bioplaus.experiments.rows import accuracy_row

    rows: list[Measurement] = []
    for rule, published, _ in ROWS:
        small = {"rule": rule, **SMALL, "plasticity.warmup": WARMUP[rule], **(_QUICK if quick else {})}
        rows.append(accuracy_row(f"{rule}, small", small, folder, f"no figure at this size ({published} in full)"))
    for rule, published, near in ROWS:
        full, name, target = {"rule": rule, **FULL}, f"{rule}, published size and settings", f"{published} +- {near:g}"
        if quick or not is_there(full, folder):
            rows.append(not_run(name, target, full, "ccl_cnn", "500 epochs of 45,000 images in all, for a GPU"))
        else:
            rows.append(accuracy_row(name, full, folder, target, low=published - near, high=published + near))
    return Report("% test accuracy", tuple(rows), remarks=_REMARKS)


_REMARKS = (
    "Data: CIFAR-10 (JPEG), a JPEG copy; the paper used the images as published.",
    "Both rules as published: ccl with rate 1, momentum 0.8, weight decay 1e-6, clip 0.3 per network, flooding 0.1, normalised loss with self "
    "terms, batch 128; bp with rate 0.03, momentum 0.5, weight decay 1e-5, batch 256, batch norm without gain or shift before every "
    "convolution; both with gradient centralisation, warm-up of the change, a cosine to 0.001, flips and crops, colours scaled as for ImageNet.",
    f"Small: channels {', '.join(map(str, SMALL['network.channels']))}, {SMALL['data.limit']:,} images, {SMALL['epochs']} epochs, warm-up "
    f"{WARMUP['ccl']} and {WARMUP['bp']} steps. It shows that the pieces work together; it says nothing about the published figures nor about "
    "which of the two is better, since ccl makes twice the updates of bp in an epoch and neither has finished learning.",
)

CLAIM = Claim(
    name="ccl_cnn",
    title="CCL and backprop on CIFAR-10 (JPEG copy), five convolutions",
    source="Kao & Hariharan 2024, table 3",
    target="CCL 82.94 +- 2, BP 87.12 +- 3 in full size, which needs a GPU; small on a CPU nothing to reach",
    cost="6 min on one core (small); hours on a GPU (full)",
    quick_cost="40 s",
    run=_run,
)
