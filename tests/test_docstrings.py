"""Docstrings of public names are numpydoc's, and name every parameter."""

import importlib
import inspect

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


@pytest.mark.parametrize("thing", list(public_objects()))
def test_public_objects_say_what_they_are(thing):
    assert thing.__doc__
    first = thing.__doc__.strip().splitlines()[0]
    assert first.endswith((".", ":")) or len(thing.__doc__.strip().splitlines()) > 1
    if inspect.isclass(thing):
        parameters = set(inspect.signature(thing.__init__).parameters) - {"self"}
        if "__init__" in vars(thing):
            check_parameters(thing, parameters - {"args", "kwargs"})


@pytest.mark.parametrize("thing", list(public_objects()))
def test_docstrings_name_all_their_parameters(thing):
    callables = list(methods(thing)) if inspect.isclass(thing) else [thing]
    for function in callables:
        if callable(function) and function.__doc__ and "Parameters\n" in function.__doc__:
            names = inspect.signature(function).parameters
            check_parameters(function, set(names) - {"self"})


def check_parameters(thing, expected):
    documented = FunctionDoc(thing)["Parameters"] if not inspect.isclass(thing) else None
    if documented is None:
        text = thing.__doc__
        if "Parameters\n" not in text:
            return
        documented = FunctionDoc(lambda: None, doc=inspect.getdoc(thing))["Parameters"]
    found = {name.strip("* ") for entry in documented for name in entry.name.split(",")}
    assert found == expected, f"{thing}: {found ^ expected}"
