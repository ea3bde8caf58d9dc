"""Checks that do not hold for a rule or a network that came with the program, each with its reason: a written reason is the only way out."""

from __future__ import annotations

from bioplaus.testing.benches import PIXELS

__all__ = ["ABOUT_NORM", "EXEMPT"]

#: the check that is about nothing but normalisation
ABOUT_NORM = "running_means_move_in_training_only"
_NOISE = "feedback learns from noise drawn per sample: a batch in another order, or twice as long, meets other noise"

#: (rule, rule-option, network or "rule on network"; check) -> why the check does not hold for it
EXEMPT: dict[tuple[str, str], str] = {
    # errors sent down through other weights
    # targets sent down
    **{
        (rule, test): _NOISE
        for rule in ("dtp", "drl", "ldrl")
        for test in ("the_order_within_a_batch_does_not_matter", "the_size_of_a_change_does_not_grow_with_the_batch")
    },
    ("fwdtp-batch", "the_size_of_a_change_does_not_grow_with_the_batch"): "an unbiased standard deviation depends on the number of samples",
    ("fwdtp", "running_means_move_in_training_only"): (
        "an autoencoder starts with outputs of exactly 0, of which fixed feedback makes means of 0; tests/rules/test_fwdtp.py has the mlp"
    ),
    # two phases of one network
    ("ff", "the_order_within_a_batch_does_not_matter"): "a wrong label is drawn for each place in the batch",
    ("ff", "the_size_of_a_change_does_not_grow_with_the_batch"): "two copies of a sample get wrong labels of their own",
    # errors in apical dendrites
    ("microcircuit-random", "the_loss_falls_on_separable_clouds"): (
        "a circuit that does not predict itself takes feedback for errors; tests/rules/test_microcircuit.py lets it learn to, first"
    ),
    # one set of synapses, two directions
    **{(f"{rule}-bp", ABOUT_NORM): "the way down stands still, and its running means with it" for rule in PIXELS},
    ("han", "the_size_of_a_change_does_not_grow_with_the_batch"): "two copies of a sample stand beside two generated ones, of other noise",
    # one task after the other
    **{
        ("vcl_binary", test): "the current of each sample has noise of its own: a batch in another order, or twice as long, meets other noise"
        for test in ("the_order_within_a_batch_does_not_matter", "the_size_of_a_change_does_not_grow_with_the_batch")
    },
    # Hebbian
    ("multitasking", "the_size_of_a_change_does_not_grow_with_the_batch"): "Hebb's sum adds up examples",
    ("multitasking", ABOUT_NORM): "it has no normalisation; tests/rules/test_multitasking.py has its counter",
    ("spiking", ABOUT_NORM): "it has no normalisation",
    ("spike_times", ABOUT_NORM): "it has no normalisation",
    # spikes alone
    ("diehl_cook", ABOUT_NORM): "its running arrays are thresholds and responses by class; tests/rules/test_diehl_cook.py has them",
    ("neurosim", ABOUT_NORM): "it has no normalisation and nothing that runs",
    ("cascade", ABOUT_NORM): "it has no normalisation",
    ("dann", ABOUT_NORM): "it has no normalisation",
    ("memristor", ABOUT_NORM): "it refuses normalisation",
    ("microcircuit", ABOUT_NORM): "it refuses normalisation",
    ("vcl_binary", ABOUT_NORM): "it refuses normalisation; its running temperature is set, not averaged",
    **{
        (f"{rule} on spiking", "the_loss_falls_on_separable_clouds"): (
            f"few excitatory cells do not tell the clouds apart in 8 steps, learning or not; tests/rules/test_{rule}.py has the changes"
        )
        for rule in ("stdp", "rstdp")
    },
    **{
        (network, test): "images are shown one after the other: a later one finds what earlier ones left"
        for network in ("diehl_cook", "neurosim")
        for test in ("the_order_within_a_batch_does_not_matter", "the_size_of_a_change_does_not_grow_with_the_batch")
    },
    ("multitasking", "the_loss_falls_on_separable_clouds"): (
        "the loss is an energy over a constant of its own; tests/rules/test_multitasking.py has recall"
    ),
}
