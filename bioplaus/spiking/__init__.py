"""Compiled spiking networks with local learning.

Nothing here knows rules, layers or worlds: images or spikes come in as arrays, spike counts come out, and all that changes is named arrays.
"""
