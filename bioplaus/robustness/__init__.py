"""How far a trained network can be trusted beside its test images: noise, static, and attacks with and without a gradient.

`bioplaus.robustness.run` is the command; `measure` judges a run, `attacks` and `square` make images, `exact` knows the worst there is where that
can be known. Images are pixels in [0, 1] throughout: a `Victim` scales and encodes them as the run did.
"""
