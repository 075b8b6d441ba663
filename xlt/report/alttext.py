"""What a figure shows, in words, read off the figure itself: for readers who do not see it."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.category import StrCategoryFormatter
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FuncFormatter

NAMED = (FixedFormatter, FuncFormatter, StrCategoryFormatter)  # of an axis with names on it


def described(figure: Figure) -> str:
    """What its maker wrote with `set_label`, else its panels, axes and marks. Call it once the figure is drawn."""
    return figure.get_label() or " ".join(_parts(figure))


def _parts(figure: Figure) -> list[str]:
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    if not any(axes.axison for axes in panels):
        return [text.get_text() for axes in panels for text in axes.texts]
    down = ". ".join(filter(None, dict.fromkeys(_along(axes, "y") for axes in panels)))
    marks = "; ".join(dict.fromkeys(text for part in (figure, *panels) for text in _legend(part)))
    return [f"{_panel(axes)}." for axes in panels] + [f"Down: {down}.", *[f"Marks: {marks}."] * bool(marks)]


def _panel(axes: Axes) -> str:
    values = [mesh.get_array().compressed() for mesh in axes.collections if isinstance(mesh, QuadMesh)]
    span = f", values from {values[0].min():.3g} to {values[0].max():.3g}" if values and values[0].size else ""
    return f"{axes.get_title() or 'Figure'}{span}, across: {_along(axes, 'x')}"


def _along(axes: Axes, which: str) -> str:
    """An axis with the names on it, or from where to where its values reach."""
    axis, (low, high) = getattr(axes, f"{which}axis"), getattr(axes.dataLim, f"interval{which}")
    label = axis.get_label_text().partition("\n")[0]
    if isinstance(axis.get_major_formatter(), NAMED):
        names = [text.get_text().replace("\n", " ") for text in axis.get_ticklabels()]
        return ": ".join(filter(None, (label, "; ".join(filter(None, names)))))
    return f"{label} from {low:.3g} to {high:.3g}".strip() if low <= high else label


def _legend(part: Figure | Axes) -> list[str]:
    legends = part.legends if isinstance(part, Figure) else [part.get_legend()]
    return [text.get_text() for legend in legends if legend for text in legend.get_texts()]
