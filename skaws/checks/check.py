"""One model against all laws."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length, check_random_state

from ..models.given import GivenColumns, check_takes_given
from .log_joint import check_derivative, check_expected_log_joint, check_log_joint
from .means import (
    check_missing,
    check_posterior_mean,
    check_score_identity,
    check_stein_identity,
)
from .report import ModelCheckError, Report
from .start import check_parameters, check_sampler

__all__ = ["check_model"]

LAWS = (
    check_log_joint,
    check_derivative,
    check_score_identity,
    check_stein_identity,
    check_expected_log_joint,
    check_missing,
    check_posterior_mean,
)


def check_model(model, X, *, given=None, params=None, n_samples=10_000, random_state=0):
    """Test a generative model against the laws that the method relies on.

    Parameters
    ----------
    model : GenerativeModel
        Model to test.
    X : array-like of shape (n_samples, n_features)
        Real rows, from which ``init_params`` starts.
    given : array-like of shape (n_samples, n_given), default=None
        Given columns of the rows, for a model that takes some.
    params : nested dict of arrays, default=None
        Parameters to test at; None starts from ``init_params``, a little displaced, so
        that no symmetry of the start hides an error.
    n_samples : int, default=10000
        Number of simulations; statistical laws see errors of a few in its square root.
    random_state : int, RandomState instance or None, default=0
        Source of randomness.

    Returns
    -------
    report : Report
        All laws hold; ``print`` it.

    Raises
    ------
    ModelCheckError
        If a law does not hold; the message is the report.

    Notes
    -----
    The score identity, ``E[grad log p(z, x)] = 0`` over the model's own simulations, is
    tested coordinate by coordinate: z is the distance of a mean from zero in
    standard errors, taken over groups of simulations; a parameter that moves simulations
    but no log joint fails, too.  The bound is Student's and
    Bonferroni's, for one false alarm in a million right models.  Where the model says what
    values its latents take (``latent_support``), Stein's identity is tested in the same
    way: it sees a wrong sampler of a prior that has no params.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> X = np.random.default_rng(0).standard_normal((100, 3))
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> report = check_model(model, X)
    >>> all(finding.holds for finding in report.findings)
    True
    """
    X = check_array(X, ensure_all_finite="allow-nan", dtype=float)
    seed = check_random_state(random_state).randint(2**31)
    rng = np.random.default_rng(seed)
    name = type(model).__name__
    if given is not None:
        given = check_array(given, dtype=float, input_name="given")
        check_consistent_length(X, given)
        model, X = DrawnGiven(model, given), np.hstack([X, given])
    findings, params = check_parameters(model, X, params, rng)
    if params is not None:
        findings += check_sampler(model, params, X, seed)
    if all(finding.holds for finding in findings):
        pairs = model.sample(params, n_samples, rng)
        for law in LAWS:
            findings += law(model, params, *pairs, rng)
            if not all(finding.holds for finding in findings):
                break  # what follows would only say it again, less clearly
    report = Report(name, tuple(findings))
    if not all(finding.holds for finding in findings):
        raise ModelCheckError(report)
    return report


class DrawnGiven(GivenColumns):
    """A model that draws its given columns itself, from those of real rows."""

    def __init__(self, model, given):
        check_takes_given(model)
        self.model = model
        self.given = given
        self.n_given = 0  # that its sampler is to be handed

    def sample(self, params, n_samples, rng):
        rows = rng.integers(len(self.given), size=n_samples)
        return super().sample(params, n_samples, rng, self.given[rows])

    def _parted(self, observations):
        edge = observations.shape[1] - self.given.shape[1]
        return observations[:, :edge], observations[:, edge:]
