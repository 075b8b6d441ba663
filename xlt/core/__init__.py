"""Ground: errors, paths, files, words, progress, device, provenance.

Imports no other room; torch in `device` and `provenance` alone."""
