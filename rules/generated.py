"""What a generator makes of each class, beside the mean image of that class in the training set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from bioplaus.pictures import Findings, Images
from bioplaus.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["generated", "generated_findings"]


def generated(view: View, code: torch.Tensor) -> torch.Tensor:
    """Return generated inputs ``[R, B, *shape]`` in (0, 1) of codes ``[R or 1, B, K]``, with running means where there are norms."""
    return view.networks["generator"].forward(view.params, code, view.buffers).out.sigmoid()


def generated_findings(views: Sequence[View]) -> Findings:
    """Return correlation and mean squared error of generated image and class mean, by seed and class, and the first seed's pictures."""
    import numpy as np

    made, means = [], []
    for view in views:
        if "class_mean" not in view.state:  # a world that was never started
            return Findings()
        rows, _ = view.task.codes(view.batch.y, view.batch.x.dtype)
        made.append(generated(view, rows).double().cpu().numpy())
        means.append(view.state["class_mean"].double().cpu().numpy())
    x, mean = np.concatenate(made), np.concatenate(means)  # [S, K, *shape]
    flat, target = x.reshape(*x.shape[:2], -1), mean.reshape(*x.shape[:2], -1)
    correlation, error = _correlation(flat, target), ((flat - target) ** 2).mean(-1)
    values = {
        "generated": {
            "correlation": [[_number(one) for one in row] for row in correlation],
            "mse": [[_number(one) for one in row] for row in error],
        }
    }
    text = (
        f"generated image of a class and its mean image: correlation {np.nanmean(correlation):.4f} (lowest {np.nanmin(correlation):.4f}), "
        f"mean squared error {np.nanmean(error):.2e}"
        if np.isfinite(correlation).any()
        else "generated images of all classes are flat or not finite"
    )
    if "discriminator" in views[0].networks:
        text += "; a generator that is trained against a discriminator makes samples, not means: no measure of it"
    return Findings(values, text, _pictures(x[0], mean[0], correlation[0]))


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return Pearson's correlation over the last axis; NaN where either is flat."""
    import numpy as np

    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[Any] = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return found


def _number(value: float) -> float | None:
    return float(value) if value == value and abs(value) != float("inf") else None


def _pictures(made: NDArray[Any], means: NDArray[Any], correlation: NDArray[Any]) -> list[Images]:
    """Return the generated image above the class mean, where samples are images."""
    if made.ndim != 4:  # [K, C, H, W]
        return []
    top = [(f"{k}: {correlation[k]:.3f}", _shown(image)) for k, image in enumerate(made)]
    below = [("mean", _shown(image)) for image in means]
    note = "Above: generated from the code of each class, with its correlation to the mean training image of that class, below. First seed."
    return [Images("generated.png", "Generated images", [top, below], note)]


def _shown(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image as figures take it: grey in [-1, 1], or colours ``[H, W, 3]`` in [0, 1]."""
    found: NDArray[Any] = image.transpose(1, 2, 0) if len(image) == 3 else 2 * image.mean(0) - 1
    return found
