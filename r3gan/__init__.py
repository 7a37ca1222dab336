"""R3GAN: model, losses, penalties, data, metrics and the training loop."""

RESULT_VERSION = 4  # raised whenever a change to this package changes what a job with the same configuration yields
