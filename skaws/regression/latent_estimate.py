"""Cheap estimates of the latents: regression inputs, baseline, first guess."""

import numpy as np
from sklearn.linear_model import Ridge

from ..moments import column_moments

__all__ = ["LatentEstimate"]


class LatentEstimate:
    """Estimate of the latents from each row, in closed form or by ridge regression.

    The model's own ``latent_estimate`` is taken where it has one.  Otherwise a ridge
    regression of latents on standardised observations is fitted on the simulations.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty of the ridge regression, against a sum of squares over simulations.
    """

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, model, params, latents, observations):
        """Fit on pairs simulated from `model` at `params`.

        Missing entries (NaN) count as the feature's mean where the model has no closed
        form of its own.

        Returns
        -------
        function : callable
            From observations, (m, n_features), to estimates, (m, n_latents).
        estimates : array of shape (n, n_latents)
            Its values at `observations`.

        Raises
        ------
        TypeError
            If latents are a dictionary and the model has no closed form.
        """
        estimates = model.latent_estimate(params, observations)
        if estimates is not None:
            return ClosedForm(model, params), estimates
        if isinstance(latents, dict):
            raise TypeError(
                f"sample of {type(model).__name__} returned latents as a dictionary, from "
                "which no latent estimate can be regressed. Give the model a "
                "latent_estimate of its own."
            )
        function = RidgeEstimate(latents, observations, self.alpha)
        return function, function(observations)


class ClosedForm:
    """The model's own latent estimate at fixed params."""

    def __init__(self, model, params):
        self._model = model
        self._params = params

    def __call__(self, X):
        return self._model.latent_estimate(self._params, X)


class RidgeEstimate:
    """Ridge regression of latents on standardised observations.

    Predictions are kept within the simulated range of each latent, so that they stay
    in the support of the prior.
    """

    def __init__(self, latents, observations, alpha):
        self._mean, deviation = column_moments(observations)
        self._scale = np.where(deviation > 0, deviation, 1.0)
        self._low, self._high = latents.min(axis=0), latents.max(axis=0)
        self._ridge = Ridge(alpha=alpha).fit(self._standardised(observations), latents)

    def __call__(self, X):
        prediction = self._ridge.predict(self._standardised(X))
        return np.clip(prediction.reshape(len(X), -1), self._low, self._high)

    def _standardised(self, X):
        return np.nan_to_num((X - self._mean) / self._scale, nan=0.0)
