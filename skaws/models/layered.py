"""Layers of latents, each drawn from the one above."""

from numbers import Integral

import numpy as np
from sklearn.decomposition import non_negative_factorization

from ..moments import column_moments, principal_scores, some_rows
from ..priors.base import check_prior
from ..supports import OneHot
from .base import GenerativeModel
from .composed import check_locations, log_density_of_seen, log_likelihoods, row_sums

__all__ = ["LayeredModel"]

N_START = 1000  # draws of the layers, for the start
N_PARTS_TURNS = 100  # of non-negative factorisation


class LayeredModel(GenerativeModel):
    """Latents in layers: each is observed through a decoder and a likelihood by the next.

    ``z_L ~ prior``, ``z_l ~ likelihood_l(decoder_l(z_{l+1}))``, ``x ~
    likelihood(decoder(z_1))``: what a likelihood says of entries of X it says of a layer of
    latents as well.  With gamma layers over Poisson counts it is a deep exponential family,
    with Bernoulli layers a sigmoid belief network, with Gaussian ones and networks a deep
    latent Gaussian model.

    Latents are a dictionary of arrays (n, n_latents), ``"layer_L"`` of the prior first and
    ``"layer_1"``, from which x is drawn, last.

    Parameters
    ----------
    prior : Prior
        Distribution of the highest layer.
    layers : list of tuple (n_latents, decoder, likelihood)
        Layers between the prior and x, from above: the number of latents of the layer, the
        map from those above to their locations, and the distribution around these.  It must
        be differentiable in what it is a distribution of: ``Gaussian``, ``StudentT``,
        ``Gamma``; with ``Bernoulli`` layers are binary.
    decoder : Decoder
        Map from the lowest layer to locations of x.
    likelihood : Likelihood
        Distribution of the entries of x around their locations.

    Raises
    ------
    TypeError
        If a part is no such part, or `layers` "must be a list of" such tuples.
    ValueError
        If locations are outside the support that a likelihood takes.

    See Also
    --------
    skaws.models.LatentVariableModel : One layer.

    Notes
    -----
    Params are ``prior``, ``decoder``, ``likelihood``, and for each layer ``layer_l`` with
    ``decoder`` and ``likelihood``.  Where decoders are linear, the scale of a layer between
    is open: the maps on its two sides take it in.

    Ranganath et al. (2015), *Deep exponential families*, equations 4 and 5.

    Examples
    --------
    Three themes over eight topics over counts of thirty words:

    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gamma as GammaNoise
    >>> from skaws.likelihoods import Poisson
    >>> from skaws.priors import Gamma
    >>> parts = Linear(nonnegative=True)
    >>> model = LayeredModel(Gamma(3), [(8, parts, GammaNoise())], parts, Poisson())
    >>> rng = np.random.default_rng(0)
    >>> params = model.init_params(rng.poisson(2.0, (100, 30)).astype(float), rng)
    >>> latents, x = model.sample(params, 5, rng)
    >>> {name: z.shape for name, z in latents.items()}, x.shape
    ({'layer_2': (5, 3), 'layer_1': (5, 8)}, (5, 30))
    >>> model.log_joint(params, latents, x).shape
    (5,)
    """

    allows_missing = True

    def __init__(self, prior, layers, decoder, likelihood):
        self.prior = prior
        self.layers = layers
        self.decoder = decoder
        self.likelihood = likelihood
        self._check_parts()

    def _check_parts(self):
        check_prior(self.prior)
        if not all(
            isinstance(layer, (tuple, list))
            and len(layer) == 3
            and isinstance(layer[0], Integral)
            and layer[0] >= 1
            for layer in self.layers
        ):
            raise TypeError(
                "layers must be a list of (n_latents, decoder, likelihood), from above; "
                f"got {self.layers!r}."
            )
        if isinstance(self.prior.support, OneHot):
            raise ValueError(
                "Labels as the highest layer are a mixture: take "
                "priors.GaussianMixture, or LatentVariableModel with priors.Categorical."
            )
        decoder, likelihood = self._maps[0]
        check_locations(self.prior, decoder, likelihood)

    @property
    def _maps(self):
        """Decoder and likelihood of each layer from above, of x last."""
        between = [(decoder, likelihood) for _, decoder, likelihood in self.layers]
        return [*between, (self.decoder, self.likelihood)]

    @property
    def _names(self):
        """Of the layers, from above."""
        return [f"layer_{number}" for number in range(len(self.layers) + 1, 0, -1)]

    @property
    def constraints(self):
        own = {"prior": self.prior.constraints, **self._constraints_of(*self._maps[-1])}
        for name, maps in zip(self._names[1:], self._maps, strict=False):
            own[name] = self._constraints_of(*maps)
        return {name: constraints for name, constraints in own.items() if constraints}

    @staticmethod
    def _constraints_of(decoder, likelihood):
        own = {"decoder": decoder.constraints, "likelihood": likelihood.constraints}
        return {name: constraints for name, constraints in own.items() if constraints}

    def init_params(self, X, rng):
        self._check_parts()  # they may have been set since
        rows = self.likelihood.location_of(np.asarray(X, dtype=float))
        prior = self.prior.init_params(rows, rng)
        sizes = [self.prior.n_latents, *(n_latents for n_latents, _, _ in self.layers)]
        # From below: what each layer might be, were it seen.
        seen, below = [], some_rows(rows)
        for size, (_, likelihood) in zip(sizes[:0:-1], self._maps[-2::-1], strict=True):
            below = likely_codes(below, size, likelihood, rng)
            seen.insert(0, below)
        seen.append(rows)
        params, latents = {"prior": prior}, self.prior.sample(prior, N_START, rng)
        for name, size, below, (decoder, likelihood) in zip(
            [*self._names[1:], None], sizes, seen, self._maps, strict=True
        ):
            own = {"decoder": decoder.init_params(likelihood.location_of(below), size, rng)}
            location = decoder.location(own["decoder"], latents)
            if location.shape[1] != below.shape[1]:
                raise ValueError(
                    f"{decoder} makes {location.shape[1]} columns of {size} latents, but "
                    f"what is below has {below.shape[1]}. Give a decoder with params."
                )
            own["likelihood"] = likelihood.init_params(below, location, rng)
            latents = likelihood.sample(own["likelihood"], location, rng)
            params.update(own if name is None else {name: own})
        return params

    def _own(self, params):
        """Name, params, decoder and likelihood of each layer but the highest, of x last."""
        names = [*self._names[1:], None]
        for name, (decoder, likelihood) in zip(names, self._maps, strict=True):
            own = params if name is None else params.get(name, {})
            yield name, own, decoder, likelihood

    def sample(self, params, n_samples, rng):
        z = self.prior.sample(params.get("prior", {}), n_samples, rng)
        latents = {self._names[0]: z}
        for name, own, decoder, likelihood in self._own(params):
            location = decoder.location(own.get("decoder", {}), z)
            z = likelihood.sample(own.get("likelihood", {}), location, rng)
            if name is not None:
                latents[name] = z
        return latents, z

    def log_joint(self, params, latents, observations):
        above = latents[self._names[0]]
        total = self.prior.log_density(params.get("prior", {}), above)
        for name, own, decoder, likelihood in self._own(params):
            location = decoder.location(own.get("decoder", {}), above)
            noise = own.get("likelihood", {})
            if name is None:
                entries = log_density_of_seen(likelihood, noise, location, observations)
            else:
                above = latents[name]
                entries = likelihood.log_density(noise, location, above)
            total = total + row_sums(entries)
        return total

    def location(self, params, latents):
        return self.decoder.location(params.get("decoder", {}), latents["layer_1"])

    def mean(self, params, latents):
        location = self.location(params, latents)
        return self.likelihood.mean(params.get("likelihood", {}), location)

    def observe(self, params, latents, rng):
        location = self.location(params, latents)
        return self.likelihood.sample(params.get("likelihood", {}), location, rng)

    def log_likelihood(self, params, latents, X):
        location = self.location(params, latents)
        return log_likelihoods(self.likelihood, params.get("likelihood", {}), location, X)

    def by_layer(self, columns):
        """Columns of ``transform`` as a dictionary, layer by layer.

        Parameters
        ----------
        columns : array of shape (..., n_latents)
            Latents of all layers side by side, as ``transform`` and ``sample_posterior`` of
            :class:`skaws.AmortisedLearner` give them.

        Returns
        -------
        latents : dict of arrays of shape (..., n_latents of the layer)
        """
        sizes = [self.prior.n_latents, *(n_latents for n_latents, _, _ in self.layers)]
        parts = np.split(columns, np.cumsum(sizes)[:-1], axis=-1)
        return dict(zip(self._names, parts, strict=True))

    def move(self, params, step):
        """Steps are relative: a decoder's to its noise, the prior's to its params."""
        if "prior" in step:
            prior = self.prior.in_units(step["prior"], params.get("prior", {}))
            step = {**step, "prior": prior}
        for name, own, decoder, likelihood in self._own(params):
            part = step if name is None else step.get(name, {})
            if "decoder" in part:
                scale = likelihood.scale(own.get("likelihood", {}))
                moved = {**part, "decoder": decoder.in_units(part["decoder"], scale)}
                step = moved if name is None else {**step, name: moved}
        return super().move(params, step)


def likely_codes(rows, n_latents, likelihood, rng):
    """What a layer of latents might be, of a kind that a likelihood takes.

    Principal component scores where entries may be any number, parts of rows where they
    must be positive, and whether these are more than usual where they must be 0 or 1.
    """
    codes = principal_scores(rows, n_latents, rng)
    if takes(likelihood, codes):
        return codes
    filled = np.where(np.isnan(rows), column_moments(rows)[0], rows)
    filled = filled - np.minimum(filled.min(axis=0), 0.0)
    parts, _, _ = non_negative_factorization(
        filled,
        n_components=n_latents,
        init="nndsvda",
        max_iter=N_PARTS_TURNS,
        tol=1e-2,
        random_state=0,
    )
    parts = parts / np.maximum(parts.mean(axis=0), 1e-12) + 0.01
    if takes(likelihood, parts):
        return parts
    return (parts > np.median(parts, axis=0)).astype(float)


def takes(likelihood, entries):
    """Whether a likelihood takes such entries."""
    try:
        likelihood.check_entries(entries)
    except ValueError:
        return False
    return True
