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
