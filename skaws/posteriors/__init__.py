"""Posteriors of the latents given a row: exact, in closed form, or searched for."""

from .base import FittedPosterior, Posterior
from .choice import SHELF, posterior_for
from .classifier import Classifier
from .enumeration import Enumeration
from .exact import Exact
from .gamma import Gamma
from .laplace import Laplace
from .linear_gaussian import (
    ExactGaussian,
    GaussianApproximation,
    LinearGaussian,
    LinearMoments,
)
from .linearised import Linearised
from .logit import Logit
from .network import MixtureNetwork
from .none import NoPosterior
from .resampled import Resampled
from .ridge import Ridge
from .robust import Robust
from .shared_residuals import SharedResiduals
from .wide import Wide
from .windowed import Windowed

__all__ = [
    "Classifier",
    "Enumeration",
    "Exact",
    "ExactGaussian",
    "FittedPosterior",
    "Gamma",
    "GaussianApproximation",
    "Laplace",
    "LinearGaussian",
    "LinearMoments",
    "Linearised",
    "Logit",
    "MixtureNetwork",
    "NoPosterior",
    "Posterior",
    "Resampled",
    "Ridge",
    "Robust",
    "SHELF",
    "SharedResiduals",
    "Wide",
    "Windowed",
    "posterior_for",
]
