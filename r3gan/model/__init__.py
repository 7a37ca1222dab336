"""G and D: layers, attention, convolution, resampling, activations."""
