"""Coincident pulse trains, noise, Tiki-Taka, on dense and convolutional connections."""

from __future__ import annotations

import pytest
import torch
from memristor_kit import LINEAR, Leaf, drawn

from bioplaus.changes import Outer
from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.plasticity.memristive.coincidence import Coincidence

FINE = ["nl_up=0", "nl_down=0", "cycle_noise=0", "pulses_up=1e9", "pulses_down=1e9"]


def signed_counts(leaf: Leaf, change: Outer, rate: float) -> torch.Tensor:
    """Return pulses up less pulses down of a fresh write, on a device so fine that no bound is met."""
    before = leaf.g("g")
    leaf.write(change, rate)
    return (leaf.g("g") - before) * 1e9


@pytest.mark.parametrize("strength", [0.4, 6.0], ids=["short trains", "long trains"])
def test_the_mean_of_coincidences_is_the_wanted_change(strength: float) -> None:
    """lr x delta / dw_min per sample where nothing is clipped, within four standard errors (the variance of a slot is at most its mean)."""
    pre, post = drawn(1, 3, 4).clamp(-1.5, 1.5), drawn(1, 3, 2, seed=1).clamp(-1.5, 1.5)
    connection, repeats = DenseConnection((4,), (2,)), 1500
    leaf = Leaf(drawn(1, 2, 4), changes=FINE, pulses="stochastic", cell="single", headroom=20.0)
    dw = 2e-9 * float(leaf.scale)
    total = torch.zeros(1, 2, 4, dtype=torch.float64)
    for _ in range(repeats):
        total += signed_counts(leaf, Outer(connection, ((pre, post),)), strength * dw)
    products = strength * torch.einsum("rbi,rbj->rbji", pre, post)
    error = (products.abs().sum(1) / repeats).sqrt()
    assert bool(((total / repeats - products.sum(1)).abs() < 4 * error + 1e-6).all())
    assert float((total / repeats).abs().max()) > 10 * float(error.max())


def test_both_sides_fire_alike_and_trains_are_no_longer_than_needed() -> None:
    """Update management makes the largest probabilities of both sides equal; BL = ceil(s max|x| max|d|), at most 31; k_x k_d BL = s."""
    pre, post = drawn(2, 5, 4), 0.01 * drawn(2, 5, 3, seed=1)
    strength = torch.tensor([50.0, 1e6], dtype=torch.float64)
    p_x, p_d, slots = Coincidence((1.0, 1.0)).probabilities(pre, post, strength)
    needed = strength.view(2, 1) * pre.abs().amax(2) * post.abs().amax(2)
    assert torch.equal(slots, needed.ceil().clamp(max=31))
    torch.testing.assert_close(p_x.amax(2), p_d.amax(2))
    product = p_x.unsqueeze(2) * p_d.unsqueeze(3) * slots.view(2, 5, 1, 1)
    torch.testing.assert_close(product[0], (50 * pre.abs().unsqueeze(2) * post.abs().unsqueeze(3))[0])
    assert float(p_x[1].max()) == 1


def test_a_synapse_is_pulsed_only_where_both_of_its_cells_are_active() -> None:
    pre, post = drawn(1, 6, 4), drawn(1, 6, 3, seed=1)
    pre[..., 1], post[..., 2] = 0, 0
    leaf = Leaf(drawn(1, 3, 4), device="epiram", pulses="stochastic")
    start = leaf.weight.clone()
    for _ in range(10):
        leaf.write(Outer(DenseConnection((4,), (3,)), ((pre, post),)), 0.3)
    moved = (leaf.weight != start)[0]
    assert not moved[:, 1].any()
    assert not moved[2].any()
    assert int(moved.sum()) == 6


@pytest.mark.parametrize("settings", [{"device": "epiram", "update": "bi"}, {"device": "ecram", "cell": "single"}, {"device": "pcm"}], ids=str)
def test_no_synapse_feels_another_ones_signals(settings: dict[str, str]) -> None:
    """What moves one synapse is its own wanted change and state; noise aside, whatever the others do."""
    one, other = (Leaf(drawn(1, 3, 4), noise=0.0, **settings) for _ in range(2))
    change = drawn(1, 3, 4, seed=5)
    strange = 3 * drawn(1, 3, 4, seed=6)
    strange[0, 1, 2] = change[0, 1, 2]
    for _ in range(3):
        one.write(change, 0.3)
        other.write(strange, 0.3)
    assert float(one.weight[0, 1, 2]) == float(other.weight[0, 1, 2])
    assert not torch.equal(one.weight, other.weight)


def test_convolutions_count_coincidences_over_positions() -> None:
    """On the mean over repeats the pulses are those of `correlate`; borders and strides included."""
    connection = conv()
    pre, post = drawn(1, 2, *connection.in_shape).clamp(-1.5, 1.5), drawn(1, 2, *connection.out_shape, seed=1).clamp(-1.5, 1.5)
    leaf = Leaf(drawn(1, *connection.weight_shape), changes=FINE, pulses="stochastic", cell="single", headroom=20.0)
    dw, repeats = 2e-9 * float(leaf.scale), 600
    total = torch.zeros(1, *connection.weight_shape, dtype=torch.float64)
    for _ in range(repeats):
        total += signed_counts(leaf, Outer(connection, ((pre, post),)), 0.5 * dw)
    mean, size = 0.5 * connection.correlate(pre, post), 0.5 * connection.correlate(pre.abs(), post.abs())
    # within one sample the slots of a unit are shared by all of its synapses, so that counts vary a little more than independent ones
    assert bool(((total / repeats - mean).abs() < 6 * (size / repeats).sqrt() + 1e-6).all())


