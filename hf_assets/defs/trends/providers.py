"""Inference providers over all days: their series and its figures.

They stand apart from the other series and figures, which must not wait for the router.
"""

from functools import partial

import dagster as dg

from hf_assets.defs.common.automation import after_changes
from hf_assets.defs.common.factories import every_day, once
from hf_assets.defs.common.metadata import gallery, stored_folder
from hf_assets.defs.common.resources import LakeResource, PartitionWrites
from hf_assets.defs.trends.history import GROUP, series_asset
from hf_assets.hub.providers import history, schemas
from hf_assets.storage.folders import replacing_folder


@series_asset(schemas.PROVIDER_HISTORY, every_day("inference_providers"))
def provider_history(lake: LakeResource) -> PartitionWrites:
    """Prices, speed and number of models of inference providers, over time."""
    return once(schemas.PROVIDER_HISTORY, partial(history.provider_history, lake.tree))


@dg.asset(
    group_name=GROUP,
    owners=["team:hub"],
    kinds={"matplotlib"},
    deps=["provider_history"],
    automation_condition=after_changes(),
)
def provider_figures(lake: LakeResource) -> dg.MaterializeResult:
    """Figures of inference providers, as PNG and SVG: prices by model, models by provider."""
    from hf_assets.charts.saving import render
    from hf_assets.trends.figures.history.providers import FIGURES

    frame = lake.tree.read("provider_history", None).frame.collect()
    drawn = {figure.name: render(figure(frame)) for figure in FIGURES}
    place = lake.tree.folder("provider_figures", None)
    with replacing_folder(place, public=True) as folder:
        for name, rendered in drawn.items():
            rendered.write(folder, name)
    shown = gallery({name: rendered.gallery for name, rendered in drawn.items()})
    return dg.MaterializeResult(metadata={"gallery": shown, "figures": len(drawn)}
                                | stored_folder(place))  # fmt: skip
