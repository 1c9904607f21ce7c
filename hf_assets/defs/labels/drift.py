"""How a corpus ages: a table of drift, checks of age, and a condition that trains again.

Nothing is trained by itself unless HF_ASSETS_RETRAIN says so. A table of one's own and a dump have
no days; a corpus of a table has an age alone, which goes by its file.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from hf_assets.classifiers.drift import rules
from hf_assets.classifiers.drift.table import DriftRecord, Since, Unseen, drift_table, refreshed
from hf_assets.corpora.registry import CorpusSpec, corpora
from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.events import Skipped, materialized, skippable
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import column_schema, stored_table
from hf_assets.defs.common.pools import AFTER_THE_HUB
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.paths import (
    CorpusPaths,
    Opened,
    models_after,
    models_behind,
    served_model,
    stored_drift,
    stored_sources,
)
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.storage.folders import is_stored
from hf_assets.storage.stored import StoredTable

if TYPE_CHECKING:
    from hf_assets.classifiers.drift.against import Against

DRIFTED, OLD = "not_drifted", "corpus_not_old"
_GROWS = "What came into the sources since: few rows and labels are unseen, and not for long."


def bounds() -> rules.Bounds:
    """From when on something is old, or has drifted, as the settings say."""
    own = settings()
    return rules.Bounds(own.stale_rows, own.stale_labels, own.stale_days, own.drift)


def grows(spec: CorpusSpec) -> bool:
    """Whether texts come to a corpus by themselves: a table of one's own is read as a whole."""
    return spec.file is None


def growth_of(spec: CorpusSpec) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """The drift of a corpus, and the checks of age and drift."""
    assets = [_drift(spec)] if grows(spec) else []
    return assets, list(_checks(spec))


