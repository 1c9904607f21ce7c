"""Predicted categories of the Hub's models: the predictor, a table a day, their checks.

A night without a predictor stores a day in which every model without a category is unknown. It is
not skipped: Dagster would skip the series that follow, too.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import dagster as dg

from hf_assets.classifiers.prediction import rules
from hf_assets.defs.common.automation import after_changes
from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.events import materialized, report_day
from hf_assets.defs.common.factories import Tables
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import column_schema, stored_table
from hf_assets.defs.common.partitions import daily, hub_runs
from hf_assets.defs.common.pools import AFTER_THE_HUB
from hf_assets.defs.common.resources import PREVIEWED_DAYS, LakeResource
from hf_assets.defs.labels import metadata
from hf_assets.defs.labels.classifiers import replacing
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.errors import InputError, clean
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.hub.tables.predictions import PREDICTED_CATEGORIES, PredictionRecord
from hf_assets.rule_result import RuleResult
from hf_assets.storage.folders import is_stored
from hf_assets.storage.lake import MissingArtefact, StoredTable

if TYPE_CHECKING:
    from hf_assets.classifiers.prediction.predictor import Predictor

CORPUS = "hub_models"
_NAME = PREDICTED_CATEGORIES.name


@dg.asset(
    key_prefix=[CORPUS],
    group_name=f"classifiers/{CORPUS}",
    owners=["team:labels"],
    kinds={"polars"},
    deps=[[CORPUS, name] for name in ("corpus", "baseline", "quantized_classifier", "leaderboard")],
    op_tags=AFTER_THE_HUB,
    automation_condition=after_changes([CORPUS, "baseline"], [CORPUS, "leaderboard"]),
)
def predictor(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The model that predicts categories, with the probability from which 95 % are right.

    The best int8 model of the leaderboard; TF-IDF where it is as good on validation, or the only
    one. Calibrated on validation; precision and coverage on test are measured here, once.
    """
    from hf_assets.classifiers.prediction.predictor import store_predictor

    paths, log = CorpusPaths(lake.tree, CORPUS), context.log.info
    try:
        board = paths.stored("leaderboard")
    except MissingArtefact:
        board = None
    with replacing(paths, "predictor") as folder:
        baseline = paths.stored("baseline")
        record = store_predictor(
            paths.corpus, baseline, board, lambda name: paths.stored(name, "quantized"), folder, log
        )
    return materialized(context, metadata.predictor(paths.folder("predictor"), record))


@dg.asset(
    group_name="hub/tables",
    owners=["team:hub"],
    kinds={"polars", "parquet"},
    partitions_def=daily,
    backfill_policy=hub_runs,
    io_manager_key="tables",
    deps=[predictor],
    metadata={
        "dagster/column_schema": column_schema(PREDICTED_CATEGORIES),
        "dagster/table_name": _NAME,
    },
)
def predicted_categories(
    context: dg.AssetExecutionContext, models: Tables, lake: LakeResource
) -> dg.MaterializeResult:
    """Predicted categories of the models that the Hub gives none; the unsure ones stay unknown.

    A prediction stays while the model's text and the classifier are the same: a night asks the new
    and the changed models only. Models that the Hub has given a category since are checked.
    """
    found, why_not = _predictor(lake)
    if why_not:
        context.log.warning(f"No categories are predicted: {why_not}")
    # One after the other: each day reads the one before it.
    for day in sorted(models):
        with clear_failures():
            stored = _stored_day(lake, models[day], found, why_not, context.log.error)
        context.log.info(f"{_NAME} {day}: {stored.rows:,} rows, {stored.seconds} s")
        facts = stored_table(stored, PREDICTED_CATEGORIES, brief=len(models) > PREVIEWED_DAYS)
        predicted = found if PredictionRecord.read(stored.notes).version else None
        report_day(context, day, facts | metadata.precision(predicted))
    return dg.MaterializeResult()


def _stored_day(
    lake: LakeResource,
    models: StoredTable,
    found: "Predictor | None",
    why_not: str,
    log: Callable[[str], None],
) -> StoredTable:
    """Predict and store a day; without predictions where the classifier fails.

    The series, figures and report of the night follow this step, and must not stop with it.
    """
    from hf_assets.classifiers.prediction.predicting import Earlier, predict_day

    if found is not None:
        try:
            earlier = Earlier.of(lake.tree, models.day, found.record.version)
            write = predict_day(models, found, earlier)
            return lake.tree.write(PREDICTED_CATEGORIES, models.day, write)
        except Exception as error:  # noqa: BLE001 - of a library, of any kind
            why_not = f"the classifier failed: {type(error).__name__}: {clean(error, 500)}"
            log(f"No categories are predicted: {why_not}")
    write = predict_day(models, None, Earlier(), why_not)
    return lake.tree.write(PREDICTED_CATEGORIES, models.day, write)


def _predictor(lake: LakeResource) -> "tuple[Predictor | None, str]":
    """The stored predictor, or why there is none: it must not stop the series of the night."""
    from hf_assets.classifiers.prediction.predictor import open_predictor

    try:
        return open_predictor(CorpusPaths(lake.tree, CORPUS).stored("predictor")), ""
    except MissingArtefact as error:
        return None, f"{error}, after {CORPUS}/corpus and {CORPUS}/baseline"
    except InputError as error:
        return None, clean(str(error), 500)


def _record(lake: LakeResource, day: str) -> PredictionRecord:
    return PredictionRecord.read(lake.tree.notes(_NAME, day))


def _precision_on_test(lake: LakeResource, day: str) -> RuleResult:
    found, why_not = _predictor(lake)
    torn = bool(why_not) and is_stored(CorpusPaths(lake.tree, CORPUS).folder("predictor"))
    record = found.record if found else None
    return rules.precision_on_test(record, why_not, _record(lake, day), torn=torn)


def _still_precise(lake: LakeResource, day: str) -> RuleResult:
    days = [one for one in lake.tree.days(_NAME) if one <= day]
    return rules.still_precise([_record(lake, one) for one in days])


def _add_up(lake: LakeResource, day: str) -> RuleResult:
    return rules.predictions_add_up(lake.tree.read(_NAME, day), read_day(lake.tree, "models", day))


@dg.definitions
def predictions() -> dg.Definitions:
    """Predictor and predictions: as precise as promised, by test and by the Hub's later answers."""
    return dg.Definitions(
        assets=[predictor, predicted_categories],
        asset_checks=[
            check(
                _NAME,
                "precision_on_test",
                _precision_on_test,
                "The classifier's precision on test is 95 %, or its interval reaches that.",
            ),
            check(
                _NAME,
                "still_precise",
                _still_precise,
                "Of the models that the Hub has categorised since, 95 % were predicted right, or "
                "the interval of that share reaches 95 %.",
            ),
            check(
                _NAME,
                "predictions_add_up",
                _add_up,
                "Models with a category, predicted and unknown ones are all models of the day.",
            ),
        ],
    )
