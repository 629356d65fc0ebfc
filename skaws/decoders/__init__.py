"""Decoders: the map from latents to the location of each observation."""

from .base import Decoder
from .linear import Linear

__all__ = ["Decoder", "Linear"]
