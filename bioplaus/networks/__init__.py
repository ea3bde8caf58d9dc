"""Network presets: mlp, cnn5, lenet, strided, autoencoder, published ones by name, and those of single rules."""
