"""Everything of a single corpus: its assets, its classifiers' and their checks."""

import dagster as dg

from hf_assets.corpora.registry import CorpusSpec, corpora
from hf_assets.defs.common.resources import lake_under
from hf_assets.defs.labels.checks import checks_of
from hf_assets.defs.labels.classifiers import classifier_assets
from hf_assets.defs.labels.corpora import corpus_assets
from hf_assets.defs.labels.drift import growth_of
from hf_assets.defs.labels.publication import publication_check, tagger_publication
from hf_assets.settings import settings


def chain(spec: CorpusSpec) -> dg.Definitions:
    """The definitions of a corpus, from its file to a tagger, with the lake that they need."""
    drift, ages = growth_of(spec)
    return dg.Definitions(
        assets=[*corpus_assets(spec), *classifier_assets(spec), tagger_publication(spec), *drift],
        asset_checks=[
            *checks_of(spec.name, of_hub=spec.of_hub),
            publication_check(spec.name),
            *ages,
        ],
        resources={"lake": lake_under(str(settings().data))},
    )


def taken(name: str) -> str:
    """Why that name cannot be a component's: the package or the TOML file has it; or empty."""
    own = settings().corpora
    if name not in corpora(own).specs:
        return ""
    where = "the package" if name in corpora().specs else f"{own}, too"
    return f"{name} is a corpus of {where}: set another `name` here, or remove it there"
