"""An estimator: principal components of tables with missing entries."""

import numpy as np

from skaws.decoders import Linear
from skaws.estimators.base import AmortisedEstimator
from skaws.estimators.rotation import canonical_order, principal_rotation
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.methods import Method, single
from skaws.models import LatentVariableModel
from skaws.objectives import ResidualRegression
from skaws.posteriors import Exact
from skaws.priors import Gaussian
from skaws.regression import KernelRegression

__all__ = ["AmortisedPCA"]


class AmortisedPCA(AmortisedEstimator):
    """Probabilistic principal components by amortised maximum likelihood.

    ``x = mean_ + z @ components_ + noise`` with ``z ~ N(0, I)`` and noise of the same
    variance in every column.  Entries of X may be missing (NaN).  On complete tables
    :class:`sklearn.decomposition.PCA` has the same likelihood in closed form.

    Parameters
    ----------
    n_components : int, default=None
        Number of components. None takes one less than X has columns.
    n_simulations : int, default=None
        Pairs simulated in each iteration. None takes 200.
    batch_size : int, default=1000
        Largest number of rows in an iteration.
    max_iter : int, default=400
        Largest number of iterations.
    learning_rate : float, default=0.03
        Size of a full step of Adam, relative to the noise for components and means.
    regressor : KernelRidge or AdaptiveKernelRegression, default=None
        The regression of the log joint. None is ``KernelRidge(kernel="precomputed")``;
        see :class:`skaws.regression.KernelRegression`.
    tol : float, default=1e-3
        Steps stay at full size while `n_iter_no_change` of them gain at least this, in
        nats a row.
    n_iter_no_change : int, default=20
        Number of iterations over which the gain is summed.
    n_init : int, default=1
        Number of restarts; that of highest likelihood is taken.
    n_jobs : int, default=None
        Number of processes for restarts, as joblib's.
    warm_start : bool, default=False
        Whether `fit` starts from where the last call ended.
    random_state : int, RandomState instance or None, default=None
        Source of randomness.
    verbose : int, default=0
        1 prints a table of about ten rows, 2 a row for each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Principal axes, orthogonal, each as long as the standard deviation of its signal;
        the longest first, the entry of largest absolute value positive.
    mean_ : ndarray of shape (n_features,)
        Mean of each column.
    noise_variance_ : float
        Variance of the noise.
    params_ : dict
        The same as the model's nested params.
    n_iter_, history_, converged_, n_features_in_, feature_names_in_
        As those of :class:`skaws.AmortisedFactorAnalysis`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> X[::7, 2] = np.nan
    >>> pca = AmortisedPCA(n_components=1, random_state=0).fit(X)
    >>> pca.transform(X).shape
    (150, 1)
    """

    def __init__(
        self,
        n_components=None,
        *,
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

    def _make_model(self, X):
        n_components = self.n_components or max(1, X.shape[1] - 1)
        return LatentVariableModel(Gaussian(n_components), Linear(), GaussianNoise())

    def _make_method(self, model, rows, n_rows):
        return Method(
            "residual",
            single(ResidualRegression()),
            Exact(),
            KernelRegression(),
            n_simulations=200,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            n_iter_no_change=self.n_iter_no_change,
        )

    def _set_attributes(self, params):
        decoder, noise_variance = params["decoder"], params["likelihood"]["noise_variance"]
        components = decoder["components"]
        components = principal_rotation(components, noise_variance) @ components
        self.components_ = canonical_order(components, by_variance=True) @ components
        self.mean_ = decoder["mean"]
        self.noise_variance_ = float(np.mean(noise_variance))
        self._model = self._state.model
        self.params_ = {**params, "decoder": {**decoder, "components": self.components_}}
