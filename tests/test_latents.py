"""Rows of latents and blocks of them, whatever latents are."""

import numpy as np
import pytest

from skaws.latents import arrays_of, rows_of, stack

ARRAY = np.arange(12.0).reshape(6, 2)
LATENTS = {"array": ARRAY, "dictionary": {"path": ARRAY, "label": ARRAY[:, :1]}}


@pytest.mark.parametrize("kind", LATENTS)
@pytest.mark.parametrize("cuts", [(), (2,), (1, 4)])
def test_blocks_of_rows_make_up_the_whole(kind, cuts):
    latents = LATENTS[kind]
    blocks = [rows_of(latents, rows) for rows in np.split(np.arange(6), cuts)]
    whole = stack(blocks)
    assert type(whole) is type(latents)
    for again, array in zip(arrays_of(whole), arrays_of(latents), strict=True):
        np.testing.assert_array_equal(again, array)


def test_arrays_come_in_the_order_of_the_dictionary():
    assert [array.shape for array in arrays_of(LATENTS["dictionary"])] == [(6, 2), (6, 1)]
