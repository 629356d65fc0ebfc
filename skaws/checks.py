"""Laws that every generative model obeys, for users to test their own.

:func:`check_model` is the first thing to run on a new model: it takes a second, and
tells a wrong sampler from a wrong log joint before any fit does.
"""

from copy import deepcopy
from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad, grad, make_vjp
from scipy.stats import t as student_t
from sklearn.utils import check_array, check_random_state

from .charts import GLOBAL_CHARTS
from .params import ParameterSpace, leaves

__all__ = ["Finding", "ModelCheckError", "Report", "check_model"]

FALSE_ALARM = 1e-6  # probability that a right model fails a statistical law
N_GROUPS = 100  # of simulations, whose mean scores are nearly Gaussian


class Finding(NamedTuple):
    """What the test of one law found."""

    law: str
    holds: bool
    detail: str


class Report(NamedTuple):
    """Findings on one model; ``str`` is a table for people."""

    model: str
    findings: tuple

    def __str__(self):
        width = max(len(finding.law) for finding in self.findings)
        rows = [
            f"  {'ok  ' if holds else 'FAIL'}  {law:<{width}}  {detail}"
            for law, holds, detail in self.findings
        ]
        return "\n".join([f"check_model of {self.model}", *rows])


class ModelCheckError(AssertionError):
    """A law does not hold; the message is the report.

    Parameters
    ----------
    report : Report
        The findings; kept as the attribute ``report``.
    """

    def __init__(self, report):
        super().__init__(str(report))
        self.report = report


def check_model(model, X, *, params=None, n_samples=10_000, random_state=0):
    """Test a generative model against the laws that the method relies on.

    Parameters
    ----------
    model : GenerativeModel
        Model to test.
    X : array-like of shape (n_samples, n_features)
        Real rows, from which ``init_params`` starts.
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
    standard errors, taken over groups of simulations.  The bound is Student's and
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
    findings, params = check_parameters(model, X, params, rng)
    if params is not None:
        findings += check_sampler(model, params, X, seed)
    if all(finding.holds for finding in findings):
        pairs = model.sample(params, n_samples, rng)
        for law in (
            check_log_joint,
            check_derivative,
            check_score_identity,
            check_stein_identity,
            check_expected_log_joint,
            check_missing,
            check_posterior_mean,
        ):
            findings += law(model, params, *pairs, rng)
            if not all(finding.holds for finding in findings):
                break  # what follows would only say it again, less clearly
    report = Report(type(model).__name__, tuple(findings))
    if not all(finding.holds for finding in findings):
        raise ModelCheckError(report)
    return report


def check_parameters(model, X, params, rng):
    """Starting params lie in their supports and survive the way to a vector and back."""
    law = "init_params lies within the constraints"
    try:
        start = model.init_params(X, rng) if params is None else params
        space = ParameterSpace(start, model.constraints)
    except (ValueError, TypeError, AttributeError) as error:
        return [Finding(law, False, str(error))], None
    vector = space.flatten(start)
    again = space.flatten(space.unflatten(vector))
    holds = space.size > 0 and np.allclose(vector, again)
    names = ", ".join(".".join(path) for path, _ in leaves(start)) or "none"
    if params is None:
        vector = vector + 0.1 * rng.standard_normal(space.size)
    detail = f"{space.size} parameters: {names}"
    return [Finding(law, holds, detail)], space.unflatten(vector)


def check_sampler(model, params, X, seed):
    """Samples have the right shape, are finite, and depend on rng and nothing else."""
    before = deepcopy(params)

    def drawn(seed):
        return arrays_of(model.sample(params, 50, np.random.default_rng(seed)))

    first, again, other = drawn(seed), drawn(seed), drawn(seed + 1)
    shapes = [np.shape(array) for array in first]
    expected = (50, X.shape[1])
    rows = shapes[-1] == expected and all(
        len(shape) > 1 and shape[0] == 50 for shape in shapes
    )
    complaints = []
    if not all(map(np.array_equal, first, again)):
        complaints.append("two calls with the same seed differ: draw from rng only")
    if all(map(np.array_equal, first, other)):
        complaints.append("two seeds give the same pairs: draw from rng")
    if str(before) != str(params):
        complaints.append("params were changed: copy before writing")
    return [
        Finding(
            "sample returns rows shaped like X",
            rows,
            f"latents {shapes[:-1]}, observations {shapes[-1]}, expected {expected}",
        ),
        Finding(
            "sample is finite",
            all(np.isfinite(array).all() for array in first),
            "latents and observations",
        ),
        Finding(
            "sample draws from rng alone",
            not complaints,
            "; ".join(complaints) or "same seed, same pairs; params untouched",
        ),
    ]


def check_log_joint(model, params, latents, observations, rng):
    """The log joint is one finite number a pair."""
    values = model.log_joint(params, latents, observations)
    expected = (len(observations),)
    holds = np.shape(values) == expected and bool(np.isfinite(values).all())
    detail = f"shape {np.shape(values)}, expected {expected}"
    if np.shape(values) == expected:
        detail += f"; {np.sum(~np.isfinite(values))} of {len(values)} not finite"
    return [Finding("log_joint is one finite number a pair", holds, detail)]


def check_derivative(model, params, latents, observations, rng):
    """Autograd's derivative agrees with central differences along a random line.

    Pairs where differences over two lengths disagree are left out: a log joint may have
    kinks.
    """
    space = ParameterSpace(params, model.constraints)
    direction = rng.standard_normal(space.size) / np.sqrt(space.size)

    def values(step):
        moved = model.move(params, space.split(step))
        return model.log_joint(moved, latents, observations)

    def difference(h):
        return (values(h * direction) - values(-h * direction)) / (2 * h)

    h = 1e-5
    slope, shorter = difference(h), difference(h / 2)
    rounding = 1e-14 * np.abs(values(np.zeros(space.size))) / h
    smooth = np.abs(slope - shorter) <= 1e-5 * np.abs(slope) + 1e-6 + 100 * rounding
    weights = rng.standard_normal(len(observations)) * smooth
    pull_back, _ = make_vjp(values)(np.zeros(space.size))
    by_tape, by_difference = pull_back(weights) @ direction, weights @ slope
    allowed = 1e-5 * abs(by_difference) + np.abs(weights) @ rounding
    holds = np.mean(smooth) > 0.9 and abs(by_tape - by_difference) <= allowed
    return [
        Finding(
            "autograd's derivative agrees with differences",
            bool(holds),
            f"{by_tape:.6g} against {by_difference:.6g}",
        )
    ]


def check_score_identity(model, params, latents, observations, rng):
    """The mean score over the model's own simulations is zero."""
    scores, space = group_scores(model, params, latents, observations)
    law = "score identity: sampler and log joint agree"
    return [Finding(law, *worst_mean(scores, space.name))]


