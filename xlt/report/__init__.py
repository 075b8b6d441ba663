"""What notebooks need to show and keep results, under one name.

Tables are computed in xlt.analysis, drawn in xlt.report.figures and written by xlt.report.artifacts; what all studies
show alike is in xlt.report.study_pages; what a table means in words is in xlt.report.sentences, what opens the pages of
phases 2 and 4 in xlt.report.phase_answers.
"""

from xlt.analysis.costs import cost_table
from xlt.analysis.degenerate_runs import chance
from xlt.analysis.language_tables import language_cells, per_language
from xlt.analysis.layers import layer_note, layer_summary, layer_table, rule_table
from xlt.analysis.phases import control_table, learned_table, retrieval_table, schedule_table
from xlt.analysis.score_tables import save as save_scores
from xlt.analysis.tables import cells, control_note, footnote, most_changed, seed_means, transfer_matrix
from xlt.analysis.xtreme import published
from xlt.core.text import NOT_RUN, points
from xlt.report.artifacts import keep, keep_found, save_figure, save_table
from xlt.report.figures import dot_plot, heat_map, layer_plot, loss_curves
from xlt.report.outputs import Sentence, folded, show_matrix
from xlt.report.sentences import (
    attacked,
    decided,
    forgotten,
    learned,
    matrix_lead,
    passed,
    tally,
    told_apart,
    unlearned,
)
from xlt.report.study_pages import StudyPage, contamination_card, records, save_outcomes
from xlt.report.summary import about, missing, question, save_answers, save_summary, showcase

__all__ = [
    "NOT_RUN",
    "Sentence",
    "StudyPage",
    "about",
    "attacked",
    "cells",
    "chance",
    "contamination_card",
    "control_note",
    "control_table",
    "cost_table",
    "decided",
    "dot_plot",
    "forgotten",
    "folded",
    "footnote",
    "heat_map",
    "keep",
    "keep_found",
    "language_cells",
    "layer_note",
    "layer_plot",
    "layer_summary",
    "layer_table",
    "learned",
    "learned_table",
    "loss_curves",
    "matrix_lead",
    "missing",
    "most_changed",
    "passed",
    "per_language",
    "points",
    "published",
    "question",
    "records",
    "retrieval_table",
    "rule_table",
    "save_answers",
    "save_figure",
    "save_outcomes",
    "save_scores",
    "save_summary",
    "save_table",
    "schedule_table",
    "seed_means",
    "show_matrix",
    "showcase",
    "tally",
    "told_apart",
    "transfer_matrix",
    "unlearned",
]
