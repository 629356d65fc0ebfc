"""Prior, decoder and likelihood composed into a generative model."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from sklearn.utils.metaestimators import available_if

from ..decoders.base import check_decoder
from ..likelihoods.base import check_likelihood
from ..moments import column_moments
from ..posteriors.linear_gaussian import ExactGaussian, LinearMoments
from ..priors.base import check_prior
from ..spaces import Space, merged_axes
from ..supports import OneHot
from .base import GenerativeModel
from .given import takes_given

__all__ = ["LatentVariableModel"]


def has_linear_mean(model):
    """Whether the mean of x is linear in latents of known moments."""
    return (
        hasattr(model.decoder, "linear_map")
        and hasattr(model.prior, "moments")
        and hasattr(model.likelihood, "noise_variance")
    )


def is_gaussian(model):
    """Whether latents and observations are jointly Gaussian."""
    return has_linear_mean(model) and model.prior.gaussian and model.likelihood.gaussian


def has_exponential_family(model):
    """Whether the likelihood tells sufficient statistics from natural parameters."""
    return hasattr(model.likelihood, "natural_parameters")


class LatentVariableModel(GenerativeModel):
    """Latents from a prior, decoded to a location, observed through a likelihood.

    ``z ~ p(z)``, ``x ~ p(x | decoder(z))`` with independent entries; missing
    entries (NaN) drop out of the likelihood.  Where there are given columns, the decoder's
    inputs are latents and given columns side by side.

    Parameters
    ----------
    prior : Prior
        Distribution of the latents.
    decoder : Decoder
        Map from latents to locations.
    likelihood : Likelihood
        Distribution of the entries around their locations.

    Raises
    ------
    TypeError
        If a part lacks a method or a support that it must have.
    ValueError
        If the likelihood "needs locations" of one kind and the decoder over these latents
        "gives" others.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise())
    >>> rng = np.random.default_rng(0)
    >>> params = model.init_params(rng.standard_normal((50, 4)), rng)
    >>> latents, observations = model.sample(params, 3, rng)
    >>> model.log_joint(params, latents, observations).shape
    (3,)
    """

    allows_missing = True

    def __init__(self, prior, decoder, likelihood):
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood
        self._check_parts()

    def _check_parts(self):
        check_prior(self.prior)
        check_locations(self.prior, self.decoder, self.likelihood)

    @property
    def constraints(self):
        parts = {
            "prior": self.prior.constraints,
            "decoder": self.decoder.constraints,
            "likelihood": self.likelihood.constraints,
        }
        return {name: constraints for name, constraints in parts.items() if constraints}

    @property
    def latent_support(self):
        return self.prior.support

    def init_params(self, X, rng, given=None):
        self._check_parts()  # they may have been set since
        X = np.asarray(X, dtype=float)
        rows = self.likelihood.location_of(X)
        prior = self.prior.init_params(rows, rng)
        start = self.decoder.init_params
        if isinstance(self.prior.support, OneHot):
            start = self.decoder.init_labels
        n_given = 0 if given is None else given.shape[1]
        if takes_given(start):
            decoder = start(rows, self.prior.n_latents, rng, given=given)
        else:
            decoder = start(rows, self.prior.n_latents + n_given, rng)
        latents = self.prior.sample(prior, 1000, rng)
        if n_given:
            latents = np.hstack([latents, given[rng.integers(len(given), size=1000)]])
        location = self.decoder.location(decoder, latents)
        if location.shape[1] != X.shape[1]:
            raise ValueError(
                f"{type(self.decoder).__name__} makes {location.shape[1]} columns of "
                f"{self.prior.n_latents} latents, but X has {X.shape[1]}. Put a decoder "
                "with params before it, such as Chain([Linear(), Elementwise()])."
            )
        likelihood = self.likelihood.init_params(X, location, rng)
        return {"prior": prior, "decoder": decoder, "likelihood": likelihood}

    def sample(self, params, n_samples, rng, given=None):
        latents = self.prior.sample(parts_of(params)[0], n_samples, rng)
        return latents, self.observe(params, latents, rng, given)

    def log_joint(self, params, latents, observations, given=None):
        prior, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, beside(latents, given))
        entries = log_density_of_seen(self.likelihood, likelihood, location, observations)
        return self.prior.log_density(prior, latents) + row_sums(entries)

    @available_if(lambda self: self._with_log_prior())
    def log_prior(self, params):
        """Log density of the params, of those parts that have one."""
        parts = self._with_log_prior().items()
        return sum(part.log_prior(params[name]) for name, part in parts)

    def _with_log_prior(self):
        """Parts whose params have a prior of their own, by name."""
        parts = {
            "prior": self.prior,
            "decoder": self.decoder,
            "likelihood": self.likelihood,
        }
        return {name: part for name, part in parts.items() if hasattr(part, "log_prior")}

    def location(self, params, latents):
        return self.decoder.location(parts_of(params)[1], latents)

    def mean(self, params, latents, given=None):
        _, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, beside(latents, given))
        return self.likelihood.mean(likelihood, location)

    def observe(self, params, latents, rng, given=None):
        _, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, beside(latents, given))
        return self.likelihood.sample(likelihood, location, rng)

    def log_likelihood(self, params, latents, X):
        _, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, latents)
        return log_likelihoods(self.likelihood, likelihood, location, X)

    def log_joint_of_draws(self, params, draws, X):
        """By products of the decoder's last layer, where that is cheaper than locations."""
        prior, decoder, likelihood = parts_of(params)
        if not self._has_products() or np.isnan(X).any():
            return super().log_joint_of_draws(params, draws, X)
        features, weight, bias = self.decoder.last_layer(decoder, merged_axes(draws))
        if len(weight) > X.shape[1]:
            return super().log_joint_of_draws(params, draws, X)
        features = features.reshape(*draws.shape[:2], len(weight))
        log_prior = self.prior.log_density(prior, merged_axes(draws))
        log_likelihood = self.likelihood.log_density_of_products(
            likelihood, features, weight, bias, X
        )
        return log_likelihood + log_prior.reshape(draws.shape[:2])

    def _has_products(self):
        return hasattr(self.decoder, "last_layer") and hasattr(
            self.likelihood, "log_density_of_products"
        )

    @available_if(has_exponential_family)
    def log_joint_matrix(self, params, latents, X):
        """Log joint of each row of X and each of the latents, (m, n): one product."""
        return self.log_likelihood(params, latents, X) + self.prior.log_density(
            parts_of(params)[0], latents
        )

    @available_if(has_exponential_family)
    def expected_log_joint(self, params, latents, weights, X):
        """Sums of log joints of X and latents by `weights`, without a matrix of them.

        The exponential-family form of the paper's Algorithm 1: sufficient statistics are
        known at the rows of X, so only natural parameters and the log normaliser are
        averaged.
        """
        prior, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, latents)
        missing = np.isnan(X)
        origin = self.likelihood.origin(location)
        location, filled = location - origin, np.where(missing, 0.0, X - origin)
        total = np.sum(weights, axis=1, keepdims=True)
        normalizer = self.likelihood.log_normalizer(likelihood, location)
        entries = total * self.likelihood.log_base_measure(filled)
        entries = entries - anp.dot(weights, normalizer)
        natural = self.likelihood.natural_parameters(likelihood, location)
        statistics = self.likelihood.sufficient_statistics(filled)
        for eta, statistic in zip(natural, statistics, strict=True):
            entries = entries + anp.dot(weights, eta) * statistic
        log_prior = anp.dot(weights, self.prior.log_density(prior, latents))
        return log_prior + anp.sum(anp.where(missing, 0.0, entries), axis=1)

    @available_if(has_linear_mean)
    def linear_moments(self, params):
        """Linear map from latents to x, and the moments of latents and noise."""
        prior, decoder, likelihood = parts_of(params)
        mean, components = self.decoder.linear_map(decoder)
        centre, factor = self.prior.moments(prior)
        noise = self.likelihood.noise_variance(likelihood, mean + centre @ components)
        return LinearMoments(mean, components, centre, factor, noise)

    @available_if(is_gaussian)
    def posterior(self, params):
        """The exact one of Gaussian latents under Gaussian noise and a linear mean."""
        moments = self.linear_moments(params)
        space = Space(moments.latent_mean[None], self.prior.support, batched=True)
        return ExactGaussian(moments, space)

    def move(self, params, step):
        """Steps are relative: the decoder's to the noise, the prior's to its params."""
        prior, _, likelihood = parts_of(params)
        if "decoder" in step:
            scale = self.likelihood.scale(likelihood)
            step = {**step, "decoder": self.decoder.in_units(step["decoder"], scale)}
        if "prior" in step:
            step = {**step, "prior": self.prior.in_units(step["prior"], prior)}
        return super().move(params, step)

    def in_units(self, step, units):
        """A step whose locations move in `units`, one a column, in real coordinates."""
        if "decoder" not in step:
            return step
        return {**step, "decoder": self.decoder.in_units(step["decoder"], units)}

    def units_of(self, X):
        """Standard deviation of each column of X, as locations are; never zero."""
        deviation = column_moments(self.likelihood.location_of(X))[1]
        typical = deviation[deviation > 0].mean() if np.any(deviation > 0) else 1.0
        return np.where(deviation > 0, deviation, typical)


