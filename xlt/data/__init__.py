"""Where records and weights come from and what of them a model is given; the store of runs; contamination.

Imports `core`, `spec`, `world`, `perturb`."""
