"""A corpus's tagger as a model and a Space on the Hub: off until a setting names them."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from hf_assets.corpora.registry import CorpusSpec, corpora
from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.events import Skipped, materialized, skippable
from hf_assets.defs.common.failures import RETRIES, clear_failures
from hf_assets.defs.common.pools import AFTER_THE_HUB
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.errors import InputError, clean
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.storage.folders import read_folder
from hf_assets.storage.locks import exclusive

if TYPE_CHECKING:
    from hf_assets.publishing.repository import Changes
    from hf_assets.publishing.tagger import TaggerOutcome, Target

SPACE, PUBLISHED = "tagger_space", "published_tagger"
LOCK_WAIT = 600.0
# Files that the metadata name.
_SHOWN = 200


class DryRunConfig(dg.Config):
    """Whether to publish, or to say only what would be."""

    dry_run: bool = Field(
        default=False,
        description="Change nothing on the Hub: an observation lists the files that would be sent "
        "and removed, with their bytes.",
    )


class TaggerPublicationConfig(DryRunConfig):
    """Whether to publish, and into whose repositories."""

    adopt: bool = Field(
        default=False,
        description="Publish also into repositories that hf_assets did not make: files of the same "
        "path are replaced, others stay.",
    )


def tagger_publication(spec: CorpusSpec) -> dg.AssetsDefinition:
    """The asset that publishes the tagger of that corpus."""
    name = spec.name

    @dg.asset(
        key_prefix=[name],
        group_name=f"classifiers/{name}",
        owners=["team:labels"],
        op_tags=AFTER_THE_HUB,
        deps=[[name, SPACE]],
        kinds={"huggingface"},
        retry_policy=RETRIES,
        output_required=False,  # off, or a dry run
    )
    @skippable
    def published_tagger(
        context: dg.AssetExecutionContext, config: TaggerPublicationConfig, lake: LakeResource
    ) -> dg.MaterializeResult | None:
        """The tagger on the Hub: a model, and a Space that shows it, by a commit each.

        Off until HF_ASSETS_PUBLISH_TAGGERS names a repository for the corpus. Only files that
        differ are sent; what others put into the repositories stays.
        """
        # Imported late: the client of the Hub takes a tenth of the time to load the code location.
        from hf_assets.publishing.tagger import publish_tagger

        if name not in settings().publish_taggers:
            raise Skipped(_off(name))
        paths = CorpusPaths(lake.tree, name)
        with clear_failures(), _built(paths) as folder:
            target = _target(name, dry_run=config.dry_run, adopt=config.adopt)
            outcome = publish_tagger(folder, target, context.log.info)
        facts = _facts(outcome, target)
        if config.dry_run:
            context.log_event(dg.AssetObservation(context.asset_key, metadata=facts))
            return None
        return materialized(context, facts)

    return published_tagger


def publication_check(name: str) -> dg.AssetChecksDefinition:
    """The check of the publication of that corpus's tagger."""

    def matches(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.publishing.rules import tagger_matches
        from hf_assets.publishing.tagger import publish_tagger

        with _built(CorpusPaths(lake.tree, name)) as folder:
            return tagger_matches(publish_tagger(folder, _target(name, dry_run=True)))

    about = "The Hub lists the files of tagger_space, by hash, in the model and in the Space."
    return check([name, PUBLISHED], "published_matches", matches, about, partitions=None)


def _off(name: str) -> str:
    others = ", ".join(clean(other, 60) for other in settings().publish_taggers)
    of = f"the tagger of {name}, as the setting names only {others}," if others else "taggers"
    return (
        f"publishing of {of} is off: set HF_ASSETS_PUBLISH_TAGGERS="
        f'\'{{"{name}": "owner/name"}}\' and start again; docs/taggers.md says what is published.'
    )


@contextmanager
def _built(paths: CorpusPaths) -> Generator[Path]:
    """A copy of the folder of `tagger_space`, so that nothing replaces it on the way.

    One publication of a corpus at a time has it.
    """
    lock = paths.folder() / f".{PUBLISHED}.lock"
    with (
        exclusive(lock, f"publishing the tagger of {paths.name}", wait=LOCK_WAIT),
        TemporaryDirectory() as work,
    ):
        copy = Path(work) / SPACE
        read_folder(paths.stored(SPACE), lambda stored: _copied(stored, copy))
        yield copy


def _copied(folder: Path, to: Path) -> None:
    # Read again where it was replaced meanwhile.
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)


def _target(name: str, *, dry_run: bool, adopt: bool = False) -> "Target":
    """The repositories of the settings. InputError where they name none, or others' too."""
    from hf_assets.publishing.tagger import Target, repositories

    known = settings()
    repository = known.publish_taggers.get(name)
    if repository is None:
        raise InputError(_off(name))
    # The Hub tells no capitals apart.
    others = [
        clean(one, 60)
        for one, of in known.publish_taggers.items()
        if of.lower() == repository.lower() and one != name
    ]
    if others:
        raise InputError(
            f"HF_ASSETS_PUBLISH_TAGGERS names {repository} for {' and '.join(others)}, too: give "
            "each corpus a repository of its own"
        )
    model, space = repositories(repository, private=known.publish_private)
    return Target(model, space, name, adopt=adopt, dry_run=dry_run)


def _facts(outcome: "TaggerOutcome", target: "Target") -> dict[str, Any]:
    """Addresses, commits, bytes and files of both repositories."""
    both = (("model", target.model, outcome.model), ("Space", target.space, outcome.space))
    facts: dict[str, Any] = {}
    for words, repository, side in both:
        facts |= {
            words: dg.MetadataValue.url(repository.url),
            f"commit of the {words}": _commit(repository.url, side),
        }
    files = {words: shown_files(side) for words, _, side in both}
    return {
        **facts,
        "the Space names commit": outcome.named.commit if outcome.named else "none",
        **file_counts(outcome.model, outcome.space),
        "files": dg.MetadataValue.json(files),
    }


def _commit(url: str, side: "Changes") -> Any:
    return dg.MetadataValue.url(f"{url}/commit/{side.commit}") if side.commit else "none"


def file_counts(*sides: "Changes") -> dict[str, int]:
    """Files and bytes of a publication's repositories together, for the metadata."""
    return {
        "files sent": sum(len(side.sent) for side in sides),
        "bytes sent": sum(sum(side.sent.values()) for side in sides),
        "files removed": sum(len(side.removed) for side in sides),
        "files unchanged": sum(side.unchanged for side in sides),
        "size (bytes)": sum(side.bytes for side in sides),
    }


def shown_files(side: "Changes") -> dict[str, Any]:
    """The first files that were sent, with their bytes, and removed ones, for the metadata."""
    return {"sent": dict(list(side.sent.items())[:_SHOWN]), "removed": side.removed[:_SHOWN]}


@dg.definitions
def defs() -> dg.Definitions:
    """The publications of each corpus, the package's and the user's."""
    specs = corpora(settings().corpora).specs.values()
    return dg.Definitions(
        assets=[tagger_publication(spec) for spec in specs],
        asset_checks=[publication_check(spec.name) for spec in specs],
    )
