"""What notebooks need to show and keep results, under one name.

Tables are computed in xlt.analysis.tables, drawn in xlt.report.figures and written by xlt.report.artifacts.
"""

from xlt.analysis.costs import cost_table
from xlt.analysis.degenerate_runs import chance
from xlt.analysis.layers import layer_note, layer_summary, layer_table, rule_table
from xlt.analysis.phases import control_table, learned_table, retrieval_table, schedule_table
from xlt.analysis.score_tables import save as save_scores
from xlt.analysis.tables import (
    cells,
    control_note,
    footnote,
    language_cells,
    most_changed,
    per_language,
    seed_means,
    show_matrix,
    transfer_matrix,
)
from xlt.analysis.xtreme import published
from xlt.core.text import NOT_RUN, points
from xlt.report.artifacts import keep, save_figure, save_table
from xlt.report.figures import dot_plot, heat_map, layer_plot, loss_curve
from xlt.report.summary import about, question, save_answers, save_summary, showcase

__all__ = [
    "NOT_RUN",
    "about",
    "cells",
    "chance",
    "control_note",
    "control_table",
    "cost_table",
    "dot_plot",
    "footnote",
    "heat_map",
    "language_cells",
    "keep",
    "layer_note",
    "layer_plot",
    "layer_summary",
    "layer_table",
    "learned_table",
    "loss_curve",
    "most_changed",
    "per_language",
    "points",
    "published",
    "question",
    "retrieval_table",
    "rule_table",
    "save_answers",
    "save_figure",
    "save_scores",
    "save_summary",
    "save_table",
    "schedule_table",
    "seed_means",
    "show_matrix",
    "showcase",
    "transfer_matrix",
]
