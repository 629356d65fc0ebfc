"""Imports go down only: the sources are read, not run."""

import ast
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import skaws

OPTIONAL = {"import matplotlib.pyplot as plt", "import pandas as pd"}
ROOT = Path(skaws.__file__).parent

# From the top down; what stands on one line does not import its neighbours.
LAYERS = [
    {"__init__"},
    {"displays", "estimators"},
    {"checks"},
    {"evaluation", "lifted"},
    {"starts", "validation", "wake_sleep"},
    {"methods", "models"},
    {"objectives", "posteriors", "regression"},
    {"decoders", "likelihoods", "priors", "simulations"},
    {"networks", "optimizers", "parts", "spaces"},
    {"batches", "moments", "progress", "schedules", "supports", "threads"},
]
HEIGHT = {name: -height for height, layer in enumerate(LAYERS) for name in layer}


def unit(path):
    """Package or module of the first level that a source file belongs to."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported_names(tree, path):
    """Dotted names of the package that a source file imports, wherever in the file."""
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
        yield from (name for name in names if name[0] == "skaws" and len(name) > 1)


def imported_units(tree, path):
    """Units that a source file imports."""
    return (name[1] for name in imported_names(tree, path))


def module_name(path):
    """Dotted name of a source file."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(tree, path, modules):
    """Modules that a source file imports: those that names are, or are taken from."""
    for name in imported_names(tree, path):
        candidates = (".".join(name[:n]) for n in range(len(name), 0, -1))
        yield next(candidate for candidate in candidates if candidate in modules)


def goes_down(own, other):
    return own == other or HEIGHT[other] < HEIGHT[own]


SOURCES = sorted(ROOT.rglob("*.py"))
each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=lambda p: str(p.relative_to(ROOT))
)


@each_source
def test_imports_go_down(path):
    own = unit(path)
    for other in imported_units(ast.parse(path.read_text()), path):
        assert goes_down(own, other), f"{path.name} ({own}) imports {other}"


@each_source
def test_imports_stand_at_the_top(path):
    # An import inside a function would hide a circle. An optional extra has no other place.
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            inner = [
                n
                for n in ast.walk(node)
                if isinstance(n, (ast.Import, ast.ImportFrom))
                and ast.unparse(n) not in OPTIONAL
            ]
            assert not inner, f"{path.name}: import inside {node.name}"


def test_every_part_of_the_package_has_its_layer():
    assert {unit(path) for path in SOURCES} == set(HEIGHT)
    assert sum(len(layer) for layer in LAYERS) == len(HEIGHT)


def test_layers_are_no_taller_than_imports_ask_for():
    # What stands in a layer needs one of the layer below, or there would be no need for it.
    needed = {name: set() for name in HEIGHT}
    for path in SOURCES:
        needed[unit(path)] |= set(imported_units(ast.parse(path.read_text()), path))
    for upper, lower in pairwise(LAYERS):
        assert any(needed[name] & lower for name in upper), f"{upper} above {lower}"


def import_graph(sources):
    """Imported modules of each module, of a dictionary from paths to source texts."""
    modules = {module_name(path) for path in sources}
    return {
        module_name(path): set(imported_modules(ast.parse(text), path, modules))
        - {module_name(path)}
        for path, text in sources.items()
    }


def test_no_module_imports_itself_in_a_circle():
    graph = import_graph({path: path.read_text() for path in SOURCES})
    assert len(list(TopologicalSorter(graph).static_order())) == len(SOURCES)


def test_a_circle_would_be_seen():
    sources = {
        ROOT / "models" / "__init__.py": "from .one import A",
        ROOT / "models" / "one.py": "from ..priors.two import B",
        ROOT / "priors" / "two.py": "def function():\n    from ..models import A",
    }
    with pytest.raises(CycleError):
        list(TopologicalSorter(import_graph(sources)).static_order())


def test_the_reader_sees_imports_that_go_up():
    source = (
        "from ..estimators.base import x\nfrom .. import wake_sleep\nimport skaws.checks"
    )
    path = ROOT / "models" / "imagined.py"
    found = set(imported_units(ast.parse(source), path))
    assert found == {"estimators", "wake_sleep", "checks"}
    assert not any(goes_down("models", other) for other in found)
