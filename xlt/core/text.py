"""Words that stand for values, the same wherever they are read."""

NOT_RUN = "not run"  # in a cell of what has no score
