"""Statistical mechanics beside the simulation: equations of state, exact small systems, Monte Carlo.

Nothing here knows rules, networks or neurons; functions take numbers and return numbers.
"""
