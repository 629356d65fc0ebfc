"""The oldest versions that are tested are those that are promised."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="not in a checkout")
def test_oldest_versions_are_those_of_setup():
    promised = dict(re.findall(r'"([a-z-]+)>=([0-9.]+)"', (ROOT / "setup.py").read_text()))
    pinned = dict(
        line.split("==") for line in (ROOT / "tests/oldest.txt").read_text().split()
    )
    needed = {"scikit-learn", "numpy", "scipy", "autograd", "joblib", "threadpoolctl"}
    assert needed <= set(pinned)
    for name, version in pinned.items():
        # The first release of a series may have been withdrawn: SciPy 1.11.0 was.
        assert (version + ".").startswith(promised[name] + "."), name
