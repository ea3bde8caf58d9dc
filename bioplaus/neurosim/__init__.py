"""The online perceptron of MLP+NeuroSim V3.0 on memristive devices, compiled; see `bioplaus.neurosim.network`."""
