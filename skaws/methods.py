"""How a model is fitted: objective, posterior, regression, and the numbers with them."""

from typing import NamedTuple

from sklearn.kernel_ridge import KernelRidge

from .decoders import Curve
from .objectives import (
    EnumeratedLikelihood,
    ExpectedLogJoint,
    ImportanceSampling,
    ResidualRegression,
    ReweightedWakeSleep,
)
from .posteriors import (
    Enumeration,
    Exact,
    LinearGaussian,
    Linearised,
    MixtureNetwork,
    NoPosterior,
    Posterior,
    Resampled,
    Robust,
    Windowed,
)
from .regression import AdaptiveKernelRegression, KernelRegression, MeanRegression
from .simulations import latent_space
from .supports import Real, Sphere

__all__ = ["METHODS", "Method", "choose_method", "single"]


class Method(NamedTuple):
    """What a fit is made of.

    Attributes
    ----------
    name : str
        "enumeration", "importance", "reweighted" or "residual".
    objectives : tuple of (float, Objective)
        What is climbed one after another, with shares of ``max_iter`` that sum to one.
    posterior : Posterior
        Fitted on the simulations of each iteration.
    regression : KernelRegression, AdaptiveKernelRegression or MeanRegression
        Of the log joint.
    n_simulations : int
        Pairs simulated in each iteration.
    max_iter : int
        Largest number of iterations.
    learning_rate : float
        Size of a full step of Adam.
    n_iter_no_change : int or None
        Number of iterations over which the gain is summed; None: the fit takes all of
        `max_iter`.
    relative_steps : bool
        Whether steps are those of the model's ``move``, or plain ones in real coordinates.
    """

    name: str
    objectives: tuple
    posterior: Posterior
    regression: object
    n_simulations: int
    max_iter: int
    learning_rate: float
    n_iter_no_change: int | None
    relative_steps: bool = True

    @property
    def objective(self):
        """The last objective."""
        return self.objectives[-1][1]


def single(objective):
    """The schedule of one objective."""
    return ((1.0, objective),)


def enumeration(model, params, space):
    """Latents of few values: no regression, and the exact likelihood.

    A network would learn what is not there by large steps over a long time, and lose half
    a nat a row of held-out binary digits.
    """
    method = Method(
        "enumeration",
        single(EnumeratedLikelihood()),
        Enumeration(),
        MeanRegression(),
        n_simulations=100,
        max_iter=2000,
        learning_rate=0.03,
        n_iter_no_change=500,  # two classes that are alike part slowly
    )
    if has_nonlinear_decoder(model):
        return method._replace(max_iter=1200, learning_rate=0.01)
    return method


def importance(model, params, space):
    """Latents on a circle or sphere: kernel weights first, Bayes' rule after.

    The first give the latents their order over the rows, the second their precision.  The
    network learns its first simulations by heart: it then sets rows apart from the start.
    One that knew better, which at the start is nothing, let three fits of eight to turned
    edges settle on a part of the circle.
    """
    n_columns = sum(shape[-1] for shape in space.shapes.values())
    narrow = KernelRidge(alpha=0.1, kernel="rbf", gamma=2.5 / n_columns)
    return Method(
        "importance",
        ((0.5, ExpectedLogJoint(shares=True)), (0.5, ImportanceSampling())),
        MixtureNetwork(n_components=1, new_simulations=False),
        KernelRegression(narrow),
        n_simulations=200,
        max_iter=1000,
        learning_rate=0.01,
        n_iter_no_change=None,
        relative_steps=False,
    )


def reweighted(model, params, space):
    """Latents with coordinates under a network: reweighted wake-sleep.

    What the regression of the residual would add there was measured to be nothing, and
    Bayes' rule over simulations, though exact in the limit, to be worse for few latents,
    too.  Functions are seen at few of their inputs, others in each row: a network does not
    learn to condition on any subset, linear estimates do (1500 draws of a Gaussian process,
    half seen: a noise variance of 0.11 with the one, 0.03 with the other, of 0.025).  Where
    given columns hold the inputs of each row, linear estimates are made anew for each, and
    steps are smaller: with steps of 0.01 the noise of the gradient made the functions of
    eight latents larger and larger.
    """
    functions, learning_rate = has_functions(model, space), 0.01
    if functions and model.n_given:
        candidates, learning_rate = Resampled(Linearised(), n_candidates=10), 0.003
    elif functions:
        candidates = Resampled(LinearGaussian(), n_candidates=30)
    else:
        candidates = Resampled(MixtureNetwork())
    return Method(
        "reweighted",
        single(ReweightedWakeSleep()),
        candidates,
        MeanRegression(),
        n_simulations=128,
        max_iter=1500 if functions else 4500,
        learning_rate=learning_rate,
        n_iter_no_change=None,
        relative_steps=False,
    )


