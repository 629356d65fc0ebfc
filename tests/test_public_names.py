"""What is public is named, importable, and nothing more."""

import importlib
import pkgutil

import pytest

import skaws

MODULES = [
    module.name
    for module in pkgutil.walk_packages(skaws.__path__, "skaws.")
    if not module.name.rpartition(".")[2].startswith("_")
]


@pytest.mark.parametrize("name", MODULES)
def test_all_names_exist_and_are_sorted(name):
    module = importlib.import_module(name)
    assert all(hasattr(module, public) for public in module.__all__)
    assert list(module.__all__) == sorted(module.__all__)


def test_top_level_is_what_users_import():
    assert set(skaws.__all__) == {
        "AmortisedFactorAnalysis",
        "AmortisedICA",
        "AmortisedLearner",
        "AmortisedNMF",
        "AmortisedSimulator",
    }
    assert skaws.__version__
