"""Random tables, settings and models, and what must hold for each of them."""
