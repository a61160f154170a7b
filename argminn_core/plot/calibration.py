"""Are q-values what they say? A table of nominal and realised rates -> one SVG."""

from __future__ import annotations

import io

import pandas as pd

from argminn_core.errors import InputError


def calibration_figure(rates: pd.DataFrame) -> bytes:
    """The realised share of false calls against the q-value up to which calls were kept, as SVG.

    Parameters
    ----------
    rates : pd.DataFrame
        `panel`, `series`, `nominal`, `realised`: one picture a panel, one line a series; both rates 0 to 1.

    Raises
    ------
    InputError : there is no row.
    """
    if rates.empty:
        raise InputError("there are no rates to draw", expected="a row for each nominal rate")
    import matplotlib
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys(rates["panel"]))
    # A Figure of its own, outside pyplot: nothing stays open.
    figure = Figure(figsize=(3.6 * len(panels), 3.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        here = rates[rates["panel"] == panel]
        top = 1.05 * max(here["nominal"].max(), here["realised"].max())
        axes.plot([0, top], [0, top], color="0.6", linewidth=1, linestyle="--", label="as it should be")
        for series, line in here.groupby("series", sort=False):
            line = line.sort_values("nominal")
            axes.plot(line["nominal"], line["realised"], marker="o", markersize=4, label=series)
        axes.set(title=panel, xlabel="q-value up to", xlim=(0, top), ylim=(0, top), aspect="equal")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    figure.axes[0].set_ylabel("share of false calls")
    handle = io.BytesIO()
    # No date and no random ids: the same table gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "argminn"}):
        figure.savefig(handle, format="svg", metadata={"Date": None})
    return handle.getvalue()
