"""What is measured of a generator: samples, features, metrics, and the references they are compared with."""
