"""What a model says of rows: their likelihood, its gradient, and their latents."""

from .gradient import exact_score_gradient, importance_score_gradient, score_gradient
from .marginal import importance_posterior, log_marginal_likelihood, posterior_mean

__all__ = [
    "exact_score_gradient",
    "importance_posterior",
    "importance_score_gradient",
    "log_marginal_likelihood",
    "posterior_mean",
    "score_gradient",
]
