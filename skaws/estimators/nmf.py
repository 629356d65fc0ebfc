"""Non-negative matrix factorisation."""

from itertools import chain
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_non_negative

from ..batches import dense_rows, row_slices
from ..decoders import Linear, LogOdds
from ..evaluation.summary import feature_names
from ..likelihoods import Bernoulli, Gaussian, Likelihood, NegativeBinomial, Poisson
from ..likelihoods import Gamma as GammaNoise
from ..methods import Method, single
from ..models import AdditiveParts, ComponentsPrior, LatentVariableModel
from ..moments import column_moments
from ..objectives import ResidualRegression, WeightedDraws
from ..optimizers import HeavyBall
from ..posteriors import Gamma as GammaPosterior
from ..posteriors import Logit
from ..priors import Gamma, UnitUniform
from ..regression import KernelRegression, RunningInformation
from ..schedules import PlateauThenDecay
from .base import AmortisedEstimator
from .mixin import span
from .searches import best_of_short_starts
from .validation import representative_rows, warn_of_decimals, warn_of_few_rows

__all__ = ["AmortisedNMF"]

LIKELIHOODS = {
    "poisson": Poisson,
    "gaussian": Gaussian,
    "bernoulli": Bernoulli,
    "negative_binomial": NegativeBinomial,
    "gamma": GammaNoise,
}
FIRST_SHAPE = 0.3
STEP, GAUSSIAN_STEP, OF_DRAWS = 0.1, 0.03, 0.15
N_ROWS_FOR_STARTS = 1000
N_AT_ONCE = 10_000  # rows whose entries are looked at together
SMALLEST_PART, SMALLEST_ENTRY = 0.1, 1e-6  # of known components, relative
N_SHORT = 100
MOST_FROM_ROWS = 2  # starts; few parts have few optima
N_DECAY = 60  # of the last iterations
ENTRIES_COMPARED = 40_000
N_SIMULATIONS = 100  # of which draws make no use


