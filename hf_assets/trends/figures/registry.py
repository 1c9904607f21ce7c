"""Every figure, in the order of the UI, the gallery and the report.

To add one, write a function with `@figure` in `day` (from a `Snapshot`) or in `history` (from a
`History`), and list it here.
"""

from collections.abc import Callable, Mapping
from functools import partial

from matplotlib.figure import Figure

from hf_assets.charts.figure import FigureFunction
from hf_assets.trends.figures.day import datasets as day_datasets
from hf_assets.trends.figures.day import models as day_models
from hf_assets.trends.figures.day import space_code, spaces
from hf_assets.trends.figures.day import uses as day_uses
from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets.trends.figures.history import (
    adoption,
    datasets,
    days,
    families,
    hub,
    models,
    movers,
    predictions,
    uses,
)
from hf_assets.trends.figures.history.history import History

DAY_FIGURES: tuple[FigureFunction[Snapshot], ...] = (
    day_models.downloads_by_category,
    day_models.likes_by_category,
    day_models.trending_by_category,
    day_models.category_share,
    day_models.library_share,
    day_models.license_mix,
    day_models.models_by_year,
    day_models.top_models,
    day_models.concentration,
    day_datasets.datasets_by_task,
    day_datasets.datasets_by_language,
    day_datasets.datasets_by_size,
    day_datasets.top_datasets,
    spaces.correlations,
    spaces.chosen_models_by_tag,
    spaces.usage_by_category,
    spaces.models_per_space,
    day_uses.training_data,
    day_uses.used_datasets,
    day_uses.used_papers,
)
CODE_FIGURES: tuple[FigureFunction[space_code.SpaceCode], ...] = (
    space_code.code_files,
    space_code.code_bytes,
    space_code.code_languages,
    space_code.code_packages,
)
# From the whole Hub to single models, and then the days themselves.
HISTORY_FIGURES: tuple[FigureFunction[History], ...] = (
    hub.category_shares,
    predictions.predicted_categories,
    hub.library_shares,
    hub.license_mix,
    hub.license_drift,
    families.derivatives,
    families.biggest_families,
    families.model_sizes,
    hub.concentration,
    hub.space_usage,
    uses.training_data_share,
    uses.most_used,
    datasets.datasets_listed,
    datasets.dataset_sizes,
    datasets.dataset_tasks,
    models.top_ranks,
    movers.risers,
    movers.fallers,
    movers.risers_of_all,
    models.hype_phases,
    adoption.adoption_curves,
    adoption.time_to_downloads,
    days.new_models,
    days.day_quality,
)


Data = Snapshot | History | space_code.SpaceCode


def drawings(data: Data) -> Mapping[str, Callable[[], Figure]]:
    """For each figure of some data, by name and in order, a call that draws it."""
    if isinstance(data, Snapshot):
        return {figure.name: partial(figure, data) for figure in DAY_FIGURES}
    if isinstance(data, space_code.SpaceCode):
        return {figure.name: partial(figure, data) for figure in CODE_FIGURES}
    return {figure.name: partial(figure, data) for figure in HISTORY_FIGURES}
