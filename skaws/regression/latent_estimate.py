"""Cheap estimates of the latents: regression inputs, baseline, first guess."""

import numpy as np
from sklearn.linear_model import Ridge

from ..moments import column_units

__all__ = ["LatentDraw", "LatentEstimate", "WideEstimate"]


class LatentEstimate:
    """Estimate of the latents from each row, in closed form or by ridge regression.

    The model's own ``latent_estimate`` is taken where it has one.  Otherwise a ridge
    regression of latents on standardised observations is fitted on the simulations.

    Parameters
    ----------
    alpha : float, default=1.0
        Penalty of the ridge regression, against a sum of squares over simulations.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> pairs = model.sample(params, 500, np.random.default_rng(0))
    >>> function, _ = LatentEstimate().fit(model, params, *pairs)
    >>> function(np.ones((1, 3))).round(12).tolist()  # three entries against one prior
    [[0.75]]
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


class WideEstimate:
    """Estimate of the latents of a linear model that shrinks less than the best one.

    The linear minimum-mean-square-error estimate, were the latents' variance `spread`
    times what it is.  Rows that lie further out than the model thinks are then not
    mistaken for noise.

    Parameters
    ----------
    spread : float, default=5.0
        Variance of the latents relative to the prior's.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> pairs = model.sample(params, 500, np.random.default_rng(0))
    >>> function, _ = WideEstimate().fit(model, params, *pairs)
    >>> function(np.ones((1, 3))).round(12).tolist()  # 15 / 16, where the best has 3 / 4
    [[0.9375]]
    """

    def __init__(self, spread=5.0):
        self.spread = spread

    def fit(self, model, params, latents, observations):
        """As :meth:`LatentEstimate.fit`; nothing is learnt from the pairs."""
        function = model.linear_gaussian(params, self.spread).posterior_mean
        return function, function(observations)


class LatentDraw:
    """Random latents about each row's estimate, with the spread of the posterior.

    To the estimate of a row is added what was left over, ``z_n - estimate(x_n)``, in
    another simulation: a draw with the posterior's mean covariance.  As a baseline it
    smooths a log joint with kinks as the posterior does, where that at the estimate
    itself would be off.

    Parameters
    ----------
    n_candidates : int, default=1
        From how many left-overs one is kept, by importance resampling: with a chance
        in proportion to the joint density there over the Gaussian density of the left-over.
    estimate : LatentEstimate, default=None
        What is drawn about; None is ``LatentEstimate()``.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> pairs = model.sample(params, 500, np.random.default_rng(0))
    >>> function, drawn = LatentDraw().fit(model, params, *pairs)
    >>> bool(0.9 < drawn.var() < 1.1)  # as the latents; estimates have 3 / 4
    True
    """

    def __init__(self, n_candidates=1, estimate=None):
        self.n_candidates = n_candidates
        self.estimate = LatentEstimate() if estimate is None else estimate

    def fit(self, model, params, latents, observations):
        """Fit as :meth:`LatentEstimate.fit` does; returns function and values.

        Real row m and simulation m get the same left-overs, so that their noise cancels in
        the difference of the two.
        """
        function, estimates = self.estimate.fit(model, params, latents, observations)
        leftovers = latents - estimates
        if self.n_candidates == 1:
            drawn = Drawn(function, np.roll(leftovers, 1, axis=0))
        else:
            drawn = Resampled(function, leftovers, self.n_candidates, model, params)
        return drawn, drawn(observations)


class Drawn:
    """An estimate with left-overs added, row by row, over and over."""

    def __init__(self, function, leftovers):
        self._function = function
        self._leftovers = leftovers

    def __call__(self, X):
        rows = np.arange(len(X))
        return self._function(X) + np.take(self._leftovers, rows, axis=0, mode="wrap")


class Resampled:
    """The best of several draws, in the sense of importance resampling."""

    def __init__(self, function, leftovers, n_candidates, model, params):
        self._function = function
        self._model, self._params = model, params
        covariance = np.cov(leftovers, rowvar=False).reshape(2 * leftovers.shape[1:])
        ridge = 1e-6 * np.trace(covariance) * np.eye(len(covariance))
        precision = np.linalg.inv(covariance + ridge)
        log_density = -0.5 * np.sum((leftovers @ precision) * leftovers, axis=1)
        rolls = range(1, n_candidates + 1)
        self._leftovers = [np.roll(leftovers, roll, axis=0) for roll in rolls]
        self._log_density = [np.roll(log_density, roll) for roll in rolls]
        # The largest of log weights with Gumbel noise falls on each in proportion.
        noise = np.random.default_rng(0).gumbel(size=(n_candidates, len(leftovers)))
        self._noise = noise

    def __call__(self, X):
        rows = np.arange(len(X)) % len(self._noise[0])
        centre = self._function(X)
        candidates = np.stack([centre + leftovers[rows] for leftovers in self._leftovers])
        tries = zip(candidates, self._log_density, self._noise, strict=True)
        scores = [
            self._model.log_joint(self._params, latents, X) - density[rows] + noise[rows]
            for latents, density, noise in tries
        ]
        return candidates[np.argmax(scores, axis=0), np.arange(len(X))]


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
        self._mean, self._scale = column_units(observations)
        self._low, self._high = latents.min(axis=0), latents.max(axis=0)
        self._ridge = Ridge(alpha=alpha).fit(self._standardised(observations), latents)

    def __call__(self, X):
        return np.clip(self.uncut(X), self._low, self._high)

    def uncut(self, X):
        """Predictions wherever they lie."""
        return self._ridge.predict(self._standardised(X)).reshape(len(X), -1)

    def _standardised(self, X):
        return np.nan_to_num((X - self._mean) / self._scale, nan=0.0)
