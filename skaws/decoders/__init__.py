"""Decoders: the map from latents to the location of each observation."""

from .base import Decoder
from .chain import Chain
from .elementwise import Elementwise
from .linear import Linear
from .log_odds import LogOdds
from .mlp import MLP
from .span import Span

__all__ = ["Chain", "Decoder", "Elementwise", "Linear", "LogOdds", "MLP", "Span"]