def check_locations(prior, decoder, likelihood):
    """Raise, in words, if locations of latents are none that a likelihood takes."""
    check_decoder(decoder, prior.support)
    check_likelihood(likelihood)
    given = decoder.location_support(prior.support)
    asked = likelihood.location_support
    if not given.is_within(asked):
        advice = likelihood.advice or (
            f"Choose a decoder and a prior whose locations are {asked.description}, "
            f"or a likelihood (or a link) that takes {given.description} ones"
        )
        raise ValueError(
            f"{likelihood} needs locations that are {asked.description}; "
            f"{type(decoder).__name__} over {type(prior).__name__} latents "
            f"gives {given.description} ones. {advice}."
        )


@primitive
def row_sums(entries):
    """Sums of the rows of a table; their derivative is spread without a copy."""
    return np.sum(entries, axis=1)


defvjp(
    row_sums,
    lambda answer, entries: lambda g: anp.broadcast_to(g[:, None], entries.shape),
)


def log_density_of_seen(likelihood, params, location, X):
    """Log density of each entry of X, zero where it is missing; shape of X."""
    missing = np.isnan(X)
    if not missing.any():
        return likelihood.log_density(params, location, X)
    filled = np.where(missing, 0.0, X)
    # Not a product: at what was filled in a log density may be infinite.
    return anp.where(missing, 0.0, likelihood.log_density(params, location, filled))


