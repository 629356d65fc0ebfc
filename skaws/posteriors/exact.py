"""The posterior that a model itself knows."""

from .base import Posterior

__all__ = ["Exact"]


class Exact(Posterior):
    """The model's own posterior, ``model.posterior(params)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> fitted = Exact().fit(model, params, None, None)
    >>> fitted.mean(np.ones((1, 3))).round(12).tolist()  # three entries against one prior
    [[0.75]]
    >>> fitted.log_marginal(np.ones((1, 3))).round(4).tolist()
    [-3.825]
    """

    def suits(self, model, params, space):
        return hasattr(model, "posterior")

    def fit(self, model, params, simulations, rng, previous=None):
        return model.posterior(params)
