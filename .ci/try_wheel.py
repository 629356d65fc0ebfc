"""Run by ``make wheel`` with an installed wheel and nothing else."""

from pathlib import Path

import numpy as np

import skaws

assert "site-packages" in Path(skaws.__file__).parts, skaws.__file__
X = np.random.default_rng(0).standard_normal((100, 5))
model = skaws.AmortisedFactorAnalysis(n_components=2, random_state=0).fit(X)
assert np.isfinite(model.score(X))
print(f"skaws {skaws.__version__} works from its wheel: {model.score(X):.3f} nats a row")
