"""Decoders: the map from latents to the location of each observation."""

from .base import Decoder, check_decoder
from .chain import Chain
from .curve import Curve
from .elementwise import Elementwise
from .functions import FunctionDecoder
from .linear import Linear, LinearDynamics
from .log_odds import LogOdds
from .mlp import MLP

__all__ = [
    "Chain",
    "Curve",
    "Decoder",
    "Elementwise",
    "FunctionDecoder",
    "Linear",
    "LinearDynamics",
    "LogOdds",
    "MLP",
    "check_decoder",
]
