"""A permutation of n-bit words and its inverse, held exactly by one set of synapses between threshold cells.

Words are rows of +1 and -1. The hidden cell of word x has the weights x to the inputs and p(x) to the outputs, and fires if all signs agree::

    upwards      h_j = [x . x_j > n - 1],     y = sign(sum_j h_j p(x_j))
    downwards    h_j = [y . p(x_j) > n - 1],  x = sign(sum_j h_j x_j)

Two different words agree in at most n - 1 signs, which adds up to at most n - 2, so exactly one cell fires in either direction. 2^n hidden cells
do it for every permutation; each one that is taken away costs its own pair of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bioplaus.experiments.claims import Claim, Measurement, Report

if TYPE_CHECKING:
    from torch import Tensor

    from bioplaus.network import Network

__all__ = ["CLAIM", "right", "threshold_network", "words"]

#: bits -> permutations tried: all of them up to two bits, then so many random ones
TRIED = {1: None, 2: None, 3: 200, 4: 100, 6: 20, 8: 5}
QUICK = {1: None, 2: None, 3: 20, 4: 5}


def words(n: int) -> Tensor:
    """Return all words of n signs, ``[2^n, n]``."""
    import torch

    bits = torch.arange(2**n).unsqueeze(1) >> torch.arange(n)
    return (bits & 1).double() * 2 - 1


def threshold_network(images: Sequence[int], n: int, kept: int | None = None) -> tuple[Network, Network, dict[str, Tensor]]:
    """Return the network, its way back over the same synapses, and their arrays, for the permutation that takes word i to word images[i].

    Parameters
    ----------
    images
        A permutation of 0 .. 2^n - 1.
    n
        Bits of a word.
    kept
        How many of the hidden cells there are; all by default.
    """
    import torch

    from bioplaus.connections import DenseConnection
    from bioplaus.layer import Layer
    from bioplaus.network import Network
    from bioplaus.neurons.threshold import Sign, Step

    word, order = words(n), torch.as_tensor(images)
    cells = 2**n if kept is None else kept
    up = Network(
        "forward",
        (n,),
        [
            Layer("forward/0", DenseConnection((n,), (cells,)), Step(), bias=True),
            Layer("forward/1", DenseConnection((cells,), (n,)), Sign(), bias=True),
        ],
    )
    threshold = torch.full((1, cells), 1.0 - n, dtype=word.dtype)
    params = {
        "forward/0/weight": word[:cells].unsqueeze(0),
        "forward/0/bias": threshold,
        "forward/1/weight": word[order][:cells].T.unsqueeze(0),
        "forward/1/bias": word.new_zeros(1, n),
        "generator/0/bias": threshold,
        "generator/1/bias": word.new_zeros(1, n),
    }
    return up, up.transposed("generator", Sign()), params


def right(images: Sequence[int], n: int, kept: int | None = None) -> tuple[int, int]:
    """Return for how many of the 2^n words the network gives the image, and for how many images its way back gives the word, by trying all."""
    import torch

    up, down, params = threshold_network(images, n, kept)
    word = words(n)
    image = word[torch.as_tensor(images)]
    there = (up.forward(params, word.unsqueeze(0)).out[0] == image).all(1)
    back = (down.forward(params, image.unsqueeze(0)).out[0] == word).all(1)
    return int(there.sum()), int(back.sum())


def _permutations(n: int, tried: int | None) -> Any:
    import itertools

    import numpy as np

    if tried is None:
        return list(itertools.permutations(range(2**n)))
    draw = np.random.default_rng(n)
    return [draw.permutation(2**n).tolist() for _ in range(tried)]


def _run(quick: bool, folder: str) -> Report:
    rows = []
    for n, tried in (QUICK if quick else TRIED).items():
        orders = _permutations(n, tried)
        wrong = sum(2 * 2**n - sum(right(order, n)) for order in orders)
        fewer = right(orders[-1], n, 2**n - 1)
        rows.append(
            Measurement(
                f"{n} bit{'s' * (n > 1)}, {2**n} hidden cells: words wrong in either direction",
                "0",
                float(wrong),
                reached=None if quick else wrong == 0,
                note=f"{'all' if tried is None else 'random'} {len(orders)} permutations, {2**n} words each way; with one cell less "
                f"{fewer[0]} and {fewer[1]} of {2**n} words are right",
            )
        )
    return Report("words", tuple(rows))


CLAIM = Claim(
    name="bidirectional_permutation",
    title="A permutation of n-bit words and its inverse in one set of synapses between threshold cells",
    source="Adigun & Kosko 2020, IEEE Trans. Syst. Man Cybern. Syst. 50:1982 (cited from memory, not checked)",
    target="2^n hidden threshold cells represent any permutation and, run backwards, its inverse: no word wrong",
    cost="5 s",
    quick_cost="2 s",
    run=_run,
)
