"""Generative models: a sampler and a differentiable log joint."""

from .additive_parts import AdditiveParts
from .base import GenerativeModel
from .components_prior import ComponentsPrior
from .composed import LatentVariableModel
from .functions import FunctionModel
from .given import GivenColumns
from .layered import LayeredModel
from .linear_mixing import LinearMixing
from .state_space import StateSpaceModel

__all__ = [
    "AdditiveParts",
    "ComponentsPrior",
    "FunctionModel",
    "GenerativeModel",
    "GivenColumns",
    "LatentVariableModel",
    "LayeredModel",
    "LinearMixing",
    "StateSpaceModel",
]
