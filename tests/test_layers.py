"""Imports go down only: the sources are read, not run."""

import ast
from pathlib import Path

import pytest

import skaws

ROOT = Path(skaws.__file__).parent

# From the top down; what stands on one line does not import its neighbours.
LAYERS = [
    {"__init__"},
    {"estimators"},
    {"checks", "evaluation"},
    {"returned"},
    {"proposals", "wake_sleep"},
    {"forms"},
    {"models", "regression"},
    {"priors", "decoders", "likelihoods", "params"},
    {
        "batches",
        "bijectors",
        "charts",
        "guards",
        "latents",
        "machine",
        "modes",
        "moments",
        "optimizers",
        "progress",
    },
]
HEIGHT = {name: -height for height, layer in enumerate(LAYERS) for name in layer}


def unit(path):
    """Package or module of the first level that a source file belongs to."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported_units(tree, path):
    """Units that a source file imports, wherever in the file."""
    package = ("skaws", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = [*base, *(node.module.split(".") if node.module else [])]
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        yield from (name[1] for name in names if name[0] == "skaws" and len(name) > 1)


def goes_down(own, other):
    return own == other or HEIGHT[other] < HEIGHT[own]


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_go_down(path):
    own = unit(path)
    for other in imported_units(ast.parse(path.read_text()), path):
        assert goes_down(own, other), f"{path.name} ({own}) imports {other}"


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_stand_at_the_top(path):
    # An import inside a function would hide a circle.
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            inner = [
                n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))
            ]
            assert not inner, f"{path.name}: import inside {node.name}"


def test_the_reader_sees_imports_that_go_up():
    source = (
        "from ..estimators.base import x\nfrom .. import wake_sleep\nimport skaws.checks"
    )
    path = ROOT / "models" / "imagined.py"
    found = set(imported_units(ast.parse(source), path))
    assert found == {"estimators", "wake_sleep", "checks"}
    assert not any(goes_down("models", other) for other in found)
