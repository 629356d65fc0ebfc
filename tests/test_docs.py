"""Pages: every public name is on the API page, every reference exists, plain words only."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "doc").glob("*.rst")) + [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]
NOUNS = [
    "skaws",
    "skaws.checks",
    "skaws.decoders",
    "skaws.evaluation",
    "skaws.likelihoods",
    "skaws.methods",
    "skaws.models",
    "skaws.objectives",
    "skaws.optimizers",
    "skaws.posteriors",
    "skaws.priors",
    "skaws.regression",
    "skaws.schedules",
    "skaws.simulations",
    "skaws.supports",
    "skaws.wake_sleep",
]
# Words of which there are better ones; two pages list them for that reason.
NOT_TO_USE = "bijector chart recipe traits twin manager utils engine left-over embedding"
LISTS = {"changes.rst", "CONTRIBUTING.md"}
REFERENCE = re.compile(r":(?:class|func|mod|meth|obj):`~?(skaws[\w.]*)`")


def text_of(page):
    return page.read_text(encoding="utf-8")


def references(text):
    return sorted(set(REFERENCE.findall(text)))


def exists(name):
    """Whether a dotted name can be imported, or looked up in what can be."""
    module, rest = name, []
    while True:
        try:
            thing = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
    for part in rest:
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


def words_not_to_use(text):
    words = re.findall(r"[a-z][a-z-]*", text.lower())
    return sorted({w for w in words if {w, w.rstrip("s")} & {*NOT_TO_USE.split()}})


@pytest.mark.parametrize("name", NOUNS)
def test_public_names_are_on_the_api_page(name):
    page = text_of(ROOT / "doc" / "api.rst")
    for public in importlib.import_module(name).__all__:
        listed = f"   {name}.{public}\n" in page
        assert listed or re.search(rf"``{public}\b", page), f"{name}.{public}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_references_exist(page):
    assert [name for name in references(text_of(page)) if not exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_plain_words(page):
    if page.name not in LISTS:
        assert words_not_to_use(text_of(page)) == []


def test_these_laws_can_fail():
    assert references("See :class:`skaws.forms.ScalarForm`.") == ["skaws.forms.ScalarForm"]
    assert not exists("skaws.forms.ScalarForm") and not exists("skaws.supports.Chart")
    assert exists("skaws.supports.Support.contains")
    assert words_not_to_use("Charts and traits") == ["charts", "traits"]
