"""``bioplaus theory NAME``: what theory says, beside what a simulation shows, as numbers, words and a figure.

One module per theory; each asks the solvers of `bioplaus.theory` and draws nothing itself.
``bioplaus device`` answers in `bioplaus.answers.device`.
"""
