"""Type hints of what users call are there, and agree with the docstrings."""

import inspect
import re

import pytest
from numpydoc.docscrape import FunctionDoc

import skaws

ESTIMATORS = [getattr(skaws, name) for name in skaws.__all__]
METHODS = [
    (estimator, name)
    for estimator in ESTIMATORS
    for name in ("fit", "transform", "score", "sample", "sample_posterior", "impute")
    if hasattr(estimator, name) and estimator.__module__.startswith("skaws")
]
#: Of no one kind.
ANY = {"self", "y", "covariates", "likelihood", "prior", "sources", "model", "method"}


@pytest.mark.parametrize(("estimator", "name"), METHODS)
def test_methods_have_hints(estimator, name):
    signature = inspect.signature(inspect.unwrap(getattr(estimator, name)))
    lacking = {
        own.name
        for own in signature.parameters.values()
        if own.annotation is own.empty and own.name not in ANY
    }
    assert not lacking


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_constructors_have_hints(estimator):
    parameters = inspect.signature(estimator.__init__).parameters
    documented = {own.name: own.type for own in FunctionDoc(estimator)["Parameters"]}
    hinted = {name for name, own in parameters.items() if own.annotation is not own.empty}
    assert len(hinted) > 0.6 * len(parameters)
    for name in hinted:
        hint = str(parameters[name].annotation)
        may_be_none = re.search(r"\bNone\b", documented[name]) is not None
        assert ("None" in hint) == may_be_none, name
