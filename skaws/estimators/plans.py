"""How a model is fitted by default: a plan read off a few simulations."""

from functools import partial
from typing import NamedTuple

from sklearn.kernel_ridge import KernelRidge

from ..forms import (
    BaselineForm,
    BayesForm,
    BayesPairsForm,
    PairwiseForm,
    ScalarForm,
    SummedForm,
)
from ..regression import (
    AdaptiveEmbedding,
    BoundedEstimate,
    ConstantEmbedding,
    LatentEstimate,
    NetworkMean,
    ObservedInputs,
    RecognitionDraw,
    make_embedding,
)
from .traits import MANY_VALUES, traits_of

__all__ = ["PLANS", "Plan", "plan_for"]

FEW_LATENTS = 3  # of a support not told, where the prior's draws come close to any


class Plan(NamedTuple):
    """What a fit is made of, and the numbers that go with it."""

    name: str
    make_form: object
    make_estimate: object
    make_regression: object  # of the user's regressor, or None
    n_simulations: int
    max_iter: int
    learning_rate: float
    n_iter_no_change: int | None  # None: the fit takes all of max_iter
    make_first_form: object = None  # for the first half of the fit
    relative_steps: bool = True  # as the model's own ``move`` takes them


def plan_for(model, params, rng, name=None):
    """The plan of that name, or the one that suits the model best.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        What to look at.
    rng : numpy.random.Generator
        Source of randomness.
    name : str, default=None
        One of ``PLANS``. None lets latents and formulas decide.

    Returns
    -------
    plan : Plan

    Raises
    ------
    ValueError
        If the model is not made for the plan of that name.
    """
    traits = traits_of(model, params, rng)
    name = best_plan(traits) if name is None else name
    fits, need, make = PLANS[name]
    if not fits(traits):
        raise ValueError(
            f"plan={name!r} needs {need}; {type(model).__name__} does not have that. "
            f"plan=None takes {best_plan(traits)!r}."
        )
    return make(traits)


def best_plan(traits):
    """Name of the plan that suits a model.

    Latents with few values are summed over.  Where the model knows p(x | z), those on a
    sphere are weighed by Bayes' rule, and those with real coordinates are drawn by a
    network unless the mean of x is linear in them.  For all others the residual from a
    baseline is regressed.
    """
    if traits.few_values:
        return "summed"
    if traits.known and traits.support == "sphere":
        return "bayes"
    bent = not traits.linear and not traits.estimated
    if traits.known and bent and not traits.labels:
        few = traits.support is None and traits.n_latents <= FEW_LATENTS
        return "bayes" if few else "draws"
    return "residual"


def summed_plan(traits):
    """Latents of few values: no regression, and the exact likelihood."""
    return Plan(
        "summed",
        make_form=SummedForm,
        make_estimate=LatentEstimate,
        make_regression=without_kernel,
        n_simulations=300,
        max_iter=2000,
        learning_rate=0.03,
        n_iter_no_change=500,  # two classes that are alike part slowly
    )


def residual_plan(traits):
    """Any latents: the regression of the residual, believed as far as it predicts.

    The baseline is taken at the posterior mean of Gaussian latents, the user's own latent
    estimate, or a linear one of labels.  Other latents need not depend on x in any simple
    way: for them it is taken at draws of a recognition network.  The network is wrong
    where it cannot follow the posterior, the regression is rough where x has many columns;
    the residual of the one, regressed by the other, is near maximum likelihood where
    either fails.

    Latents in a dictionary have no estimate, and at those of labels among others no log
    joint.  It has to be predicted from x itself then, by a kernel that suits it: with the
    fixed one factors in a dictionary were left up to a third short of EM's gain.
    """
    plan = Plan(
        "residual",
        make_form=partial(ScalarForm, gated=True),
        make_estimate=partial(BoundedEstimate, everywhere=traits.labels),
        make_regression=make_embedding,
        n_simulations=300,
        max_iter=1500,
        learning_rate=0.03,
        n_iter_no_change=300,
    )
    if traits.hybrid or not traits.array:
        return plan._replace(
            make_form=partial(ScalarForm, baseline=False),
            make_estimate=ObservedInputs,
            make_regression=adaptive_kernel,
        )
    if traits.estimated or traits.labels:
        return plan
    return plan._replace(
        make_estimate=drawn_estimate,
        n_simulations=200,
        max_iter=2000,
        learning_rate=0.015,
        n_iter_no_change=None,
        relative_steps=False,
    )


def bayes_plan(traits):
    """Latents on a circle or sphere: kernel weights first, Bayes' rule after.

    The first give the latents their order over the rows, the second their precision.
    """
    return Plan(
        "bayes",
        make_form=BayesForm if traits.knows_rows else BayesPairsForm,
        make_first_form=partial(PairwiseForm, shares=True),
        make_estimate=NetworkMean,
        make_regression=partial(narrow_kernel, traits.n_latents),
        n_simulations=200,
        max_iter=1000,
        learning_rate=0.01,
        n_iter_no_change=None,
        relative_steps=False,
    )


def draws_plan(traits):
    """Latents with real coordinates under a network: reweighted wake-sleep.

    What the regression of the residual would add there was measured to be nothing, and
    Bayes' rule over simulations, though exact in the limit, to be worse for few latents,
    too.
    """
    return Plan(
        "draws",
        make_form=BaselineForm,
        make_estimate=RecognitionDraw,
        make_regression=without_kernel,
        n_simulations=128,
        max_iter=4500,
        learning_rate=0.01,
        n_iter_no_change=None,
        relative_steps=False,
    )


#: Name: whether a model with such traits can be fitted so, what it needs, and the plan.
PLANS = {
    "summed": (
        lambda traits: traits.few_values,
        f"latents that take at most {MANY_VALUES} values",
        summed_plan,
    ),
    "bayes": (
        lambda traits: traits.known,
        "a log_likelihood and latents in an array",
        bayes_plan,
    ),
    "draws": (
        lambda traits: traits.array and not (traits.labels or traits.hybrid),
        "latents in an array, and no labels among them",
        draws_plan,
    ),
    "residual": (lambda traits: True, "nothing", residual_plan),
}


def drawn_estimate():
    """Draws of a network; the regression sees x itself, of which these leave out much."""
    return ObservedInputs(RecognitionDraw())


def without_kernel(regressor):
    """No regression, whatever the regressor."""
    return ConstantEmbedding()


def adaptive_kernel(regressor):
    """A kernel that learns, unless there is a regressor."""
    return make_embedding(AdaptiveEmbedding() if regressor is None else regressor)


def narrow_kernel(n_latents, regressor):
    """A kernel that tells latents from their neighbours, unless there is a regressor."""
    narrow = KernelRidge(alpha=0.1, kernel="rbf", gamma=2.5 / n_latents)
    return make_embedding(narrow if regressor is None else regressor)
