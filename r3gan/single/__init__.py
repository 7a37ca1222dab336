"""A run outside a study: one training from the command line, in a directory of its own."""
