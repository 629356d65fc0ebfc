"""Decoders: the map from latents to the location of each observation."""

from .base import Decoder
from .linear import Linear
from .span import Span

__all__ = ["Decoder", "Linear", "Span"]