def residual(model, params, space):
    """Any latents: the regression of the residual, believed as far as it predicts.

    The baseline is taken at the posterior's mean where it is exact or that of Gaussian
    latents, or pools over time.  Other latents need not depend on x in any simple way: for
    them it is taken at draws of a recognition network.  The network is wrong where it
    cannot follow the posterior, the regression is rough where x has many columns; the
    residual of the one, regressed by the other, is near maximum likelihood where either
    fails.

    Latents without coordinates have no baseline: the log joint itself has to be predicted
    from x, by a kernel that learns.
    """
    method = Method(
        "residual",
        single(ResidualRegression(gated=True)),
        Exact(),
        KernelRegression(),
        n_simulations=300,
        max_iter=1500,
        learning_rate=0.03,
        n_iter_no_change=300,
    )
    known = (Exact(), Robust(), LinearGaussian()) if has_gaussian_latents(model) else ()
    for posterior in known or (Exact(),):
        if posterior.suits(model, params, space):
            return method._replace(posterior=posterior)
    if Windowed().suits(model, params, space):
        return method._replace(
            posterior=Windowed(),
            regression=MeanRegression(),
            max_iter=500,
            learning_rate=0.02,  # larger steps come past roots of one, where paths explode
            n_iter_no_change=None,
        )
    if not space.has_coordinates:
        return method._replace(
            objectives=single(ResidualRegression(baseline=None, inputs="observations")),
            posterior=NoPosterior(),
            regression=AdaptiveKernelRegression(),
        )
    objective = ResidualRegression(baseline="draw", inputs="observations", gated=True)
    return method._replace(
        objectives=single(objective),
        posterior=Resampled(MixtureNetwork()),
        n_simulations=200,
        max_iter=2000,
        learning_rate=0.015,
        n_iter_no_change=None,
        relative_steps=False,
    )


def has_gaussian_latents(model):
    """Whether latents are known to be Gaussian: linear estimates are then near the mean."""
    return getattr(getattr(model, "prior", None), "gaussian", False)


def is_sphere(space):
    """Whether latents are rows of length one."""
    return isinstance(space.latent_support, Sphere)


def has_nonlinear_decoder(model):
    """Whether locations are decoded by anything but a linear map."""
    decoder = getattr(model, "decoder", None)
    return decoder is not None and not hasattr(decoder, "linear_map")


def has_functions(model, space):
    """Whether rows are functions of real latents, with given columns or without."""
    decoder = getattr(getattr(model, "model", model), "decoder", None)
    return isinstance(decoder, Curve) and isinstance(space.latent_support, Real)


def has_nonlinear_mean(model):
    """Whether p(x | z) is known, and its mean is not linear in the latents."""
    return hasattr(model, "log_likelihood") and not hasattr(model, "linear_moments")


#: Name: whether a model with such latents can be fitted so, what it needs, and the method.
METHODS = {
    "enumeration": (
        lambda model, params, space: Enumeration().suits(model, params, space),
        "latents that take few values",
        enumeration,
    ),
    "importance": (
        lambda model, params, space: (
            hasattr(model, "log_likelihood") and space.has_coordinates
        ),
        "a log_likelihood, and latents with real coordinates or of finitely many values",
        importance,
    ),
    "reweighted": (
        lambda model, params, space: space.has_coordinates,
        "latents with real coordinates, or of finitely many values",
        reweighted,
    ),
    "residual": (lambda model, params, space: True, "nothing", residual),
}


def choose_method(model, params, name=None, space=None):
    """The method that suits a model best, or the one of that name.

    Latents with few values are summed over.  Where the model knows p(x | z), those on a
    sphere are weighed by Bayes' rule, and those with coordinates are drawn by a recognition
    network unless the mean of x is linear in them.  For all others the residual from a
    baseline is regressed.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        What to look at; nothing is changed, and the same model gives the same method.
    name : str, default=None
        One of ``METHODS``. None lets latents and formulas decide.
    space : Space, default=None
        Of the latents; None finds it (:func:`skaws.simulations.latent_space`).

    Returns
    -------
    method : Method

    Raises
    ------
    ValueError
        If the model is not made for the method of that name.

    Examples
    --------
    >>> import numpy as np
    >>> from skaws.decoders import MLP
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(2), MLP((10,)), GaussianNoise())
    >>> rng = np.random.default_rng(0)
    >>> params = model.init_params(rng.standard_normal((100, 5)), rng)
    >>> choose_method(model, params).posterior
    Resampled(posterior=MixtureNetwork())
    """
    space = latent_space(model, params) if space is None else space
    best = best_method(model, params, space)
    fits, need, make = METHODS[best if name is None else name]
    if not fits(model, params, space):
        raise ValueError(
            f"method={name!r} needs {need}; {type(model).__name__} does not have that. "
            f"method=None takes {best!r}."
        )
    return make(model, params, space)


def best_method(model, params, space):
    """Name of the method that suits a model best."""
    if METHODS["enumeration"][0](model, params, space):
        return "enumeration"
    if hasattr(model, "log_likelihood") and is_sphere(space):
        return "importance"
    nonlinear = has_nonlinear_mean(model) or has_functions(model, space)
    if nonlinear and space.has_coordinates:
        return "reweighted"
    return "residual"
