"""Priors p(z): how latents are drawn, and how likely they are."""

from .base import Prior, check_prior
from .bernoulli import Bernoulli
from .beta import Beta
from .categorical import Categorical
from .circle import UniformCircle
from .gamma import Gamma
from .gaussian import Gaussian
from .gaussian_mixture import GaussianMixture
from .generalized_normal import GeneralizedNormal
from .independent import Independent
from .laplace import Laplace
from .logistic import Logistic
from .measured import Measured
from .skew_generalized_normal import SkewGeneralizedNormal
from .sphere import Sphere
from .student_t import StudentT
from .uniform import Uniform
from .unit_uniform import UnitUniform

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "Gamma",
    "Gaussian",
    "GaussianMixture",
    "GeneralizedNormal",
    "Independent",
    "Laplace",
    "Logistic",
    "Measured",
    "Prior",
    "SkewGeneralizedNormal",
    "Sphere",
    "StudentT",
    "Uniform",
    "UniformCircle",
    "UnitUniform",
    "check_prior",
]
