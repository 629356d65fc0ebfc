"""Likelihoods p(x | location): how observations scatter around their location."""

from .base import Likelihood
from .gaussian import Gaussian

__all__ = ["Gaussian", "Likelihood"]
