"""How fast training and reading are on this machine, beside what else a researcher would run on the same records."""
