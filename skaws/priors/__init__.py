"""Priors p(z): how latents are drawn, and how likely they are."""

from .base import Prior
from .gaussian import Gaussian

__all__ = ["Gaussian", "Prior"]
