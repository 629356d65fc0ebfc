"""Prior, decoder and likelihood composed into a generative model."""

import autograd.numpy as anp
import numpy as np

from .base import GenerativeModel
from .linear_gaussian import LinearGaussian
from .reweighted import ReweightedGaussian

__all__ = ["LatentVariableModel"]

# A location of the kind on the left may feed a likelihood that asks for these.
CONTAINED_IN = {
    "unit": {"unit", "nonnegative", "real"},
    "nonnegative": {"nonnegative", "real"},
    "real": {"real"},
}


class LatentVariableModel(GenerativeModel):
    """Latents from a prior, decoded to a location, observed through a likelihood.

    ``z ~ p(z)``, ``x ~ p(x | decoder(z))`` with independent entries; missing
    entries (NaN) drop out of the likelihood.

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
    ValueError
        If the likelihood "needs a nonnegative location" and the decoder over these latents
        "gives a real one".

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
        self._check_supports()

    def _check_supports(self):
        given = self.decoder.location_support(self.prior.support)
        asked = self.likelihood.location_support
        if asked not in CONTAINED_IN[given]:
            advice = self.likelihood.advice or (
                f"Choose a decoder and a prior whose locations are {asked}, or a "
                f"likelihood (or a link) that takes {given} ones"
            )
            raise ValueError(
                f"{self.likelihood} needs a {asked} location; "
                f"{type(self.decoder).__name__} over {type(self.prior).__name__} latents "
                f"gives a {given} one. {advice}."
            )

    @property
    def constraints(self):
        parts = {
            "prior": self.prior.constraints,
            "decoder": self.decoder.constraints,
            "likelihood": self.likelihood.constraints,
        }
        return {name: constraints for name, constraints in parts.items() if constraints}

    @property
    def n_latents(self):
        return self.prior.n_latents

    @property
    def latent_support(self):
        return self.prior.support

    def init_params(self, X, rng):
        X = np.asarray(X, dtype=float)
        prior = self.prior.init_params(X, rng)
        rows = self.likelihood.location_of(X)
        labels = self.prior.support == "onehot"
        start = self.decoder.init_labels if labels else self.decoder.init_params
        decoder = start(rows, self.prior.n_latents, rng)
        location = self.decoder.location(decoder, self.prior.sample(prior, 1000, rng))
        if location.shape[1] != X.shape[1]:
            raise ValueError(
                f"{type(self.decoder).__name__} makes {location.shape[1]} columns of "
                f"{self.prior.n_latents} latents, but X has {X.shape[1]}. Put a decoder "
                "with params before it, such as Chain([Linear(), Elementwise()])."
            )
        likelihood = self.likelihood.init_params(X, location, rng)
        return {"prior": prior, "decoder": decoder, "likelihood": likelihood}

    def sample(self, params, n_samples, rng):
        prior, decoder, likelihood = parts_of(params)
        latents = self.prior.sample(prior, n_samples, rng)
        location = self.decoder.location(decoder, latents)
        return latents, self.likelihood.sample(likelihood, location, rng)

    def log_joint(self, params, latents, observations):
        prior, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, latents)
        missing = np.isnan(observations)
        if missing.any():
            filled = np.where(missing, 0.0, observations)
            entries = self.likelihood.log_density(likelihood, location, filled)
            entries = anp.where(missing, 0.0, entries)
        else:
            entries = self.likelihood.log_density(likelihood, location, observations)
        return self.prior.log_density(prior, latents) + anp.sum(entries, axis=1)

    def log_likelihood(self, params, latents, X):
        _, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, latents)
        seen = ~np.isnan(X)
        filled = np.where(seen, X, 0.0)
        if not self.likelihood.exponential_family:
            by_latents = (
                self.likelihood.log_density(likelihood, np.tile(row, (len(X), 1)), filled)
                for row in location
            )
            return np.stack([np.sum(seen * entries, axis=1) for entries in by_latents], 1)
        base = np.sum(seen * self.likelihood.log_base_measure(filled), axis=1)
        normalizer = self.likelihood.log_normalizer(likelihood, location)
        log_likelihood = (
            base[:, None] - seen @ np.broadcast_to(normalizer, location.shape).T
        )
        natural = self.likelihood.natural_parameters(likelihood, location)
        statistics = self.likelihood.sufficient_statistics(filled)
        for eta, statistic in zip(natural, statistics, strict=True):
            eta = np.broadcast_to(eta, location.shape)
            log_likelihood += (seen * statistic) @ eta.T
        return log_likelihood

    def expected_log_joint(self, params, latents, observations, weights, X):
        """The exponential-family form (the paper's Algorithm 1) where there is one.

        Sufficient statistics are known at the rows of X, so only natural parameters
        and log normaliser are regressed.
        """
        if not self.likelihood.exponential_family:
            return super().expected_log_joint(params, latents, observations, weights, X)
        prior, decoder, likelihood = parts_of(params)
        location = self.decoder.location(decoder, latents)
        missing = np.isnan(X)
        filled = np.where(missing, 0.0, X)
        normalizer = self.likelihood.log_normalizer(likelihood, location)
        entries = self.likelihood.log_base_measure(filled) - anp.dot(weights, normalizer)
        natural = self.likelihood.natural_parameters(likelihood, location)
        statistics = self.likelihood.sufficient_statistics(filled)
        for eta, statistic in zip(natural, statistics, strict=True):
            entries = entries + anp.dot(weights, eta) * statistic
        log_prior = anp.dot(weights, self.prior.log_density(prior, latents))
        return log_prior + anp.sum(anp.where(missing, 0.0, entries), axis=1)

    def move(self, params, step):
        """Steps are relative: the decoder's to the noise, the prior's to its params."""
        prior, _, likelihood = parts_of(params)
        scale = self.likelihood.scale(likelihood)
        if "decoder" in step:
            step = {**step, "decoder": self.decoder.in_units(step["decoder"], scale)}
        if "prior" in step:
            step = {**step, "prior": self.prior.in_units(step["prior"], prior)}
        if "likelihood" in step:
            step = {**step, "likelihood": self.likelihood.in_units(step["likelihood"])}
        return super().move(params, step)

    def linear_gaussian(self, params, spread=1.0):
        """The linear-Gaussian model with the same first two moments, or None.

        The variance of its latents is `spread` times the prior's.
        """
        known = self._linear_moments(params)
        if known is None:
            return None
        mean, components, centre, factor = known
        noise = self.likelihood.noise_variance(
            parts_of(params)[2], mean + centre @ components
        )
        return LinearGaussian(mean, components, noise, centre, np.sqrt(spread) * factor)

    def reweighted_gaussian(self, params):
        """Its counterpart under noise that is a scale mixture of Gaussians, or None."""
        known = self._linear_moments(params)
        if known is None or not self.likelihood.scale_mixture:
            return None
        return ReweightedGaussian(*known, self.likelihood, parts_of(params)[2])

    def latent_estimate(self, params, X):
        """The linear minimum-mean-square-error estimate, for linear means.

        Under noise with outliers entries are weighed first: :meth:`reweighted_gaussian`.
        """
        twin = self.reweighted_gaussian(params) or self.linear_gaussian(params)
        return None if twin is None else twin.posterior_mean(X)

    def _linear_moments(self, params):
        """Mean and linear map of locations, mean and factor of latents; None if unknown."""
        prior, decoder, _ = parts_of(params)
        moments = self.prior.moments(prior)
        linear = self.decoder.linear_map(decoder)
        if linear is None or moments is None or not self.likelihood.mean_is_location:
            return None
        return *linear, *moments

    def posterior_mean(self, params, X):
        twin = self._exact(params)
        return None if twin is None else twin.posterior_mean(X)

    def log_marginal(self, params, X):
        twin = self._exact(params)
        return None if twin is None else twin.log_marginal(X)

    def location(self, params, latents):
        return self.decoder.location(parts_of(params)[1], latents)

    def _exact(self, params):
        exact = self.prior.gaussian and self.likelihood.gaussian
        return self.linear_gaussian(params) if exact else None


def parts_of(params):
    """The sub-dicts of prior, decoder and likelihood; empty where there are none."""
    return tuple(params.get(part, {}) for part in ("prior", "decoder", "likelihood"))