class AmortisedNMF(AmortisedEstimator):
    """Non-negative factors of counts, binary or positive rows, with a likelihood.

    ``x ~ Poisson(z @ components_)`` with positive components and independent ``z ~
    Gamma(shape_)`` of mean one; or with another likelihood.  Entries of X may be missing
    (NaN), rows may have weights, X may be sparse or larger than memory.  Rows are random
    here: small shapes make few components active in a row, and hidden entries are
    predicted without overfitting.  Without noise in X :class:`sklearn.decomposition.NMF`
    is faster, and reproduces it exactly.

    Parameters
    ----------
    n_components : int, default=None
        Number of components. None takes ten, or as many as X has columns.
    likelihood : {"poisson", "gaussian", "bernoulli", "negative_binomial", "gamma"} or \
Likelihood, default="poisson"
        Distribution of an entry about its location, by name or as an instance from
        :mod:`skaws.likelihoods`. "bernoulli" is for entries 0 and 1: its latents lie
        between 0 and 1, and their log odds are mixed, ``logit(z) @ components_ +
        intercept_``. "gamma" is for positive entries whose standard deviation grows with
        their mean: powers, durations.
    prior : {"gamma", "exponential"} or Gamma, default=None
        Distribution of the latents. "exponential" is a Gamma distribution of shape 1,
        not learnt. None is "gamma", or uniform in (0, 1) with "bernoulli", which takes
        no other.
    shape : {"per_component", "shared"}, default="per_component"
        Whether each component learns a shape of its own, or all share one.
    components_prior : tuple of two floats, default=None
        Shape and rate of a Gamma distribution of all entries of `components_`, whose
        posterior mode is then sought. It counts once for the table, however many rows
        that has (in `partial_fit`: for what is passed). None is maximum likelihood. Shapes
        below 1 with a small rate, such as ``(0.5, 1e-3)``, make components sparse; entries
        then go on towards zero, so that such fits seldom converge. Shape 1
        is an L1 penalty of weight rate; since latents have mean one, it makes all smaller,
        and none sparse.
    components_init : array-like of shape (n_known, n_features), default=None
        Non-negative components to start from, at most `n_components`: the first, in this
        order, of ``components_``. Their proportions count; sizes are found anew. The others
        start as they would without.
    n_fixed : int, default=0
        Number of rows of `components_init`, the first, that keep their proportions: known
        spectra, signatures or topics, of which only the sizes are learnt.
    n_simulations : int, default=None
        Pairs simulated in each iteration, of which only a regression makes use. None takes
        100; for a regression as many as X has rows, 100 to 300.
    batch_size : int, default=300
        Largest number of rows in an iteration. A table of no more rows than this is
        used whole, and the fit does not depend on the order of its rows.
    max_iter : int, default=300
        Largest number of iterations; the last third of them, at most, runs at a
        learning rate that falls to zero.
    learning_rate : float, default=None
        Gain of a full step, in units of information
        (:class:`skaws.optimizers.HeavyBall`); None takes 0.15.  With a regression: size of
        a full step of Adam, relative to each component's entry; None takes 0.1, or 0.03
        under Gaussian noise, which may be small beside the entries.
    regressor : KernelRidge or AdaptiveKernelRegression, default=None
        None climbs the log joint at weighted draws of each row's latents (see Notes). A
        regression is of its residual from the log joint at the posterior mode, which is
        worse for large counts; "bernoulli" always has one, by default
        ``KernelRidge(kernel="precomputed", alpha=1)``
        (:class:`skaws.regression.KernelRegression`).
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=60
        Number of iterations over which the gain is summed.
    n_init : int, default=1
        Number of restarts; the one of highest likelihood is kept. One goes on from the
        best of three short fits, one begun at NNDSVD and two at rows far from each other
        (of two with two components); each of several begins at such rows.
    n_jobs : int, default=None
        Number of processes for restarts, as joblib's. Results do not depend on it.
    warm_start : bool, default=False
        Whether `fit` starts from the last call's answer.
    random_state : int, RandomState instance or None, default=None
        Source of randomness; an int gives the same bits every time.
    verbose : int, default=0
        1 prints a table of about ten rows, 2 a row for each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Positive components, in units of X for a latent of one, which is its mean. Rows come
        by their sum, largest first: by the expected total that a component adds to a
        row. With `components_init` they come in its order.
    shape_ : ndarray of shape (n_components,)
        Shapes of the latents, whose variances are 1 / shape; not with "bernoulli".
    intercept_ : ndarray of shape (n_features,)
        Log odds of each column at latents of one half; only with "bernoulli".
    noise_variance_ : float
        Variance of the noise; only with "gaussian".
    size_ : float
        Size of the negative binomial distribution, whose variance is ``mean + mean^2 /
        size_``; only with "negative_binomial".
    noise_shape_ : float
        Shape of the Gamma distribution of entries, of variance ``mean^2 / noise_shape_``;
        only with "gamma".
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance of the columns, summed, that each component explains, in squared units of
        X, and its share of their variance under the model, the noise of counts at their
        mean; not with "bernoulli".
    params_ : dict
        The model's nested params.
    n_iter_ : int
        Number of iterations.
    history_ : dict of ndarray
        As that of :class:`AmortisedFactorAnalysis`.
    converged_ : bool
        Whether steps had stopped paying before `max_iter` made them smaller, and the
        log-likelihood of the answer is not raised by a few steps of EM.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X has names that are all strings.

    Raises
    ------
    ValueError
        In `fit`, if X has negative entries, or entries above one "with a Bernoulli
        likelihood", or zeros with "gamma"; or if `likelihood`, `prior`, `components_prior`,
        `components_init` and `n_components` do not go together.

    Warns
    -----
    UserWarning
        In `fit`, if "X has decimals" under a likelihood of counts.

    See Also
    --------
    sklearn.decomposition.NMF : Point estimates of every row; no missing entries.
    sklearn.decomposition.LatentDirichletAllocation : Counts given each row's total.

    Notes
    -----
    Estimated as in [1]_, with several draws for each row weighted by importance
    (:class:`skaws.objectives.WeightedDraws`), centred latents
    (:class:`skaws.models.AdditiveParts`) and steps in units of measured information; see
    the user guide.  One iteration costs O(batch_size n_components (n_features +
    n_components^2) + n_features n_components^3), whatever the number of rows; sparse
    tables are made dense a batch at a time (and at most 1000 rows for the start).

    ``score`` and ``transform`` are importance sampling with 200 draws a row, the same every
    time (:func:`skaws.evaluation.importance_posterior`).  With thirty components or more
    few of them count, and scores come out low (the user guide has figures).

    References
    ----------
    .. [1] J. Bornschein, Y. Bengio. Reweighted wake-sleep. ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skaws import AmortisedNMF
    >>> X = load_digits().data
    >>> X[::2, 20] = np.nan
    >>> model = AmortisedNMF(n_components=5, max_iter=150, random_state=0).fit(X)
    >>> latents = model.transform(X)
    >>> filled = model.inverse_transform(latents)
    >>> bool((latents >= 0).all() and np.isfinite(filled).all())
    True
    """

    _parameter_constraints: dict = {
        **AmortisedEstimator._parameter_constraints,
        "likelihood": [StrOptions(set(LIKELIHOODS)), Likelihood],
        "prior": [StrOptions({"gamma", "exponential"}), Gamma, None],
        "shape": [StrOptions({"per_component", "shared"})],
        "components_prior": [tuple, None],
        "components_init": ["array-like", None],
        "n_fixed": [Interval(Integral, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        likelihood="poisson",
        prior=None,
        shape: str = "per_component",
        components_prior=None,
        components_init: ArrayLike | None = None,
        n_fixed: int = 0,
        n_simulations: int | None = None,
        batch_size: int = 300,
        max_iter: int = 300,
        learning_rate: float | None = None,
        regressor=None,
        tol: float = 1e-3,
        n_iter_no_change: int = 60,
        n_init: int = 1,
        n_jobs: int | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
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
        self.likelihood = likelihood
        self.prior = prior
        self.shape = shape
        self.components_prior = components_prior
        self.components_init = components_init
        self.n_fixed = n_fixed

    @property
    def _n_representative(self):
        return max(self.batch_size, N_ROWS_FOR_STARTS)

    @property
    def _kind(self):
        """Class of the likelihood, which is given by name or as an instance."""
        named = isinstance(self.likelihood, str)
        return LIKELIHOODS[self.likelihood] if named else type(self.likelihood)

    @property
    def _binary(self):
        return issubclass(self._kind, Bernoulli)

    def _make_model(self, X):
        n_components = self.n_components or min(10, X.shape[1])
        likelihood = self._make_likelihood(X)
        if self._binary:
            parts = UnitUniform(n_components), LogOdds(), likelihood
        else:
            start = "nndsvd" if self.n_init == 1 else "rows"
            decoder = Linear(nonnegative=True, start=start)
            parts = self._make_prior(n_components), decoder, likelihood
        if self.components_prior is None:
            model = LatentVariableModel(*parts)
        else:
            model = ComponentsPrior(*parts, *self.components_prior)
        if not self._draws:
            return model
        seen = np.mean(~np.isnan(X), axis=0)
        return AdditiveParts(model, seen, model.units_of(X), self.n_fixed)

    def _start(self, model, rows, rng):
        params = super()._start(model, rows, rng)
        if self.components_init is None:
            return params
        known = np.asarray(self.components_init, dtype=float)
        components = params["decoder"]["components"]
        start = with_known(components, known, column_moments(rows)[0])
        return {**params, "decoder": {**params["decoder"], "components": start}}

    @property
    def _draws(self):
        """Whether latents are drawn, and no log joint is regressed."""
        return self.regressor is None and not self._binary

    def _make_likelihood(self, X):
        if not isinstance(self.likelihood, str):
            needed = () if self._binary else ("noise_variance", "slopes", "information")
            lacking = [name for name in needed if not hasattr(self.likelihood, name)]
            if lacking:
                raise ValueError(
                    f"AmortisedNMF needs a likelihood whose mean is its location, with the "
                    f"methods {', '.join(needed)}; {self.likelihood} has no {lacking[0]}. "
                    "Use Poisson(link='identity'), for example."
                )
            return self.likelihood
        if self.likelihood == "gaussian":
            return Gaussian(floor=1e-6 * (np.mean(column_moments(X)[1] ** 2) or 1.0))
        return LIKELIHOODS[self.likelihood]()

    def _make_prior(self, n_components):
        if self.prior == "exponential":
            return Gamma(n_components, shape=1.0, learned=False)
        if self.prior is None or self.prior == "gamma":
            return Gamma(n_components, FIRST_SHAPE, shared=self.shape == "shared")
        if self.prior.n_latents != n_components:
            raise ValueError(
                f"AmortisedNMF has n_components={n_components}, but a prior for "
                f"{self.prior.n_latents} latents. Give both the same number."
            )
        return self.prior

    def _make_method(self, model, rows, n_rows):
        if self._draws:
            return Method(
                "draws",
                single(WeightedDraws()),
                GammaPosterior(),
                RunningInformation(),
                n_simulations=N_SIMULATIONS,
                max_iter=self.max_iter,
                learning_rate=OF_DRAWS,
                n_iter_no_change=self.n_iter_no_change,
            )
        return Method(
            "residual",
            single(ResidualRegression()),
            Logit() if self._binary else GammaPosterior(),
            KernelRegression(),
            n_simulations=min(max(100, n_rows), 300),
            max_iter=self.max_iter,
            learning_rate=GAUSSIAN_STEP if issubclass(self._kind, Gaussian) else STEP,
            n_iter_no_change=self.n_iter_no_change,
        )

    def _search(self, start, rows, run):
        """The likeliest of short fits from NNDSVD and from rows far from each other."""
        n_short = min(N_SHORT, start.method.max_iter // 3)
        n_others = min(MOST_FROM_ROWS, start.model.prior.n_latents - 1)
        if not self._draws or self.n_init > 1 or 0 in (n_short, n_others):
            return super()._search(start, rows, run)
        others = clone(start.model).set_params(model__decoder__start="rows")
        from_rows = (self._start(others, rows, start.rng) for _ in range(n_others))
        n_compared = int(np.clip(ENTRIES_COMPARED // rows.shape[1], 50, 300))
        compared = representative_rows(rows, None, n_compared)

        def short(params):
            schedule = PlateauThenDecay(n_short, self.tol, n_short)
            return run(
                self._fresh_state(start.model, start.method, params, start.rng, schedule)
            )

        return best_of_short_starts(
            chain([start.params], from_rows),
            short,
            lambda training: self._rank(training, compared),
        )

    def _make_schedule(self, method):
        n_decay = N_DECAY if method.name == "draws" else None
        return PlateauThenDecay(method.max_iter, self.tol, method.n_iter_no_change, n_decay)

    def _make_optimizer(self, method):
        if method.name == "draws":
            return HeavyBall(method.learning_rate, noise_variance=np.inf)
        return super()._make_optimizer(method)

    def _set_attributes(self, params):
        decoder = params["decoder"]
        order = np.arange(len(decoder["components"]))
        if self.components_init is None:
            order = np.argsort(-decoder["components"].sum(axis=1), kind="stable")
        model = self._state.model
        self._model = model.model if isinstance(model, AdditiveParts) else model
        self.components_ = decoder["components"][order]
        self.params_ = {**params, "decoder": {**decoder, "components": self.components_}}
        if self._binary:
            self.intercept_ = decoder["intercept"]
        else:
            self.shape_ = self._model.prior.shapes(params["prior"])[order]
            if len(params["prior"]["shape"]) > 1:
                self.params_["prior"] = {"shape": self.shape_}
        for name, value in params.get("likelihood", {}).items():
            setattr(self, "noise_shape_" if name == "shape" else f"{name}_", value)

    def posterior_mode(self, X: ArrayLike) -> np.ndarray:
        """Posterior mode of the latents given each row, a cheaper :meth:`transform`.

        The mode is that of the density of log z (with "bernoulli": of the log odds of
        z), found by 100 steps, without importance sampling.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.

        Returns
        -------
        latents : ndarray of shape (n_samples, n_components)
        """
        X, _ = self._check_X(X, None, reset=False)
        latents = self._posterior.mean  # whose modes are sought by a hundred steps
        modes = self._answers(X, lambda X: latents(dense_rows(X)))
        return modes.astype(X.dtype, copy=False)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Expected observations given latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents, as :meth:`transform` returns.

        Returns
        -------
        expected : ndarray of shape (n_samples, n_features)
            Non-negative; shares of ones with "bernoulli".
        """
        location = super().inverse_transform(X)
        expected = self._model.likelihood.mean(self.params_.get("likelihood"), location)
        return expected.astype(location.dtype, copy=False)

    @property
    def _n_parameters(self):
        # Of components that are fixed the sizes alone are free.
        return super()._n_parameters - self.n_fixed * (self.n_features_in_ - 1)

    def _summary(self):
        columns, notes = super()._summary()
        totals = self.components_.sum(axis=1)
        shown = {"component": columns["component"], "total": totals.tolist()}
        if not self._binary:
            shown["share"] = (totals / totals.sum()).tolist()
            shown["shape"] = np.broadcast_to(self.shape_, totals.shape).tolist()
        shown["largest entries"] = columns["largest entries"]
        for name, value in self.params_.get("likelihood", {}).items():
            words = "noise shape" if name == "shape" else name.replace("_", " ")
            notes.append(f"{words} {span(value)}")
        return shown, notes

    def top_features(self, n_features: int = 10, *, by: str = "weight"):
        """Names of the columns that are largest in each component: a topic's top words.

        Parameters
        ----------
        n_features : int, default=10
            How many for each component.
        by : {"weight", "lift"}, default="weight"
            Entries of ``components_``, or their share of the column's sum over components
            times the root of their weight, which leaves out what is frequent everywhere.

        Returns
        -------
        names : list of list of str
            For each component, largest first; "x3" is the fourth column where columns have
            no names.

        Raises
        ------
        ValueError
            If `by` is neither of the two.

        See Also
        --------
        skaws.evaluation.coherence : Whether top words occur together.

        Examples
        --------
        >>> import pandas as pd
        >>> X = pd.DataFrame({"goal": [5, 4, 0], "match": [3, 4, 0], "vote": [0, 0, 6]})
        >>> model = AmortisedNMF(2, max_iter=50, random_state=0).fit(pd.concat([X] * 20))
        >>> sorted(model.top_features(1))
        [['goal'], ['vote']]
        """
        check_is_fitted(self)
        weight = self.components_
        if by not in ("weight", "lift"):
            raise ValueError(f'by must be "weight" or "lift"; got {by!r}.')
        if by == "lift":
            total = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
            weight = weight / total * np.sqrt(weight)
        names = feature_names(self)
        order = np.argsort(-weight, axis=1, kind="stable")[:, :n_features]
        return [[names[j] for j in row] for row in order]

    def perplexity(self, X: ArrayLike) -> float:
        """Exponential of the negative log-likelihood for each count in X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of counts; NaN marks a missing entry.

        Returns
        -------
        perplexity : float
            Lower is better. Unlike that of
            :class:`sklearn.decomposition.LatentDirichletAllocation` it is not
            conditional on the totals of rows.

        Raises
        ------
        ValueError
            If X "holds no counts".
        """
        X = self._rows(X)
        log_likelihood = np.sum(self._score_samples(X))
        total = X.sum() if issparse(X) else np.nansum(X)
        if total == 0:
            raise ValueError(
                "X holds no counts: perplexity is that of one count, in the mean. Pass "
                "rows with counts, or see score."
            )
        return float(np.exp(-log_likelihood / total))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags

    def _check_X(self, X, sample_weight, reset):
        X, sample_weight = super()._check_X(X, sample_weight, reset)
        least, most = extremes(X)
        check_non_negative(np.array([[least]]), "AmortisedNMF (input X)")
        if reset and self._binary:
            check_binary(self.prior, most)
        if reset:
            check_components_prior(self.components_prior)
            self._check_known(X.shape[1])
        return X, sample_weight

    def _check_known(self, n_features):
        """Raise ValueError if known components cannot be those of this table."""
        known = self.components_init
        if known is None and self.n_fixed == 0:
            return
        if known is None:
            raise ValueError(
                f"AmortisedNMF has n_fixed={self.n_fixed}, but no components_init. Give "
                "the components that are known."
            )
        known = check_array(known, input_name="components_init")
        check_non_negative(known, "AmortisedNMF (components_init)")
        most = self.n_components or min(10, n_features)
        if known.shape[1] != n_features or len(known) > most:
            raise ValueError(
                f"components_init must have {n_features} columns, those of X, and at most "
                f"{most} rows, the components; got shape {known.shape}."
            )
        if self.n_fixed > len(known):
            raise ValueError(
                f"AmortisedNMF has n_fixed={self.n_fixed}, but components_init has "
                f"{len(known)} rows. Give the components that are known."
            )
        if not known.any(axis=1).all():
            raise ValueError("components_init has a row of zeros. Leave it out.")
        if not self._draws:
            raise ValueError(
                "components_init and n_fixed need the fit by draws: leave regressor=None, "
                "and take another likelihood than Bernoulli's."
            )

    def _warn_of_odd_tables(self, X, rows):
        warn_of_few_rows(X.shape[0], self.n_components, "AmortisedNMF")
        if self._kind.counts:
            warn_of_decimals(rows)


def with_known(components, known, means):
    """Components of which the first are in proportion to known ones.

    Sizes are those by which all together come nearest to the columns' means; none is
    nothing, and no entry is zero, which would stay so.
    """
    start = np.concatenate([known, components[len(known) :]])
    start = start / start.sum(axis=1, keepdims=True)
    sizes = nnls(start.T, means)[0]
    sizes = np.maximum(sizes, SMALLEST_PART * np.sum(means) / len(start))
    start = sizes[:, np.newaxis] * start
    return np.maximum(start, SMALLEST_ENTRY * start.max(axis=1, keepdims=True))


def check_components_prior(pair):
    """Raise ValueError unless `pair` is None or two positive numbers."""
    if pair is None:
        return
    if len(pair) != 2 or not all(isinstance(p, Real) and p > 0 for p in pair):
        raise ValueError(
            "components_prior must be None or a tuple of two positive numbers, shape and "
            f"rate; got {pair!r}."
        )


def extremes(X):
    """Least and largest entry of a table, or zero; NaN is no number."""
    parts = [X.data] if issparse(X) else (X[rows] for rows in row_slices(X, N_AT_ONCE))
    least = most = 0.0
    for part in map(np.asarray, parts):
        least = np.fmin.reduce(part, axis=None, initial=least)
        most = np.fmax.reduce(part, axis=None, initial=most)
    return least, most


def check_binary(prior, most):
    """Raise ValueError if a Bernoulli likelihood does not suit the prior or the rows."""
    if prior is not None:
        raise ValueError(
            f"AmortisedNMF has prior={prior!r} with a Bernoulli likelihood, whose "
            "latents are uniform in (0, 1). Leave prior=None."
        )
    if most > 1.0:
        raise ValueError(
            "AmortisedNMF has a Bernoulli likelihood, but X has entries up to "
            f"{most:.3g}. Binarise X, or take another likelihood."
        )
