"""The recipes of a profile, the grid of runs that they make, and the table of scores.

Imports `evaluation` and what is below it."""
