"""Generative models: a sampler and a differentiable log joint."""

from .base import GenerativeModel
from .functions import FunctionModel
from .latent_variable import LatentVariableModel

__all__ = ["FunctionModel", "GenerativeModel", "LatentVariableModel"]
