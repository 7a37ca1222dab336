"""Configurations as people write them: dotted keys with values, in layers, checked with the place that set each key."""
