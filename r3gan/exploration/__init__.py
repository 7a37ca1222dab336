"""One page that shows what a generator has learned: its latent space, its input, and its images beside real ones."""
