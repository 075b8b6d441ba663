"""Attacks: search for texts, and for word embeddings nearby, on which a model fails."""
