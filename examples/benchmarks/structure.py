"""How large the package is, how its modules hang together, how far one iteration walks.

Run with ``python examples/benchmarks/structure.py [ROOT]``; ROOT is a checkout, by default
this one.  The package there is read, and one fit of it is run.

Lines of code are those with a token on them that is neither comment nor docstring.  A
function's run from its ``def`` to its end, the signature included; one function inside
another counts in both.

An import points at the module that defines the name, not at the package that passes it on.
Modules are in a cycle if each imports the other, through others or not.  Parts are packages
and modules of the first level.  There is an import up wherever parts are in a cycle, and
all imports between parts of a cycle are counted, for which of them go up is open.

An iteration is one turn of ``train``'s loop in a fit of AmortisedICA with 6 components to
5000 rows of 8 columns: from the 20th resumption of ``wake_sleep`` to the next, so with
what ``train`` does between.  Each call, or resumption of a generator, of a function of the
package is noted; comprehensions count as functions, which they are no more from Python 3.12
on.  Files are those of these functions.

- hops: neighbours in that list of calls whose files differ, which is how often one who
  reads calls in the order of execution has to turn to another file;
- caller to callee: calls from another file, that of the nearest caller in the package;
- there and back: these and their returns.
"""

import ast
import sys
import tokenize
import warnings
from importlib import import_module
from itertools import count, pairwise
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import connected_components

PROFILED = 20  # number of the iteration
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SILENT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}

# %%
# Lines, classes, functions
# -------------------------


def code_lines(path, tree):
    """Numbers of the lines that hold code."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    spoken = (token for token in tokens if token.type not in SILENT)
    spans = ((token.start[0], token.end[0]) for token in spoken)
    return lines_of(spans) - lines_of(docstrings(tree))


def lines_of(spans):
    """All numbers from the first to the last of each span."""
    return {line for first, last in spans for line in range(first, last + 1)}


def docstrings(tree):
    """First and last line of each docstring."""
    kinds = (ast.Module, ast.ClassDef, *FUNCTIONS)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            yield node.body[0].lineno, node.body[0].end_lineno


def size(trees):
    """Print lines of code, classes and functions."""
    n_lines, n_classes, lengths = 0, 0, []
    for path, tree in trees.items():
        lines = code_lines(path, tree)
        n_lines += len(lines)
        for node in ast.walk(tree):
            n_classes += isinstance(node, ast.ClassDef)
            if isinstance(node, FUNCTIONS):
                own = lines.intersection(range(node.lineno, node.end_lineno + 1))
                lengths.append((len(own), f"{node.name} in {path.name}"))
    plain = [length for length, _ in lengths]
    show("lines of code", n_lines)
    show("classes", n_classes, f"{1000 * n_classes / n_lines:.1f} in 1000 lines of code")
    show("functions", len(lengths))
    show("lines of a function", f"{np.median(plain):g}", "median")
    show("", f"{np.percentile(plain, 90):g}", "90th percentile")
    others = [own for own in lengths if not own[1].startswith("__init__")]
    show("", *max(lengths), "(longest)")
    show("", *max(others), "(longest but for constructors)")


# %%
# Imports
# -------


def module_of(path, package):
    """Its dotted name as a tuple; that of a package ends in ``__init__``."""
    return path.relative_to(package.parent).with_suffix("").parts


def imports(tree, module):
    """Dotted names, as tuples, that a module imports, and what it calls them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split(".")), alias.asname
        elif isinstance(node, ast.ImportFrom):
            base = module[: len(module) - node.level] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                yield (*base, alias.name), alias.asname or alias.name


def defining(name, modules):
    """The module of `modules` that defines a dotted name, or None."""
    owner, door = name[:-1], (*name[:-1], "__init__")
    for whole in (name, (*name, "__init__"), owner):
        if whole in modules:
            return whole
    if door not in modules:
        return None
    passed_on = {called: origin for origin, called in imports(modules[door], door)}
    origin = passed_on.get(name[-1])
    return door if origin is None else defining(origin, modules)


