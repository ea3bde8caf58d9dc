"""The network of Diehl & Cook 2015, compiled.

Nothing here knows rules, layers or worlds: images or spikes come in as arrays, spike counts come out, and all that changes is named arrays.
"""
