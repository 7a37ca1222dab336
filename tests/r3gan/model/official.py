"""The configuration in a file of tensors of the official networks, as ours."""

from r3gan.config import NetworkConfig


def network_config(metadata: dict) -> NetworkConfig:
    """Our configuration for the configuration in a parity file."""
    return NetworkConfig(
        widths=tuple(metadata["widths"]),
        groups=tuple(metadata["cardinality"]),
        blocks=tuple(metadata["blocks"]),
        latent_dim=metadata["noise_dim"],
        conditional=metadata["classes"] > 0,
    )
