"""Trained networks in the formats of others: a torch program, ONNX, NIR for spiking ones."""
