"""Priors p(z): how latents are drawn, and how likely they are."""

from .base import Prior
from .gaussian import Gaussian
from .generalized_normal import GeneralizedNormal
from .independent import Independent
from .laplace import Laplace
from .logistic import Logistic
from .mixed import Mixed
from .student_t import StudentT
from .uniform import Uniform

__all__ = [
    "Gaussian",
    "GeneralizedNormal",
    "Independent",
    "Laplace",
    "Logistic",
    "Mixed",
    "Prior",
    "StudentT",
    "Uniform",
]
