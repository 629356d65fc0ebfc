"""Independent component analysis."""

from itertools import count

import numpy as np
from sklearn.utils._param_validation import HasMethods, StrOptions

from ..decoders import Linear, Span
from ..likelihoods import Gaussian
from ..models import LatentVariableModel
from ..optimizers import HeavyBall, PlateauThenDecay
from ..priors import (
    GeneralizedNormal,
    Independent,
    Laplace,
    Logistic,
    Mixed,
    StudentT,
    Uniform,
)
from ..regression import ConstantEmbedding, LatentDraw, WideEstimate
from .base import AmortisedEstimator
from .ica_starts import (
    N_FOR_FOURTH_MOMENTS,
    N_SHORT,
    best_noise_level,
    best_of_short_starts,
    first_noise_variance,
)
from .rotation import settled

__all__ = ["AmortisedICA"]

SOURCES = {
    "generalized_normal": GeneralizedNormal,
    "laplace": Laplace,
    "logistic": Logistic,
    "student_t": StudentT,
    "uniform": Uniform,
}

SQUARE_GAIN = 2 / 3  # less noise tells them apart, and steadies directions close to it
N_COMPARED = 2000  # rows on which short trainings are compared
N_CANDIDATES = 8  # draws of the latents of an overcomplete model


class AmortisedICA(AmortisedEstimator):
    """Independent component analysis under noise, by amortised maximum likelihood.

    ``x = mean_ + mixing_ @ s + noise`` with independent, non-Gaussian sources s of unit
    variance and Gaussian noise.  There may be fewer sources than columns, as many, or more;
    entries of X may be missing (NaN), and rows may have weights.  Without noise and holes
    :class:`sklearn.decomposition.FastICA` is faster on small tables.

    Parameters
    ----------
    n_components : int, default=None
        Number of sources. None takes as many as X has columns.
    sources : {"generalized_normal", "laplace", "logistic", "student_t", "uniform"}, \
Prior or list, default="generalized_normal"
        Distribution of the sources, of unit variance. The generalised normal learns a
        shape for each source, peaked or flat. A list gives each component its own, by
        name or as an instance from :mod:`skaws.priors` for one latent.
    noise : {"isotropic", "per_feature"}, default="isotropic"
        Whether all columns share one noise variance or each has its own.
    n_simulations : int, default=None
        Pairs simulated in each iteration. None takes as many as there are rows in a batch,
        at least 200.
    batch_size : int, default=1500
        Largest number of rows in an iteration. A table of no more rows than this is
        used whole, and the fit does not depend on the order of its rows.
    max_iter : int, default=600
        Largest number of iterations; the last third of them, at most, runs at a
        learning rate that falls to zero.
    learning_rate : float, default=0.15
        Gain of a full step, in units of Fisher information
        (:class:`skaws.optimizers.HeavyBall`).
    regressor : KernelRidge or AdaptiveEmbedding, default=None
        The regression of the log joint. None takes its residual from the baseline for
        constant, which costs nothing and lets a thousand simulations be used; see Notes.
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=200
        Number of iterations over which the gain is summed.
    n_init : int, default=1
        Number of restarts; the one of highest likelihood is kept.
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
        Unmixing matrix, the pseudo-inverse of `mixing_`. With noise, posterior means
        (:meth:`transform`) are better estimates of the sources than ``(X - mean_) @
        components_.T``.
    mixing_ : ndarray of shape (n_features, n_components)
        Mixing matrix. Columns come by the variance that their source explains, largest
        first (as listed, where `sources` is a list); the entry of largest absolute value
        in a column is positive.
    mean_ : ndarray of shape (n_features,)
        Mean of each column.
    noise_variance_ : float or ndarray of shape (n_features,)
        Variance of the noise.
    params_ : dict
        The model's nested params, shapes of the sources among them.
    n_iter_ : int
        Number of iterations.
    history_ : dict of ndarray
        As that of :class:`AmortisedFactorAnalysis`.
    converged_ : bool
        Whether steps had stopped paying before `max_iter` made them smaller.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X has names that are all strings.

    Raises
    ------
    ValueError
        In `fit`, if there are not "as many sources as components".

    See Also
    --------
    sklearn.decomposition.FastICA : No noise model; no missing entries.
    AmortisedFactorAnalysis : Gaussian sources, which leave a rotation open.

    Notes
    -----
    The mixing is learnt in centred latents, by natural-gradient steps, as the user guide
    says; the baseline is the log joint at draws about each row's linear estimate.  With
    `regressor` None the estimating equation is calibrated (its mean is zero at the truth)
    but is not exactly that of maximum likelihood.

    Fewer sources than columns: the noise shows beyond the sources' span.  With as many
    sources as columns, or more, second moments do not tell noise from signal.  A square
    mixing is then fitted at six noise levels, from low to high, which are compared by
    likelihood, if there are 1000 rows at least; the level is coarse, and zero noise is
    reported as 2% of the smallest principal variance.  More sources than columns can be
    found when they are sparse: eight short fits from random starts are compared, but local
    optima remain (the user guide has figures), so compare more by `n_init`.  `n_iter_` and
    `history_` do not count these searches, and :meth:`partial_fit` makes none (a square
    mixing then keeps the lowest noise).

    Sources must have a variance.  Where outliers dominate it (kurtosis beyond 100, speech),
    ``sources="student_t"`` is the better choice, and more columns than sources.

    ``score`` and ``transform`` are importance sampling with 200 draws a row (or eight for
    each source), the same every time (:func:`skaws.evaluation.importance_posterior`).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sources = rng.laplace(size=(2000, 2)) / np.sqrt(2)
    >>> mixing = np.array([[2.0, 0.5], [1.0, -1.0], [0.0, 1.5], [1.0, 1.0]])
    >>> X = sources @ mixing.T + 0.3 * rng.standard_normal((2000, 4))
    >>> ica = AmortisedICA(n_components=2, random_state=0).fit(X)
    >>> bool(abs(ica.noise_variance_ - 0.09) < 0.01)
    True
    >>> found = ica.transform(X)
    >>> bool(abs(np.corrcoef(found[:, 0], sources[:, 0])[0, 1]) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **AmortisedEstimator._parameter_constraints,
        "sources": [StrOptions(set(SOURCES)), HasMethods("log_density"), list, tuple],
        "noise": [StrOptions({"isotropic", "per_feature"})],
    }

    _n_representative = 100_000  # the span of the signal is learnt from these alone

    def __init__(
        self,
        n_components=None,
        *,
        sources="generalized_normal",
        noise="isotropic",
        n_simulations=None,
        batch_size=1500,
        max_iter=600,
        learning_rate=0.15,
        regressor=None,
        tol=1e-3,
        n_iter_no_change=200,
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
        self.sources = sources
        self.noise = noise

    def _make_model(self, X):
        n_features = X.shape[1]
        n_components = self.n_components or n_features
        typical = np.nanvar(X, axis=0).mean() or 1.0
        per_feature = self.noise == "per_feature"
        # The information about the logarithm of a variance is half the number of columns
        # that it is of.
        unit = np.sqrt(2.0 / (1 if per_feature else n_features))
        held = n_components == n_features
        return LatentVariableModel(
            prior=Mixed(self._make_sources(n_components)),
            decoder=Span(),
            likelihood=Gaussian(
                per_feature, floor=1e-8 * typical, unit=0 if held else unit
            ),
        )

    def _make_sources(self, n_components):
        if isinstance(self.sources, str):
            return SOURCES[self.sources](n_components)
        sources = self.sources
        if isinstance(sources, (list, tuple)):
            sources = Independent(
                [SOURCES[part](1) if isinstance(part, str) else part for part in sources]
            )
        if sources.n_latents != n_components:
            raise ValueError(
                f"AmortisedICA has n_components={n_components}, but sources for "
                f"{sources.n_latents}. Give as many sources as components, or one name "
                "for all."
            )
        return sources

    def _make_regression(self):
        if self.regressor is None:
            return ConstantEmbedding()
        return super()._make_regression()

    def _make_estimate(self):
        n_components = self.n_components or self.n_features_in_
        if n_components > self.n_features_in_:
            return LatentDraw(N_CANDIDATES)
        if n_components == self.n_features_in_:
            return LatentDraw()
        # Outlying rows, shrunk, would be mistaken for noise, and noise for shrinkage.
        return LatentDraw(estimate=WideEstimate())

    def _make_optimizer(self, schedule=None):
        square = (self.n_components or self.n_features_in_) == self.n_features_in_
        return HeavyBall((SQUARE_GAIN if square else 1.0) * self.learning_rate, schedule)

    def _enough_simulations(self, model, n_rows):
        return max(200, min(n_rows, self.batch_size))

    def _start(self, model, rows, rng):
        noise_variance = first_noise_variance(rows, model.n_latents)
        at_noise = LatentVariableModel(model.prior, Span(noise_variance), model.likelihood)
        params = at_noise.init_params(rows, rng)
        start = max(noise_variance, 1.1 * model.likelihood.floor)
        noise = np.full_like(params["likelihood"]["noise_variance"], start)
        return {**params, "likelihood": {"noise_variance": noise}}

    def _search(self, start, rows, run):
        def short(params, n_iter=N_SHORT):
            schedule = PlateauThenDecay(n_iter, tol=0.0, n_iter_no_change=n_iter)
            return run(self._fresh_state(start.model, params, start.rng, schedule))

        def rank(training):
            return self._rank(training, rows[:N_COMPARED])

        n_latents, n_features = start.model.n_latents, rows.shape[1]
        if n_latents > n_features:
            starts = (self._start(start.model, rows, start.rng) for _ in count())
            return best_of_short_starts(starts, short, rank)
        if n_latents == n_features and len(rows) >= N_FOR_FOURTH_MOMENTS:
            return best_noise_level(start.params, rows, short, rank)
        return super()._search(start, rows, run)

    def _set_attributes(self, params):
        prior, decoder = params["prior"], params["decoder"]
        # All answers come from the same model written without its centred latents.
        trained = self._state.model
        sources, shapes = trained.prior.sources, prior.get("sources", {})
        self._model = LatentVariableModel(sources, Linear(), trained.likelihood)
        components = prior["mixing"] @ decoder["components"]
        # Sources listed one by one keep their places.
        interchangeable = not isinstance(sources, Independent)
        order = settled(components, by_variance=interchangeable)
        components = order @ components
        if interchangeable:
            shapes = {name: np.abs(order) @ value for name, value in shapes.items()}
        self.params_ = {
            "prior": shapes,
            "decoder": {**decoder, "components": components},
            "likelihood": params["likelihood"],
        }
        self.mixing_ = components.T
        self.components_ = np.linalg.pinv(self.mixing_)
        self.mean_ = decoder["mean"]
        self.noise_variance_ = params["likelihood"]["noise_variance"]
