"""What every prior, decoder and likelihood must keep, for their test files."""

import inspect
import pickle
from importlib import import_module

import numpy as np
from sklearn.base import clone


def constructor_only_stores(part):
    """What is handed in is what is there, the very object."""
    given = part.get_params(deep=False)
    made = type(part)(**given)
    assert all(getattr(made, name) is value for name, value in given.items())
    assert set(vars(made)) == set(given)


def names_are_those_of_the_constructor(part):
    signature = inspect.signature(type(part).__init__)
    own = "__init__" in vars(type(part))
    assert set(part.get_params(deep=False)) == (
        set(signature.parameters) - {"self"} if own else set()
    )


def clone_is_another_with_the_same_repr(part):
    copy = clone(part)
    assert copy is not part and type(copy) is type(part)
    assert repr(copy) == repr(part)


def repr_is_code(part):
    """Names come from where the part was defined, and from NumPy."""
    names = {}
    for module in (inspect.getmodule(type(part)).__package__, "numpy"):
        names.update(vars(import_module(module)))
    assert repr(eval(repr(part), names)) == repr(part)


def pickle_keeps_it(part):
    assert repr(pickle.loads(pickle.dumps(part))) == repr(part)


def set_params_returns_to_what_get_params_said(part):
    copy = clone(part)
    assert copy.set_params(**part.get_params(deep=False)) is copy
    assert repr(copy) == repr(part)


#: Laws of any part, each a function of it.
PART_LAWS = [
    constructor_only_stores,
    names_are_those_of_the_constructor,
    clone_is_another_with_the_same_repr,
    repr_is_code,
    pickle_keeps_it,
    set_params_returns_to_what_get_params_said,
]


def capabilities(part, names):
    """Those of some methods that a part has."""
    found = {name for name in names if hasattr(part, name)}
    assert all(callable(getattr(part, name)) for name in found)
    return found


def assert_same(tree, other):
    """Nested dictionaries of arrays are equal, to the last digit."""
    assert tree.keys() == other.keys()
    for key, value in tree.items():
        if isinstance(value, dict):
            assert_same(value, other[key])
        else:
            np.testing.assert_array_equal(value, other[key])