def edges_between(modules):
    """Pairs of modules of which the first imports the second."""
    pairs = {
        (module, defining(name, modules))
        for module, tree in modules.items()
        for name, _ in imports(tree, module)
    }
    return {(own, other) for own, other in pairs if other not in (None, own)}


def circles(nodes, edges):
    """Sets of nodes that reach each other, two nodes at least."""
    place = {node: i for i, node in enumerate(nodes)}
    graph = np.zeros((len(place), len(place)))
    for own, other in edges:
        graph[place[own], place[other]] = 1
    _, labels = connected_components(graph, connection="strong")
    together = [
        {node for node in nodes if labels[place[node]] == label} for label in set(labels)
    ]
    return [circle for circle in together if len(circle) > 1]


def layering(trees, package):
    """Print the number of modules, imports that go up, and cycles."""
    modules = {module_of(path, package): tree for path, tree in trees.items()}
    edges = edges_between(modules)
    parts = sorted({module[1] for module in modules})
    between = [(own[1], other[1]) for own, other in edges if own[1] != other[1]]
    tangled = circles(parts, between)
    up = [pair for pair in between if any(circle.issuperset(pair) for circle in tangled)]
    show("modules", len(modules), f"in {len(parts)} parts, {len(edges)} imports")
    show("imports up", len(up), "; ".join(" ".join(sorted(part)) for part in tangled))
    knots = circles(list(modules), edges)
    names = [" ".join(sorted(".".join(node[1:]) for node in knot)) for knot in knots]
    show("cycles of modules", len(knots), "; ".join(names))


# %%
# One iteration
# -------------


def events_of_iteration(package):
    """Calls and returns in one iteration, each with its own file and its caller's."""
    training = import_module("skaws.estimators.training")
    loop, events = training.wake_sleep, []

    def note(frame, event, _):
        own = own_file(frame, package)
        if own and event in ("call", "return"):
            events.append((event, own, nearest_file(frame.f_back, package)))

    def watched(*arguments, **options):
        turns = loop(*arguments, **options)
        for number in count(1):
            sys.setprofile(note if number == PROFILED else None)
            yield next(turns)

    training.wake_sleep = watched
    fit_components()
    training.wake_sleep = loop
    return events


def fit_components():
    """A fit of a few iterations more than are needed."""
    rng = np.random.default_rng(0)
    sources, mixing = rng.laplace(size=(5000, 6)), rng.standard_normal((6, 8))
    X = sources @ mixing + 0.3 * rng.standard_normal((5000, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = import_module("skaws").AmortisedICA
        estimator(n_components=6, max_iter=2 * PROFILED, random_state=0).fit(X)


def own_file(frame, package):
    """The file of a frame if it is in the package, or None."""
    path = Path(frame.f_code.co_filename)
    return path if package in path.parents else None


def nearest_file(frame, package):
    """The file of the first frame, going out, that is in the package."""
    while frame is not None and own_file(frame, package) is None:
        frame = frame.f_back
    return None if frame is None else own_file(frame, package)


def walk(package):
    """Print how many files one iteration passes through, and how often it changes file."""
    events = events_of_iteration(package)
    called = [own for event, own, _ in events if event == "call"]
    across = [event for event, own, caller in events if own != caller]
    show("files in an iteration", len(set(called)), f"{len(called)} calls")
    show("hops", sum(own != other for own, other in pairwise(called)))
    show("", across.count("call"), "caller to callee")
    show("", len(across), "there and back")


# %%
# All of it
# ---------


def show(figure, value, *remarks):
    """Print a row of the table."""
    print(" ".join([f"{figure:>22} {value:>6} ", *remarks]).rstrip())


def main(root):
    package = root.resolve() / "skaws"
    sys.path.insert(0, str(package.parent))
    trees = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    print(package)
    size(trees)
    layering(trees, package)
    walk(package)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[2])
