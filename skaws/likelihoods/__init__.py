"""Likelihoods p(x | location): how observations scatter around their location."""

from .base import Likelihood
from .gamma import Gamma
from .gaussian import Gaussian
from .student_t import StudentT

__all__ = ["Gamma", "Gaussian", "Likelihood", "StudentT"]
