"""Compiled dynamics of networks of Ising neurons, many chains at a time.

Nothing here knows rules, layers or worlds: vectors or couplings and states come in as arrays, states and traces come out.
"""
