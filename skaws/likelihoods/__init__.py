"""Likelihoods p(x | location): how observations scatter around their location."""

from .base import Likelihood, check_likelihood
from .bernoulli import Bernoulli
from .gamma import Gamma
from .gaussian import Gaussian
from .negative_binomial import NegativeBinomial
from .poisson import Poisson
from .student_t import StudentT

__all__ = [
    "Bernoulli",
    "Gamma",
    "Gaussian",
    "Likelihood",
    "NegativeBinomial",
    "Poisson",
    "StudentT",
    "check_likelihood",
]
