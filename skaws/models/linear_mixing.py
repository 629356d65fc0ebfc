"""Independent sources, mixed and seen under noise: the model of ICA."""

import autograd.numpy as anp
import numpy as np
from sklearn.utils.metaestimators import available_if

from ..decoders import Linear
from ..likelihoods.gaussian import Gaussian, gaussian_log_density
from ..moments import column_moments
from ..posteriors.linear_gaussian import LinearMoments
from ..priors.base import check_prior
from ..spaces import shift
from ..supports import Fixed, Positive, Real
from .base import GenerativeModel
from .composed import LatentVariableModel
from .source_factors import SourceFactors, moved_in_units

__all__ = [
    "LinearMixing",
    "column_scales",
    "first_noise_variance",
    "numerical_rank",
    "principal_variances",
]

SQUARE_SHARE = 0.02  # of the least principal variance, where noise starts
OVERCOMPLETE_SHARE = 0.05
LEAST_SHARE = 1e-10  # of the largest


class LinearMixing(GenerativeModel):
    """``x = mean + s @ mixing @ basis + noise`` with independent sources s.

    Latents are centred: ``z = s @ mixing``, coordinates in a fixed basis of the signal's
    span, so that what is learnt of the mixing stands in their prior, whose score does not
    grow as the noise shrinks.  Steps of the mixing are relative: a step D leads to ``(I +
    D) @ mixing``, each entry in units of its Fisher information, that of a shift of its
    source or of a stretch.

    Parameters
    ----------
    sources : Prior
        Independent, real sources of unit variance, with ``information``.
    per_feature : bool, default=False
        Whether each column has a noise variance of its own, or all share one.  One of
        its own does not depend on the columns' units; a shared one is in those of X.
    floor : float or array of shape (n_features,), default=0.0
        Noise variances stay above this, in squared units of X.
    learned_noise : bool, default=True
        Whether noise variances are learnt, or stay where they start.
    learned_mixing : bool, default=True
        Whether the mixing is learnt, or stays where it starts.

    Raises
    ------
    TypeError
        If `sources` is no Prior, or they "lack the method information".
    ValueError
        If `sources` are not real.

    Examples
    --------
    >>> from skaws.priors import Laplace
    >>> rng = np.random.default_rng(0)
    >>> model = LinearMixing(Laplace(2))
    >>> params = model.init_params(rng.standard_normal((50, 4)), rng)
    >>> params["mixing"].shape, params["basis"].shape
    ((2, 2), (2, 4))
    """

    allows_missing = True
    latent_support = Real()

    def __init__(
        self, sources, per_feature=False, floor=0.0, learned_noise=True, learned_mixing=True
    ):
        check_sources(sources)
        self.sources = sources
        self.per_feature = per_feature
        self.floor = floor
        self.learned_noise = learned_noise
        self.learned_mixing = learned_mixing

    @property
    def constraints(self):
        noise = Positive(self.floor) if self.learned_noise else Fixed()
        own = {"basis": Fixed(), "noise_variance": noise}
        if not self.learned_mixing:
            own["mixing"] = Fixed()
        of_sources = self.sources.constraints
        return {**own, "sources": of_sources} if of_sources else own

    def init_params(self, X, rng):
        n_latents, n_features = self.sources.n_latents, X.shape[1]
        # Columns with noise of their own are compared in units of their own.
        units = column_scales(X) if self.per_feature else 1.0
        X_in_units = X / units
        lowest = 1.1 * np.max(self.floor / np.square(units))
        noise = max(first_noise_variance(X_in_units, n_latents), lowest)
        sources = self.sources.init_params(X, rng)
        return {
            **({"sources": sources} if sources else {}),
            "mixing": np.eye(n_latents),
            "basis": random_basis(X_in_units, n_latents, noise, rng) * units,
            "mean": column_moments(X)[0],
            "noise_variance": np.full(n_features if self.per_feature else (), noise)
            * np.square(units),
        }

    def sample(self, params, n_samples, rng):
        sources = self.sources.sample(params.get("sources", {}), n_samples, rng)
        latents = sources @ params["mixing"]
        return latents, self.observe(params, latents, rng)

    def mean(self, params, latents):
        return latents @ params["basis"] + params["mean"]

    def observe(self, params, latents, rng):
        location = self.mean(params, latents)
        sd = np.sqrt(params["noise_variance"])
        return location + sd * rng.standard_normal(location.shape)

    def log_joint(self, params, latents, observations):
        sources = anp.dot(latents, anp.linalg.inv(params["mixing"]))
        log_volume = anp.linalg.slogdet(params["mixing"])[1]
        log_prior = self.sources.log_density(params.get("sources", {}), sources)
        location = anp.dot(latents, params["basis"]) + params["mean"]
        missing = np.isnan(observations)
        holes = missing.any()
        filled = np.where(missing, 0.0, observations) if holes else observations
        variance = params["noise_variance"] * np.ones(1)
        entries = gaussian_log_density(location, variance, filled)
        entries = anp.where(missing, 0.0, entries) if holes else entries
        return log_prior - log_volume + anp.sum(entries, axis=1)

    @available_if(lambda self: hasattr(self.sources, "moments"))
    def linear_moments(self, params):
        """Linear map from latents to x, and the moments of latents and noise."""
        mean, factor = self.sources.moments(params.get("sources", {}))
        noise = params["noise_variance"] * np.ones(len(params["mean"]))
        mixing = params["mixing"]
        return LinearMoments(
            params["mean"], params["basis"], mean @ mixing, factor @ mixing, noise
        )

    def move(self, params, step):
        """Natural steps: in units of Fisher information where it is known."""
        shifts, stretches = self.sources.information(params.get("sources", {}))
        information = np.tile(shifts, (len(shifts), 1))
        np.fill_diagonal(information, stretches)
        mixing = step["mixing"]  # of no size where it is not learnt
        if self.learned_mixing:
            mixing = anp.dot(mixing / np.sqrt(information), params["mixing"])
        relative = {
            "mixing": mixing,
            "mean": step["mean"] * np.sqrt(params["noise_variance"]),
            "basis": step["basis"],
            "noise_variance": step["noise_variance"] * self._noise_unit(params),
        }
        if "sources" in params:
            own = self.sources.in_units(step["sources"], params["sources"])
            relative["sources"] = own
        return shift(params, relative, self.constraints)

    @available_if(lambda self: hasattr(self.sources, "log_densities"))
    def factors(self, params):
        """What the log joint says of single sources, a :class:`SourceFactors`."""
        return SourceFactors(self, params)

    def move_in_units(self, params, step, information):
        """As :meth:`move`, in units of information that was measured.

        `information` has ``roots``, as that of :class:`skaws.regression.FactorRegression`.
        """
        moved = moved_in_units(self, params, step, information)
        noise = step["noise_variance"] * self._noise_unit(params)
        return shift(params, {**moved, "noise_variance": noise}, self.constraints)

    def _noise_unit(self, params):
        # The information about the logarithm of a variance is half the number of columns
        # that it is of.
        return np.sqrt(2.0 / (1 if self.per_feature else len(params["mean"])))

    def uncentred(self, params):
        """The same model with the sources for latents, and its params."""
        decoder = {
            "components": params["mixing"] @ params["basis"],
            "mean": params["mean"],
        }
        noise = {"noise_variance": params["noise_variance"]}
        likelihood = Gaussian(self.per_feature, floor=self.floor)
        model = LatentVariableModel(self.sources, Linear(), likelihood)
        prior = params.get("sources", {})
        return model, {"prior": prior, "decoder": decoder, "likelihood": noise}