def conv() -> Conv2dConnection:
    """Return a strided convolution."""
    return Conv2dConnection(in_shape=(2, 5, 5), channels=3, kernel=3, stride=2)


def test_noise_grows_with_the_root_of_pulses_and_writes() -> None:
    """n pulses k times from the middle of a linear device: variance sigma^2 n k."""
    changes = ["nl_up=0", "nl_down=0", "cycle_noise=0.01", "pulses_up=1e6", "pulses_down=1e6"]
    leaf = Leaf(torch.ones(1, 100, 100, dtype=torch.float64), changes=changes, cell="single", headroom=1e6)
    n, k = 9, 4
    before = leaf.g("g")
    for sign in (1, -1, 1, -1):
        leaf.write(torch.full((1, 100, 100), sign * n * 2e-6, dtype=torch.float64) * leaf.scale)
    moved = (leaf.g("g") - before).flatten()
    expected = 0.01**2 * n * k
    assert float(moved.var()) == pytest.approx(expected, rel=5 * (2 / 10_000) ** 0.5)
    assert abs(float(moved.mean())) < 5 * (expected / 10_000) ** 0.5


def test_every_single_pulse_of_a_stepwise_device_has_its_own_noise() -> None:
    """n multiplicative steps of a constant-step device: variance n (sigma dw)^2, mean n dw."""
    changes = ["dw_spread=0", "w_min_spread=0", "w_max_spread=0", "up_down_spread=0"]
    leaf = Leaf(torch.ones(1, 100, 100, dtype=torch.float64), device="gokmen_vlasov", changes=changes, cell="single", headroom=1e6)
    before = leaf.g("g")
    leaf.write(torch.full((1, 100, 100), 80 * 0.0016, dtype=torch.float64) * leaf.scale)
    moved = (leaf.g("g") - before).flatten() * 2 / 0.0016
    assert float(moved.mean()) == pytest.approx(80, abs=5 * 0.3 * 80**0.5 / 100)
    assert float(moved.var()) == pytest.approx(80 * 0.3**2, rel=5 * (2 / 10_000) ** 0.5)


def test_write_noise_is_seen_but_not_stored() -> None:
    ones = torch.ones(1, 50, 50, dtype=torch.float64)
    leaf = Leaf(ones, device="reram_sb", cell="single", variation=0.0, changes=["cycle_noise=0"], headroom=1.0)
    expected = 56 * 0.002 / 2  # in g; the weight is 2 g - 1
    spread = (leaf.weight / leaf.scale - (2 * leaf.g("g") - 1)).std() / 2
    assert float(spread) == pytest.approx(expected, rel=0.08)
    assert float(leaf.g("g").std()) == 0
    seen, start = leaf.weight.clone(), leaf.g("g")
    change = torch.zeros(1, 50, 50, dtype=torch.float64)
    change[0, :10] = -0.01
    leaf.write(change)
    assert bool((leaf.weight != seen)[0, :10].all())
    assert torch.equal(leaf.weight[0, 10:], seen[0, 10:])
    assert torch.equal(leaf.g("g")[0, 10:], start[0, 10:])


def test_read_noise_is_fresh_at_every_write_and_relative_to_the_current() -> None:
    """At w = -scale the device is at Gmin: its current, and hence the noise, is that of r = Gmin/(Gmax - Gmin)."""
    leaf = Leaf(-torch.ones(1, 60, 60, dtype=torch.float64), changes=LINEAR, read_noise=0.05, on_off=5.0, cell="single", headroom=1.0)
    nothing = torch.zeros(1, 60, 60, dtype=torch.float64)
    reads = [leaf.write(nothing).clone() for _ in range(2)]
    assert not torch.equal(*reads)
    for read in reads:
        assert float((read / leaf.scale).std()) == pytest.approx(2 * 0.05 * 0.25, rel=0.06)


def test_tiki_gathers_about_the_symmetry_point_and_hands_over_column_by_column() -> None:
    """EcRam: the symmetry point is w = 0, g = 0.8276/2. A pulse up counts dw_min; a column's value goes to C, right on average."""
    leaf = Leaf(0.1 * drawn(1, 40, 3), device="ecram", noise=0.0, variation=0.0, update="tiki", transfer_every=2, headroom=40.0)
    torch.testing.assert_close(leaf.g("A"), torch.full((1, 40, 3), 0.4138, dtype=torch.float64), rtol=0, atol=1e-9)
    start, slow = leaf.weight.clone(), leaf.g("C")
    dw = 0.002 * float(leaf.scale)
    leaf.write(torch.full((1, 40, 3), 10.3 * dw, dtype=torch.float64))
    rise = (leaf.g("A") - 0.4138) * 1000
    assert float(rise.min()) == pytest.approx(10, abs=0.1)
    assert torch.equal(leaf.weight, start)
    leaf.write(torch.zeros(1, 40, 3, dtype=torch.float64))
    moved = leaf.g("C") - slow
    assert bool((moved[..., 0] != 0).all())
    assert not moved[..., 1:].any()
    assert int(leaf.state["column"]) == 1
    for _ in range(4):
        leaf.write(torch.zeros(1, 40, 3, dtype=torch.float64))
    assert bool((leaf.g("C") != slow).all())
    assert int(leaf.state["column"]) == 0
    assert float((leaf.weight - start).mean()) == pytest.approx(10 * dw, rel=0.1)


def test_a_change_that_is_whole_is_refused_by_coincidence() -> None:
    leaf = Leaf(drawn(1, 3, 4), pulses="stochastic")
    with pytest.raises(ConfigError, match="count or sign"):
        leaf.write(drawn(1, 3, 4))
