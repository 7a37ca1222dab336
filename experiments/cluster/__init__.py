"""Jobs on a cluster: arrays, what runs on a node, what Slurm says of them, and how far they are."""
