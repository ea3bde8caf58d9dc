"""Network presets: mlp, cnn5, lenet, autoencoder."""