def beside(latents, given):
    """Latents, with given columns beside them where there are some."""
    return latents if given is None else anp.hstack([latents, given])


def parts_of(params):
    """The sub-dicts of prior, decoder and likelihood; empty where there are none."""
    return tuple(params.get(part, {}) for part in ("prior", "decoder", "likelihood"))


def log_likelihoods(likelihood, params, location, X):
    """Log likelihood of each row of X at each location, (m, n)."""
    seen = ~np.isnan(X)
    filled = np.where(seen, X, 0.0)
    if not hasattr(likelihood, "natural_parameters"):
        by_location = (
            likelihood.log_density(params, np.tile(row, (len(X), 1)), filled)
            for row in location
        )
        return np.stack([np.sum(seen * entries, axis=1) for entries in by_location], 1)
    base = np.sum(seen * likelihood.log_base_measure(filled), axis=1)
    # One product, of sufficient statistics and natural parameters.
    origin = likelihood.origin(location)
    location, filled = location - origin, filled - origin
    normalizer = likelihood.log_normalizer(params, location)
    total = -anp.dot(seen, anp.transpose(normalizer * np.ones(location.shape)))
    natural = likelihood.natural_parameters(params, location)
    statistics = likelihood.sufficient_statistics(filled)
    for eta, statistic in zip(natural, statistics, strict=True):
        eta = eta * np.ones(location.shape)
        total = total + anp.dot(seen * statistic, anp.transpose(eta))
    return base[:, None] + total
