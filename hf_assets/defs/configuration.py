"""Files and folders that settings name, as external assets, each with a check.

A broken one is a failing check here, and stops nothing but what is made of it. An asset is present
only where its setting is.
"""

from typing import Any

import dagster as dg

from hf_assets.configuration import (
    archive_problems,
    base_model_problems,
    corpora_problems,
    own_base_model_problems,
    store_problems,
)
from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.errors import clean
from hf_assets.hub.open_archive import archive_dataset
from hf_assets.object_store.local import local_root
from hf_assets.rule_result import RuleResult
from hf_assets.settings import Settings, settings

GROUP = "configuration"
_CHECKS = {
    "corpora_file": ("entries_valid", corpora_problems),
    "base_models_file": ("base_models_valid", own_base_model_problems),
    "base_models_folder": ("copies_complete", base_model_problems),
    "past_days_archive": ("readable", archive_problems),
    "lake_on_a_store": ("store_answers", store_problems),
}
_ABOUT = {
    "corpora_file": "The TOML file with corpora of your own (HF_ASSETS_CORPORA).",
    "base_models_file": "The TOML file with base models of your own (HF_ASSETS_OWN_BASE_MODELS).",
    "base_models_folder": "The folder with local copies of base models (HF_ASSETS_BASE_MODELS).",
    "past_days_archive": "The archive that past days are read from (HF_ASSETS_ARCHIVE).",
    "lake_on_a_store": "The store that holds the lake (HF_ASSETS_DATA).",
    "entries_valid": "Every entry is a corpus; a broken one is left out, and all others load.",
    "base_models_valid": "Every entry is a base model, and its folder, where it has one, is "
    "complete; a broken entry is left out, and all others load.",
    "copies_complete": "Each copy of a base model has its configuration, weights and tokenizer.",
    "readable": "The folder has recorded days; a dataset's name is not looked up.",
    "store_answers": "The store answers one request: it is up, knows the key, and has the bucket.",
}


def _present(known: Settings) -> dict[str, str]:
    """The assets whose setting has a value, with that value."""
    archive = known.archive if "archive" in known.model_fields_set else ""
    values = {
        "corpora_file": known.corpora,
        "base_models_file": known.own_base_models,
        "base_models_folder": known.base_models,
        "past_days_archive": None if archive.strip().lower() in ("", "none") else archive,
        "lake_on_a_store": None if local_root(known.data) else known.data,
    }
    return {name: clean(value) for name, value in values.items() if value is not None}


def _where(name: str, value: str) -> dict[str, Any]:
    """Where it lies: a file, a folder, a store, or a dataset on the Hub."""
    if name == "past_days_archive" and (dataset := archive_dataset(value)):
        return {"dataset": dataset, "dagster/uri": f"hf://datasets/{dataset}"}
    return {"path": dg.MetadataValue.path(value)}


def _check(asset: str) -> dg.AssetChecksDefinition:
    name, problems = _CHECKS[asset]

    def evaluate(_: LakeResource, __: str) -> RuleResult:
        wrong = problems(settings())
        text = "\n".join(wrong) if wrong else "No problem was found."
        # The UI joins the lines of a description: a row of metadata for each.
        rows = {f"problem_{number}": line for number, line in enumerate(wrong[:20], 1)}
        return RuleResult(not wrong, text, {"problems": len(wrong), **rows})

    return check(asset, name, evaluate, _ABOUT[name], partitions=None)


@dg.definitions
def defs() -> dg.Definitions:
    """An external asset and its check for each setting that has a value."""
    present = _present(settings())
    return dg.Definitions(
        assets=[
            dg.AssetSpec(
                name,
                group_name=GROUP,
                description=_ABOUT[name],
                metadata=_where(name, value),
            )
            for name, value in present.items()
        ],
        asset_checks=[_check(name) for name in present],
    )


def configuration_checks() -> dg.AssetSelection:
    """The checks of whatever is present, for a job: they take no time.

    None asks a network but that of a lake on a store, which is asked for what it has.
    """
    return dg.AssetSelection.checks(
        *(dg.AssetCheckKey(dg.AssetKey(name), _CHECKS[name][0]) for name in _present(settings()))
    )
