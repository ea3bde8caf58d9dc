"""Probes: what is measured of a network while it learns, without disturbing it.

==========  ================================================  =================================
module      metrics                                           question
==========  ================================================  =================================
angle       angle_to_bp, norm_ratio_to_bp ``[R, layers]``     does the rule follow the gradient?
feedback    feedback_cosine ``[R, layers]``                   have feedback and forward weights aligned?
cka         cka ``[R, layers]``                               do paired populations carry the same geometry?
updates     update_ratio ``[R, layers]``                      how far does one batch move the weights?
dead        dead_share ``[R, layers]``                        which share of the hidden units says nothing?
spikes      firing_rate, silent_share, saturated_share        how much does a spiking network fire?
            ``[R, layers]``, tie_fraction,
            synaptic_operations ``[R]``
==========  ================================================  =================================

`observe` (bioplaus.probes.observe) learns one batch on a copy of the world and gives an `Observation`; every
`Probe` (bioplaus.probes.base) reads the same one. Importing the package imports no torch.
"""