def check_stein_identity(model, params, latents, observations, rng):
    """Densities integrate by parts over the latents: E[slope] = 0, E[u slope] = -1.

    A prior without params has no score to be wrong; this sees its sampler.  In real
    coordinates u no density has an edge.
    """
    law = "Stein's identity: latents and log joint agree"
    support = model.latent_support
    if support not in GLOBAL_CHARTS:
        return [Finding(law, True, f"not claimed: latent_support is {support!r}")]
    chart = GLOBAL_CHARTS[support](latents)
    u = chart.coordinates(latents)

    def log_density(u):
        log_joint = model.log_joint(params, chart.latents(u), observations)
        return log_joint + chart.log_volume(u)

    slope = elementwise_grad(log_density)(u)
    products = np.hstack([slope, u * slope + 1])
    groups = np.array_split(products, min(N_GROUPS, len(products)))
    means = np.array([group.mean(axis=0) for group in groups])
    return [Finding(law, *worst_mean(means, lambda j: f"latent {j % u.shape[1]}"))]


def check_expected_log_joint(model, params, latents, observations, rng):
    """Weights on one simulation give its log joint; mixtures of weights, mixtures."""
    few = slice(0, 20)
    z, x = take(latents, few), observations[few]
    single = model.expected_log_joint(params, z, x, np.eye(len(x)), x)
    gap = np.max(np.abs(single - model.log_joint(params, z, x)))
    # Which simulation each row looks at: itself, another, or half of each.
    other = np.roll(np.eye(len(x)), 1, axis=1)
    half = 0.5 * (np.eye(len(x)) + other)
    there = model.expected_log_joint(params, z, x, other, x)
    mixed = model.expected_log_joint(params, z, x, half, x)
    bend = np.max(np.abs(mixed - 0.5 * (single + there)))
    size = 1 + np.max(np.abs(single)) + np.max(np.abs(there))
    return [
        Finding(
            "expected_log_joint extends log_joint",
            bool(max(gap, bend) <= 1e-8 * size),
            f"differs by {gap:.2g} nats on one simulation, {bend:.2g} on mixtures",
        )
    ]


def check_missing(model, params, latents, observations, rng):
    """The score identity still holds when entries go missing at random."""
    law = "score identity with missing entries"
    if not model.allows_missing:
        return [Finding(law, True, "not claimed: allows_missing is False")]
    holes = np.where(rng.random(observations.shape) < 0.3, np.nan, observations)
    scores, space = group_scores(model, params, latents, holes)
    return [Finding(law, *worst_mean(scores, space.name))]


def check_posterior_mean(model, params, latents, observations, rng):
    """Errors of an exact posterior mean average to zero against functions of x."""
    mean = model.posterior_mean(params, observations)
    if mean is None:
        return []
    error = latents - mean
    products = np.hstack([error, error * mean, error * np.tanh(mean)])
    law = "posterior_mean is the conditional mean"
    return [Finding(law, *worst_mean(products, lambda j: f"latent {j % error.shape[1]}"))]


def group_scores(model, params, latents, observations):
    """Score of each of N_GROUPS groups of pairs, and the space of its coordinates."""
    space = ParameterSpace(params, model.constraints)

    def score(rows):
        def total(step):
            moved = model.move(params, space.split(step))
            return anp.sum(model.log_joint(moved, take(latents, rows), observations[rows]))

        return grad(total)(np.zeros(space.size))

    n_groups = min(N_GROUPS, len(observations))
    groups = np.array_split(np.arange(len(observations)), n_groups)
    return np.array([score(rows) for rows in groups]), space


def worst_mean(scores, name):
    """Where the mean of a column is farthest from zero: name, |z| and its bound."""
    n, n_columns = scores.shape
    error = np.std(scores, axis=0, ddof=1) / np.sqrt(n)
    z = np.abs(np.mean(scores, axis=0)) / np.maximum(error, 1e-300)
    worst = int(np.argmax(z))
    bound = student_t.isf(0.5 * FALSE_ALARM / n_columns, n - 1)
    holds = bool(z[worst] < bound)
    return holds, f"largest |z| = {z[worst]:.1f} at {name(worst)} (bound {bound:.1f})"


def arrays_of(pair):
    """Latents and observations as one flat list of arrays."""
    latents, observations = pair
    return [*(latents.values() if isinstance(latents, dict) else [latents]), observations]


def take(latents, rows):
    """Some rows of latents, an array or a dictionary of arrays."""
    if isinstance(latents, dict):
        return {name: array[rows] for name, array in latents.items()}
    return latents[rows]
