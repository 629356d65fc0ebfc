"""What a model says of rows: their likelihood, its gradient, latents, and its draws."""

from .coherence import coherence
from .comparison import Compared, compare
from .gradient import exact_score_gradient, importance_score_gradient, score_gradient
from .marginal import (
    effective_draws,
    fit_posterior,
    importance_posterior,
    log_marginal_likelihood,
    posterior_mean,
    sample_posterior,
)
from .mixing import mixing_standard_errors
from .samples import frechet_distance, kernel_distance
from .summary import Summary

__all__ = [
    "Compared",
    "Summary",
    "coherence",
    "compare",
    "effective_draws",
    "exact_score_gradient",
    "fit_posterior",
    "frechet_distance",
    "importance_posterior",
    "importance_score_gradient",
    "kernel_distance",
    "log_marginal_likelihood",
    "mixing_standard_errors",
    "posterior_mean",
    "sample_posterior",
    "score_gradient",
]
