"""Parts in a row; checks in words are tested with each kind of part."""

import pytest

from skaws.parts import check_support, numbered, with_params
from skaws.supports import Positive


def test_numbers_are_those_of_the_parts_in_order():
    dicts = [{}, {"a": 1.0}, {}, {"b": 2.0}]
    assert numbered(dicts) == {"1": {"a": 1.0}, "3": {"b": 2.0}}
    assert numbered([]) == numbered([{}, {}]) == {}


def test_every_part_finds_the_params_that_were_numbered_for_it():
    dicts = [{}, {"a": 1.0}, {}, {"b": 2.0}]
    parts = ["first", "second", "third", "fourth"]
    assert with_params(parts, numbered(dicts)) == list(zip(parts, dicts, strict=True))


def test_a_support_passes_and_all_else_is_told_what_to_write():
    check_support(Positive(), "Here.support")
    for wrong, advice in (("positive", r"Real\(\), Positive"), (Positive, "with brackets")):
        with pytest.raises(TypeError, match=f"Here.support must be .* Write .*{advice}"):
            check_support(wrong, "Here.support")
