"""Corpus assets, one for each entry of the registry."""

from collections.abc import Iterator

import dagster as dg

from hf_assets.corpora.corpus import open_corpus
from hf_assets.corpora.registry import CorpusSpec, corpora, kind_of
from hf_assets.defs.common.automation import built_again
from hf_assets.defs.common.events import Skipped, materialized, skippable
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.pools import AFTER_THE_HUB
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels import metadata
from hf_assets.defs.labels.paths import age_of_corpus, trusted_models
from hf_assets.errors import clean
from hf_assets.hub.retention import thinned
from hf_assets.settings import settings
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import TableWrite


def corpus_assets(spec: CorpusSpec) -> Iterator[dg.AssetsDefinition | dg.AssetSpec]:
    """The corpus of that entry, and the file it is read from, if it has one of its own."""
    group = f"corpora/{spec.name}"
    if spec.file:
        sources = [dg.AssetKey([spec.name, "table"])]
        yield dg.AssetSpec(
            sources[0],
            group_name=group,
            description=f"Your own table of texts with labels: {clean(spec.file.name)}.",
            kinds={kind_of(spec.file)},
            metadata={"path": dg.MetadataValue.path(clean(spec.file, 4096))},
        )
    else:
        # Of the Hub's models, the newest trusted day: whether it is, `day_quality` says.
        named = (*spec.sources, "day_quality") if spec.of_hub else spec.sources
        sources = [dg.AssetKey(source) for source in named]

    @dg.asset(
        key=[spec.name, "corpus"],
        group_name=group,
        owners=["team:labels"],
        kinds={"polars", "parquet"},
        deps=sources,
        op_tags=AFTER_THE_HUB,
        output_required=False,
        # A table of the user's own is read when the user says so.
        automation_condition=built_again([spec.name, "drift"])
        if settings().retrain and not spec.file
        else None,
    )
    @skippable
    def corpus(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """Texts with labels: cleaned, without placeholders, duplicates in one split.

        A row keeps its split as the corpus grows. Questions are of one site. The metadata count the
        rows left out, by reason.
        """
        from hf_assets.classifiers.token_counting import local_counter
        from hf_assets.corpora.building import build
        from hf_assets.corpora.tables.table_source import read_table

        with clear_failures():
            stored = _models(lake) if spec.of_hub else lake.texts(*spec.sources)
        if not spec.file and not stored:
            missing = "a trusted day of models" if spec.of_hub else " or ".join(spec.sources)
            raise Skipped(f"no texts are stored for {spec.name}: materialise {missing} first.")
        path = lake.tree.folder(f"corpora/{spec.name}", None)
        with clear_failures(), replacing_folder(path) as folder:
            texts = [read_table(spec, context.log.info)] if spec.file else stored
            site = settings().stackexchange_site
            facts = build(
                spec, texts, folder, before=path, log=context.log.info, site=site,
                tokens=local_counter(settings().base_models),
            )  # fmt: skip
        age = metadata.age(age_of_corpus(spec, lake, open_corpus(path)))
        return materialized(context, metadata.corpus(path, facts) | age)

    yield corpus


def _models(lake: LakeResource) -> list[TableWrite]:
    """Texts of the models of the newest trusted day that was not thinned; none without one."""
    from hf_assets.corpora.hub.drawing import hub_texts

    for day in reversed(trusted_models(lake)):
        if not thinned(stored := lake.tree.read("models", day)):
            return [hub_texts(stored)]
    return []


@dg.definitions
def defs() -> dg.Definitions:
    """A corpus for each entry, the package's and the user's."""
    specs = corpora(settings().corpora).specs.values()
    return dg.Definitions(assets=[asset for spec in specs for asset in corpus_assets(spec)])
