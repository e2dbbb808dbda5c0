"""The figure of the front page: how much of the board each network takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import WIDTH, network_scale

_WHOLE = [0, 1]
_NAMES = 130  # pixels that the names of networks take


def memory_shares(rows: Sequence[Mapping[str, Any]], models: list[str]) -> alt.FacetChart:
    """Bars of what is taken of each memory, on a grey bar for the whole.

    Args:
        rows: ``network``, ``memory``, ``kB``, ``share`` and ``label``.
        models: names in the registry, in the order of the bars.
    """
    scale = network_scale(models)
    names = list(scale.domain)
    memories = list(dict.fromkeys(row["memory"] for row in rows))
    base = alt.Chart().encode(
        alt.Y("network:N", sort=names, title=None, axis=alt.Axis(labelLimit=_NAMES))
    )
    share = alt.X(
        "share:Q", title="share of the board's memory", scale=alt.Scale(domain=_WHOLE, nice=False),
        axis=alt.Axis(format="%", tickCount=5),
    )  # fmt: skip
    layers = [
        base.mark_bar(color="currentColor", opacity=0.1).encode(alt.XDatum(0), alt.X2Datum(1)),
        base.mark_bar().encode(
            share,
            color=alt.Color("network:N", scale=scale, sort=names, legend=None),
            tooltip=["network:N", "memory:N", alt.Tooltip("kB:Q", format=".1f"),
                     alt.Tooltip("share:Q", format=".1%")],
        ),
        base.mark_text(align="left", dx=6).encode(share, text="label:N"),
    ]  # fmt: skip
    told = "; ".join(f"{row['network']}, {row['memory']} {row['label']}" for row in rows)
    panel = alt.LayerChart(layer=layers).properties(width=WIDTH // 2 - _NAMES // 2, height=150)
    facet = alt.Column("memory:N", sort=memories, title=None)
    return panel.facet(data=alt.Data(values=[dict(row) for row in rows]), column=facet).properties(
        description=f"Flash and RAM of the whole program by network: {told}"
    )
