"""Encoders, heads, features, training, inference.

Imports `data` and what is below it."""
