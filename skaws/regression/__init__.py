"""The regression from observations to functions of the latents."""

from .constant import ConstantEmbedding
from .embedding import Embedding, default_regressor
from .latent_estimate import LatentDraw, LatentEstimate, WideEstimate
from .nonnegative import LogOddsMode, MultiplicativeMode

__all__ = [
    "ConstantEmbedding",
    "Embedding",
    "LatentDraw",
    "LatentEstimate",
    "LogOddsMode",
    "MultiplicativeMode",
    "WideEstimate",
    "default_regressor",
]
