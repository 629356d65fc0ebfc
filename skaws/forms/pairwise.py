"""The expected log joint of each row."""

import numpy as np

__all__ = ["PairwiseForm"]


class PairwiseForm:
    """Climb the model's ``expected_log_joint``, row by row.

    It is for models that know part of their log joint at real rows exactly, as
    exponential families do (the paper's Algorithm 1).  It solves for one right-hand
    side a row, where :class:`ScalarForm` solves for one a batch.

    Parameters
    ----------
    shares : bool, default=False
        Whether the weights of a row are made shares, non-negative and of sum one: an
        expectation under a distribution over the simulations then, which cannot
        extrapolate.

    Examples
    --------
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
    >>> found = score_gradient(model, params, X, form=PairwiseForm(), rng=rng)
    >>> gap = found["decoder"]["components"] - exact
    >>> bool(np.linalg.norm(gap) < 0.5 * np.linalg.norm(exact))
    True
    """

    def __init__(self, shares=False):
        self.shares = shares

    def values(self, model, params, simulations, real):
        """Expected log joint of each real row."""
        weights = simulations.regression.weights(real.inputs)
        if self.shares:
            weights = np.maximum(weights, 0.0) + 1e-12
            weights /= weights.sum(axis=1, keepdims=True)
        return model.expected_log_joint(
            params, simulations.latents, simulations.observations, weights, real.X
        )

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights, and the regression's mean weights."""
        targets = model.log_joint(params, simulations.latents, simulations.observations)
        mean = simulations.regression.mean_weights_and_error(
            real.inputs, real.weights, targets
        )
        return real.weights, mean
