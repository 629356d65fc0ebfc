"""Docstrings of public names are numpydoc's, and name every parameter."""

import importlib
import inspect
from pathlib import Path

import pytest
from numpydoc.docscrape import FunctionDoc

from tests.test_public_names import MODULES


def public_objects():
    """Every class and function that some module makes public, once."""
    for name in MODULES:
        module = importlib.import_module(name)
        for public in module.__all__:
            thing = getattr(module, public)
            if getattr(thing, "__module__", None) == name:
                yield pytest.param(thing, id=f"{name}.{public}")


def methods(thing):
    """Public methods that a class itself defines."""
    for name, method in vars(thing).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            yield method


def listed_in_the_api():
    """Names that the API page shows to users."""
    page = Path(__file__).parents[1] / "doc" / "api.rst"
    names = [line.strip() for line in page.read_text().splitlines()]
    return [name for name in names if name.startswith("skaws.")]


def taken(thing):
    """Names of the parameters that a class or a function takes."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    return set(inspect.signature(function).parameters) - {"self"}


def documented(thing):
    """Names in the section on parameters; None where there is no such section."""
    text = inspect.getdoc(thing) or ""
    if "Parameters\n---" not in text:
        return None
    entries = FunctionDoc(None, doc=text)["Parameters"]
    return {name.strip("* ") for entry in entries for name in entry.name.split(",")}


@pytest.mark.parametrize("name", listed_in_the_api())
def test_what_users_see_explains_its_parameters(name):
    module, _, public = name.rpartition(".")
    thing = getattr(importlib.import_module(module), public)
    own = not inspect.isclass(thing) or "__init__" in vars(thing)
    if own and taken(thing):
        assert documented(thing) == taken(thing)


@pytest.mark.parametrize("name", listed_in_the_api())
def test_classes_that_users_see_have_examples_unless_they_are_records(name):
    module, _, public = name.rpartition(".")
    thing = getattr(importlib.import_module(module), public)
    if inspect.isclass(thing) and not issubclass(thing, tuple):
        assert "Examples\n---" in inspect.cleandoc(thing.__doc__)


@pytest.mark.parametrize("thing", list(public_objects()))
def test_sections_on_parameters_name_them_all(thing):
    assert thing.__doc__
    for function in methods(thing) if inspect.isclass(thing) else [thing]:
        assert function.__doc__ is None or documented(function) in (None, taken(function))


def test_a_forgotten_parameter_is_seen():
    def function(a, b):
        """Do.

        Parameters
        ----------
        a : int
            One of two.
        """

    assert documented(function) == {"a"} != taken(function)
