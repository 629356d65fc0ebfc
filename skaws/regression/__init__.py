"""The regression from observations to functions of the latents."""

from .adaptive import AdaptiveEmbedding, make_embedding
from .bounded import BoundedEstimate, ObservedInputs
from .constant import ConstantEmbedding
from .embedding import Embedding, MeanWeights, default_regressor
from .labels import LabelEstimate
from .latent_estimate import LatentDraw, LatentEstimate, WideEstimate
from .network import NetworkMean, RecognitionDraw
from .nonnegative import LogOddsMode, MultiplicativeMode

__all__ = [
    "AdaptiveEmbedding",
    "BoundedEstimate",
    "ConstantEmbedding",
    "Embedding",
    "LabelEstimate",
    "LatentDraw",
    "LatentEstimate",
    "LogOddsMode",
    "MeanWeights",
    "MultiplicativeMode",
    "NetworkMean",
    "ObservedInputs",
    "RecognitionDraw",
    "WideEstimate",
    "default_regressor",
    "make_embedding",
]
