"""Factor analysis."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..decoders import Linear
from ..likelihoods import Gaussian as GaussianNoise
from ..models import LatentVariableModel
from ..priors import Gaussian
from .base import AmortisedEstimator
from .rotation import principal_rotation, settled, simple_rotation

__all__ = ["AmortisedFactorAnalysis"]


class AmortisedFactorAnalysis(AmortisedEstimator):
    """Factor analysis by amortised maximum likelihood, missing entries allowed.

    ``x = mean_ + z @ components_ + noise`` with ``z ~ N(0, I)`` and ``noise ~ N(0,
    diag(noise_variance_))``.
    """

    _parameter_constraints: dict = {
        **AmortisedEstimator._parameter_constraints,
        "rotation": [StrOptions({"varimax", "quartimax"}), None],
        "noise_floor": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_components=None,
        *,
        rotation=None,
        noise_floor=1e-6,
        n_simulations=None,
        batch_size=1000,
        max_iter=400,
        learning_rate=0.03,
        regressor=None,
        tol=1e-3,
        n_iter_no_change=20,
        n_init=1,
        n_jobs=None,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            n_components=n_components,
            n_simulations=n_simulations,
            batch_size=batch_size,
            max_iter=max_iter,
            learning_rate=learning_rate,
            regressor=regressor,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            n_init=n_init,
            n_jobs=n_jobs,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )
        self.rotation = rotation
        self.noise_floor = noise_floor

    def _make_model(self, X):
        variance = np.nanvar(X, axis=0)
        floor = self.noise_floor * np.where(variance > 0, variance, variance.mean() or 1.0)
        return LatentVariableModel(
            prior=Gaussian(self.n_components or ledermann_bound(X.shape[1])),
            decoder=Linear(),
            likelihood=GaussianNoise(per_feature=True, floor=floor),
        )

    def _set_attributes(self, params):
        components = params["decoder"]["components"]
        noise_variance = params["likelihood"]["noise_variance"]
        components = principal_rotation(components, noise_variance) @ components
        if self.rotation is not None:
            components = simple_rotation(components, self.rotation) @ components
        components = settled(components, by_variance=self.rotation is not None) @ components
        self.params_ = {**params, "decoder": {**params["decoder"], "components": components}}
        self.components_ = components
        self.mean_ = params["decoder"]["mean"]
        self.noise_variance_ = noise_variance

    @property
    def _n_features_out(self):
        return self.components_.shape[0]


def ledermann_bound(n_features):
    """Largest number of factors that the covariance of `n_features` can identify."""
    return max(1, int((2 * n_features + 1 - np.sqrt(8 * n_features + 1)) / 2))
