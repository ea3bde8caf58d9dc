"""Plasticity: how a wanted change becomes a real one. Optimisers (sgd, adam, adamw, rmsprop, sign), synapses, clipping, schedules."""