def check_sources(sources):
    """Raise, in words, if `sources` cannot be mixed."""
    check_prior(sources)
    if not isinstance(sources.support, Real):
        raise ValueError(
            f"LinearMixing needs sources that are real; those of {sources!r} are "
            f"{sources.support.description}. Compose a LatentVariableModel of them, with a "
            "Linear() decoder."
        )
    if not hasattr(sources, "information"):
        raise TypeError(
            f"The sources {sources!r} lack the method information, in whose units the "
            "mixing moves. Write it as skaws.priors.Prior describes it, or compose a "
            "LatentVariableModel of them."
        )


def first_noise_variance(X, n_latents):
    """Noise variance to start from: seen beyond the signal, or a share of its least."""
    variances = principal_variances(X)[0]
    least = LEAST_SHARE * (variances[0] or 1.0)  # there may be no noise at all
    if n_latents < len(variances):
        return max(variances[n_latents:].mean(), least)
    square = n_latents == len(variances)
    return max((SQUARE_SHARE if square else OVERCOMPLETE_SHARE) * variances[-1], least)


def random_basis(X, n_latents, noise_variance, rng):
    """Random rotation of the principal components less the noise, (n_latents, d).

    White latents then have the covariance of X.
    """
    variances, directions = principal_variances(X)
    kept = min(n_latents, X.shape[1])
    signal = np.maximum(variances[:kept] - noise_variance, 1e-6 * variances[0])
    factor = np.sqrt(signal)[:, None] * directions[:kept]
    rotation = np.linalg.qr(rng.standard_normal((n_latents, n_latents)))[0]
    return rotation[:, :kept] @ factor


def principal_variances(X):
    """Variances along the principal directions of X, in decreasing order, and these.

    Missing entries (NaN) are left out of each pair of columns.
    """
    centred = np.nan_to_num(X - column_moments(X)[0], nan=0.0)
    observed = (~np.isnan(X)).astype(float)
    covariance = centred.T @ centred / np.maximum(observed.T @ observed, 1.0)
    variances, directions = np.linalg.eigh(covariance)
    return variances[::-1], directions[:, ::-1].T


def column_scales(X):
    """Standard deviation of each column; that of a constant one is their mean, or 1."""
    scales = column_moments(X)[1]
    typical = scales[scales > 0].mean() if np.any(scales > 0) else 1.0
    return np.where(scales > 0, scales, typical)


def numerical_rank(X):
    """Number of columns of X that are linearly independent, whatever their units.

    Constant columns count zero.  Covariances of columns with missing entries may have
    negative eigenvalues, which are no sign of dependence.
    """
    X = np.asarray(X, dtype=float)
    X = X[:, column_moments(X)[1] > 0]
    if X.shape[1] == 0:
        return 0
    variances = np.abs(principal_variances(X / column_scales(X))[0])
    return int(np.sum(variances > LEAST_SHARE * variances.max()))
