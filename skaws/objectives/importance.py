"""Self-normalised importance sampling with the simulated latents for draws."""

from scipy.special import softmax

from .expected import WeightedLatents

__all__ = ["ImportanceSampling"]


class ImportanceSampling(WeightedLatents):
    """Climb the expected log joint of each row over simulated latents, by their likelihood.

    Weights of row m are ``p(x_m | z_n)`` over the simulations, made to sum to one:
    self-normalised importance sampling from the prior.  Consistent, and sharp, where
    latents are few; needs the model's ``log_likelihood``.

    Examples
    --------
    >>> import numpy as np
    >>> from skaws.decoders import Linear
    >>> from skaws.evaluation import exact_score_gradient, score_gradient
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> X = rng.standard_normal((100, 1)) + rng.standard_normal((100, 3))
    >>> params = model.init_params(X, rng)
    >>> params["decoder"]["components"] *= 0.5
    >>> exact = exact_score_gradient(model, params, X)["decoder"]["components"]
    >>> found = score_gradient(model, params, X, objective=ImportanceSampling(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.1 * np.linalg.norm(exact))
    True
    """

    def latent_weights(self, model, params, simulations, real, regression):
        return softmax(model.log_likelihood(params, simulations.latents, real.X), axis=1)
