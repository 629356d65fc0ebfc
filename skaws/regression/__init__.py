"""The regression from observations to functions of the latents."""

from .embedding import Embedding, default_regressor
from .latent_estimate import LatentEstimate

__all__ = ["Embedding", "LatentEstimate", "default_regressor"]