def _drift(spec: CorpusSpec) -> dg.AssetsDefinition:
    name, table = spec.name, drift_table(spec.name)
    # Read where they are stored, and made by others: a corpus that is built again has no drift.
    used = ["corpus", "baseline", "predictor" if spec.of_hub else "tagger_space"]

    @dg.asset(
        key=[name, "drift"],
        group_name=f"classifiers/{name}",
        owners=["team:labels"],
        kinds={"polars", "parquet"},
        deps=[*([name, step] for step in used), *spec.sources],
        op_tags=AFTER_THE_HUB,
        output_required=False,
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.name},
    )
    @skippable
    def drift(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """How texts that came after a corpus was built differ from those in it, a row a week.

        Labels' shares, with what chance alone makes of them; words that TF-IDF does not know; texts
        to which the served tagger gives no label; labels that are new.
        """
        paths = CorpusPaths(lake.tree, name)
        if not is_stored(lake.tree.folder(f"corpora/{name}", None)):
            raise Skipped(f"there is no corpus: materialise {name}/corpus first.")
        # A second run waits, and then measures what the first one has not: each week has one row.
        with clear_failures(), paths.reading(), lake.tree.refreshing(table.name):
            stored = stored_drift(lake, name)
            weeks, against, present, settled = _compared(spec, lake, paths, stored)
            write = refreshed(weeks, against, stored, present, settled, context.log.info)
            stored = lake.tree.write(table, None, write)
        facts = _facts(DriftRecord.read(stored.notes).since)
        return materialized(context, stored_table(stored, table) | facts)

    return drift


def _compared(
    spec: CorpusSpec, lake: LakeResource, paths: CorpusPaths, drift: StoredTable | None
) -> "tuple[list[Unseen], Against, frozenset[str], frozenset[date]]":
    """The weeks that the corpus has not taken, and what they are compared with.

    Then the stored days that rows may be of, and weeks that cannot be measured again.
    """
    from hf_assets.classifiers.drift import weeks
    from hf_assets.classifiers.drift.against import compared_with

    corpus = paths.corpus
    natural, settled = None, frozenset[date]()
    if spec.of_hub:
        found = models_after(lake, corpus)
        unseen = weeks.weeks_of_models(corpus, found)
        present, settled = models_behind(lake, drift)
        if (newest := found.newest()) and (origin := weeks.hub_origin(corpus)):
            natural = weeks.categories_before(newest, origin[0])
    else:
        sources = stored_sources(lake, spec)
        unseen = weeks.weeks_of_texts(spec, corpus, sources)
        present = frozenset(
            weeks.source_name(name, one) for name, all_ in sources.items() for one in all_
        )
    baseline = paths.stored("baseline") if is_stored(paths.folder("baseline")) else None
    against = compared_with(corpus, baseline, served_model(spec, paths), natural)
    return unseen, against, present, settled


def _facts(since: Since) -> dict[str, Any]:
    """All that came since the corpus was built, beside what is usual."""
    found = {
        "texts since the corpus was built": since.texts,
        "weeks": since.weeks,
        "distance of label shares": since.distance,
        "distance by chance alone": since.noise,
        "unseen words": since.unseen_words,
        "unseen words, usual": since.usual_words,
        "texts without a label": since.unlabelled,
        "texts without a label, usual": since.usual_unlabelled,
        "labels a text": since.labels_a_text,
        "labels a text, usual": since.usual_labels,
    }
    new = {"new labels": dg.MetadataValue.json(since.new_labels)} if since.new_labels else {}
    return {name: round(value, 4) for name, value in found.items() if value is not None} | new


# --- checks ---------------------------------------------------------------------------------------


def _checks(spec: CorpusSpec) -> Iterator[dg.AssetChecksDefinition]:
    name = spec.name

    def of(
        asset: str, rule: str, about: str, evaluate: Callable[[LakeResource, Opened], RuleResult]
    ) -> dg.AssetChecksDefinition:
        def run(lake: LakeResource, _: str) -> RuleResult:
            opened = Opened.of(spec, lake)
            # A night measures all corpora, whichever are there.
            if opened is None:
                return RuleResult(True, f"There is no {name}/corpus yet.")
            return evaluate(lake, opened)

        return check([name, asset], rule, run, about, partitions=None)

    yield of("corpus", "not_old", _GROWS, _corpus_not_old)
    about = "The rows and labels that it learnt from are nearly those that there are now."
    yield of("baseline", "not_old", about, _baseline_not_old)
    yield of("quantized_classifier", "not_old", about, _int8_not_old)
    if grows(spec):
        yield of("drift", OLD, _GROWS, _corpus_not_old)
        yield of(
            "drift",
            DRIFTED,
            "Labels, words and answers of the texts that came since are the usual ones, sample "
            "noise aside.",
            _not_drifted,
        )


def _corpus_not_old(_: LakeResource, opened: Opened) -> RuleResult:
    return rules.corpus_not_old(opened.age, bounds(), f"{opened.paths.name}/corpus")


def _baseline_not_old(_: LakeResource, opened: Opened) -> RuleResult:
    from hf_assets.classifiers.drift.ages import baseline_age

    paths = opened.paths
    if not is_stored(paths.folder("baseline")):
        return RuleResult(True, f"There is no {paths.name}/baseline yet.")
    age = baseline_age(opened.corpus, paths.stored("baseline"), opened.age)
    return rules.not_old(age, bounds(), f"{paths.name}/baseline")


def _int8_not_old(_: LakeResource, opened: Opened) -> RuleResult:
    from hf_assets.classifiers.drift.ages import int8_ages

    ages = int8_ages(opened.corpus, opened.paths.trained(), opened.age)
    return rules.all_young(ages, bounds())


def _not_drifted(lake: LakeResource, opened: Opened) -> RuleResult:
    stored = stored_drift(lake, opened.paths.name)
    if stored is None:
        return RuleResult(True, "The drift was not measured yet.")
    return rules.not_drifted(DriftRecord.read(stored.notes).since, bounds())


# --- definitions ----------------------------------------------------------------------------------


@dg.definitions
def defs() -> dg.Definitions:
    """Drift and ages of each corpus, and what measures them every night."""
    found = [growth_of(spec) for spec in corpora(settings().corpora).specs.values()]
    assets = [asset for each, _ in found for asset in each]
    checks = [one for _, each in found for one in each]
    measure_drift = dg.define_asset_job(
        "measure_drift",
        # Of a corpus in a component, too.
        selection=dg.AssetSelection.from_string('key:"*/drift"')
        | dg.AssetSelection.checks(*checks),
        description="Measures how far the texts that came since differ from those that each corpus "
        "has, and how old corpora and models are. Trains nothing.",
    )
    nightly_drift = dg.ScheduleDefinition(
        name="nightly_drift",
        job=measure_drift,
        cron_schedule="30 6 * * *",
        execution_timezone="UTC",
        description="Measures the drift of each corpus, and how old it and its models are.",
    )
    return dg.Definitions(
        assets=assets, asset_checks=checks, jobs=[measure_drift], schedules=[nightly_drift]
    )
