"""A few hundred random fits; ``make fuzz`` runs a thousand others."""

import pytest

from .laws import faults_of

N_CASES, N_TOGETHER = 240, 12


@pytest.mark.parametrize("first", range(0, N_CASES, N_TOGETHER))
def test_random_fits_break_no_law(first):
    found = [faults_of(seed) for seed in range(first, first + N_TOGETHER)]
    assert [(words, faults) for words, faults in found if faults] == []
