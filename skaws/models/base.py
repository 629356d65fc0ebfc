"""The protocol of a generative model."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches

from ..spaces import first_shape, map_leaves, merged_axes, rows_of, shift

__all__ = ["GenerativeModel"]

CACHED_NUMBERS = 50_000  # rows of a call of the log joint that stay in the cache


class GenerativeModel(BaseEstimator, ABC):
    """A sampler of pairs and their log joint, differentiable in the params.

    Latents are an array ``(n, n_latents)`` or ``(n, n_times, n_latents)``, or a dictionary
    of arrays with a common first axis.  Observations are an array ``(n, n_features)`` in
    which NaN stands for a missing entry.

    **Must**: :meth:`init_params`, :meth:`sample` and :meth:`log_joint`.

    **May**: what is there is used, what is not is done without.

    - ``constraints``: supports of params, a nested dict along their paths; a path without
      one is real.
    - ``latent_support``: support of the latents, or dict of them along the latents' paths.
      None: the narrowest that holds the model's own simulations.
    - ``allows_missing``: whether `log_joint` takes NaN in the observations as missing.
    - ``log_prior(params) -> float``: log density of the params, in nats; fits are then
      maximum a posteriori.
    - ``posterior(params) -> FittedPosterior``: the exact posterior.
    - ``linear_moments(params) -> LinearMoments``: where the mean of x is linear in latents
      of known moments.
    - ``location(params, latents) -> (n, n_features)``: of the observations.
    - ``mean(params, latents)`` and ``observe(params, latents, rng)``, both (n, n_features):
      expected observations given latents, and draws of them; estimators then fill missing
      entries (``impute``).
    - ``log_likelihood(params, latents, X) -> (m, n)``: log p(x | z) of each row at each of
      the latents.
    - ``n_given``: number of last columns of observations that are given, not modelled; the
      sampler then takes them as a fourth argument.

    **For speed**: each equals what is done without it.

    - ``log_joint_matrix(params, latents, X) -> (m, n)``: log joint of every pair.
    - ``expected_log_joint(params, latents, weights, X) -> (m,)``: for weights (m, n), the
      sum over n of weight times the log joint of latents n and row m.
    - :meth:`log_joint_of_draws`: of several latents for each row.
    - :meth:`move`: coordinates in which steps of the same size matter equally.

    See Also
    --------
    FunctionModel : Three plain functions, without a class.
    LatentVariableModel : A prior, a decoder and a likelihood.

    Examples
    --------
    >>> import autograd.numpy as anp
    >>> import numpy as np
    >>> class Level(GenerativeModel):
    ...     def init_params(self, X, rng):
    ...         return {"level": np.mean(X)}
    ...
    ...     def sample(self, params, n_samples, rng):
    ...         z = params["level"] + rng.standard_normal((n_samples, 1))
    ...         return z, z + rng.standard_normal((n_samples, 1))
    ...
    ...     def log_joint(self, params, latents, observations):
    ...         errors = anp.hstack([latents - params["level"], observations - latents])
    ...         return -0.5 * anp.sum(errors**2, axis=1) - np.log(2 * np.pi)
    >>> z, x = Level().sample({"level": 1.0}, 5, np.random.default_rng(0))
    >>> Level().log_joint({"level": 1.0}, z, x).shape
    (5,)
    """

    # Must.

    @abstractmethod
    def init_params(self, X, rng):
        """Nested dict of natural params to start from, given real rows X (with NaN)."""

    @abstractmethod
    def sample(self, params, n_samples, rng):
        """Draw ``(latents, observations)``; a black box, never differentiated."""

    @abstractmethod
    def log_joint(self, params, latents, observations):
        """log p(z, x) in nats, shape (n,); differentiable in `params`."""

    # May.

    constraints = {}
    latent_support = None
    allows_missing = False
    n_given = 0

    # For speed.

    def log_joint_of_draws(self, params, draws, X):
        """log p(z, x) of several latents of each row, not to be differentiated.

        Parameters
        ----------
        params : nested dict of arrays
            Natural values.
        draws : array of shape (n, m, ...) or nested dict of arrays
            Latents, n of them for each row.
        X : array of shape (m, n_features)
            Rows.

        Returns
        -------
        log_joint : array of shape (n, m)
            In nats; what is not finite is left as it came.
        """
        n, m = first_shape(draws)[:2]
        n_at_once = max(1, CACHED_NUMBERS // max(X.size, 1))
        tiled = np.tile(X, (min(n_at_once, n), 1))
        log_joint = np.empty((n, m))
        for some in gen_batches(n, n_at_once):
            flat = map_leaves(merged_axes, rows_of(draws, some))
            rows = tiled[: (some.stop - some.start) * m]
            log_joint[some] = self.log_joint(params, flat, rows).reshape(-1, m)
        return log_joint

    def move(self, params, step):
        """Params a small `step` away; differentiable in `step`.

        `step` is a nested dict along the paths of `params`, of the shape of their real
        coordinates; zeros stay in place.  An override chooses coordinates in which steps of
        the same size matter equally at the present params (relative steps).
        """
        return shift(params, step, self.constraints)
