"""One evaluation of one model: metrics, retrieval, attacks; and files of predictions by others.

Imports `models` and what is below it."""
