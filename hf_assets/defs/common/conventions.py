"""What Dagster's users look for on every asset: where it is stored, tags, code and its version."""

import inspect
from pathlib import Path
from typing import Any

import dagster as dg

from hf_assets.defs.common.code_versions import PACKAGE, code_version
from hf_assets.object_store.path import LakePath, uri
from hf_assets.settings import Settings, settings
from hf_assets.storage.lake import Lake

DOMAINS = {
    **{name: name for name in ("hub", "trends", "publishing")},
    **dict.fromkeys(("corpora", "classifiers"), "labels"),
}
# How far an asset is from its source, by group, then by name.
LAYERS = {
    "hub/raw": "raw",
    "hub/tables": "table",
    "hub/quality": "table",
    "trends": "aggregate",
    "trends/history": "series",
    "corpora/sources": "raw",
    "publishing": "publication",
}
LAYERS_BY_ASSET = {
    **dict.fromkeys(
        ("snapshot_figures", "space_code_figures", "trend_figures", "provider_figures"), "figure"
    ),
    **dict.fromkeys(("insights_report", "tagger_space", "published_tagger"), "publication"),
    **dict.fromkeys(("baseline", "leaderboard", "drift"), "evaluation"),
    "predictor": "model",
    **dict.fromkeys(("classifier", "onnx_classifier", "quantized_classifier"), "model"),
    "corpus": "corpus",
}


def with_conventions(definitions: dg.Definitions) -> dg.Definitions:
    """The definitions with storage address, tags, code references and version on each asset."""
    known = settings()
    described = definitions.map_asset_specs(func=lambda spec: with_facts(spec, known))
    assets = dg.with_source_code_references(list(described.assets or ()))
    assets = [_in_own_file(one) for one in assets]
    if known.repository:
        assets = dg.link_code_references_to_git(
            assets,
            git_url=known.repository.rstrip("/"),
            git_branch=known.repository_revision,
            platform="gitlab" if "gitlab" in known.repository else "github",
            file_path_mapping=dg.AnchorBasedFilePathMapping(
                PACKAGE / "definitions.py", "hf_assets/definitions.py"
            ),
        )
    return dg.Definitions(
        assets=assets,
        asset_checks=described.asset_checks,
        jobs=described.jobs,
        schedules=described.schedules,
        sensors=described.sensors,
        resources=described.resources,
        executor=described.executor,
        loggers=described.loggers,
        metadata=described.metadata,
        component_tree=described.component_tree,
    )


def _in_own_file(asset: Any) -> Any:
    """The asset with its code reference in the file of its body.

    Of a body in a wrapper, Dagster takes the line, but the file of the wrapper.
    """
    compute = asset.node_def.compute_fn if isinstance(asset, dg.AssetsDefinition) else None
    body = getattr(compute, "decorated_fn", None)
    if body is None or inspect.unwrap(body) is body:
        return asset
    file, (_, line) = inspect.getsourcefile(inspect.unwrap(body)), inspect.getsourcelines(body)
    reference = dg.LocalFileCodeReference(file_path=str(file), line_number=line)
    here = dg.CodeReferencesMetadataValue(code_references=[reference])
    return asset.map_asset_specs(
        lambda spec: spec.merge_attributes(metadata={"dagster/code_references": here})
    )


def with_facts(spec: dg.AssetSpec, known: Settings) -> dg.AssetSpec:
    """The spec with its storage address, its tags, and the version of its code."""
    path = stored_at(spec, Lake(known.data))
    found = tags(spec) | ({"dagster/storage_kind": "parquet"} if "parquet" in spec.kinds else {})
    version = spec.code_version or code_version(spec.key.path[-1])
    return spec.merge_attributes(
        tags=found, metadata={"dagster/uri": uri(path)} if path else {}
    ).replace_attributes(code_version=version)


def tags(spec: dg.AssetSpec) -> dict[str, str]:
    """Domain, layer and corpus, for selections such as `tag:"layer"="series"`."""
    group, name = str(spec.group_name), spec.key.path[-1]
    domain = DOMAINS.get(group.partition("/")[0])
    found = {
        "domain": domain,
        "layer": LAYERS_BY_ASSET.get(name) or LAYERS.get(group),
        "corpus": spec.key.path[0] if domain == "labels" and len(spec.key.path) > 1 else None,
    }
    return {name: value for name, value in found.items() if value}


def stored_at(spec: dg.AssetSpec, lake: Lake) -> LakePath | None:
    """The folder of an asset, or what an external one names, a file or the lake; None without.

    Base models have a folder each, so that a classifier's asset names the folder of them all.
    """
    file = spec.metadata.get("path")
    if isinstance(file, dg.PathMetadataValue):
        if file.value == str(lake.root):
            return lake.root
        return Path(file.value) if file.value else None
    if str(spec.group_name).partition("/")[0] not in DOMAINS:
        return None
    *corpus, name = spec.key.path
    if not corpus:
        return lake.folder(name, None)
    if name == "corpus":
        return lake.folder(f"corpora/{corpus[0]}", None)
    step = [] if spec.partitions_def else [name]
    return lake.folder("/".join(("classifiers", *corpus, *step)), None)
