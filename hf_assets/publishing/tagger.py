"""A tagger on the Hub: its folder becomes a model repository, and a Space that shows the model.

Each repository gets one commit, the model before the Space, whose marker names the model's commit:
a run that is killed leaves each as it was or as it is to be. Only files that differ are sent, and
only files that hf_assets published are removed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd

from hf_assets.errors import InputError, clean
from hf_assets.publishing.front_matter import card_problems, front_matter
from hf_assets.publishing.hashes import Hashes, hashes
from hf_assets.publishing.marker import (
    INITIAL,
    MARKER,
    Revision,
    TaggerMarker,
    has_marker,
    tagger_marker,
)
from hf_assets.publishing.repository import (
    Changes,
    Kind,
    PublishError,
    Repository,
    unless_moved,
)

SETTING = "HF_ASSETS_PUBLISH_TAGGERS"
CARD = "README.md"
# Of the built folder: the model repository, which the Space holds, too.
MODEL = "model"
_SHOWN = 10
Log = Callable[[str], None]


@dataclass(frozen=True)
class TaggerOutcome:
    """The repositories after a publication; `named` is the model's commit that the Space names."""

    model: Changes
    space: Changes
    named: Revision | None


@dataclass(frozen=True)
class Target:
    """Where a tagger goes.

    Attributes:
        model, space: the repositories.
        corpus: that the tagger was trained on.
        adopt: publish also into repositories that hf_assets did not make.
        dry_run: change nothing on the Hub.
    """

    model: Repository
    space: Repository
    corpus: str
    adopt: bool = False
    dry_run: bool = False


def repositories(name: str, *, private: bool) -> tuple[Repository, Repository]:
    """The model repository of that name, and the Space of the same name."""
    model = Repository(name, kind="model", private=private, setting=SETTING)
    space = Repository(name, kind="space", private=private, sdk="gradio", setting=SETTING)
    return model, space


def publish_tagger(folder: Path, target: Target, log: Log = lambda _: None) -> TaggerOutcome:
    """Make the two repositories what the folder is.

    Args:
        folder: a Space with its model, of `tagger_space`; it must not change meanwhile.
        target: the repositories, created where they are missing.
        log: takes lines for the run log.

    Raises:
        InputError: a card is not as the Hub wants it, or names another repository.
        PublishError: a repository is someone else's, or the Hub refuses.
    """
    if not target.dry_run:
        target.model.require_token()
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    of_model = {
        path.removeprefix(f"{MODEL}/"): file
        for path, file in files.items()
        if path.startswith(f"{MODEL}/")
    }
    _require_valid(files, of_model, target.model.name)
    # A Space of somebody else is refused before the model is sent.
    _Run(target.space, target, log)
    ours = TaggerMarker(corpus=target.corpus, files=_hashes(of_model))
    model = unless_moved(lambda: _Run(target.model, target, log).publish(of_model, ours), log)
    shown = TaggerMarker(corpus=target.corpus, files=_hashes(files))

    def space() -> Changes:
        run = _Run(target.space, target, log)
        shown.model = _named(target.model, ours, model, run.before)
        return run.publish(files, shown)

    return TaggerOutcome(model, unless_moved(space, log), shown.model)


def _hashes(files: Mapping[str, Path]) -> dict[str, Hashes]:
    return {path: hashes(file) for path, file in files.items()}


def _require_valid(files: Mapping[str, Path], of_model: Mapping[str, Path], name: str) -> None:
    """InputError where a card is missing, not as the Hub wants it, or names another model."""
    cards: tuple[tuple[Kind, Mapping[str, Path]], ...] = (("model", of_model), ("space", files))
    texts, wrong = {}, []
    for kind, side in cards:
        where = f"{MODEL}/{CARD}" if kind == "model" else CARD
        if CARD not in side:
            raise InputError(f"the folder has no {where}: materialise tagger_space again")
        texts[kind] = side[CARD].read_text("utf-8", "replace")
        wrong += [f"{where}: {one}" for one in card_problems(texts[kind], kind, side)]
    if wrong:
        raise InputError(
            "the Hub would refuse these cards, so nothing was sent; correct them, then publish "
            f"again: {'; '.join(wrong)}"
        )
    named = front_matter(texts["space"]).get("models") or []
    if named != [name]:
        raise InputError(
            f"the cards were written for {clean(', '.join(named)) or 'no repository'}, and "
            f"{SETTING} names {name}: materialise tagger_space again"
        )


def _named(
    repository: Repository, ours: TaggerMarker, model: Changes, before: TaggerMarker | None
) -> Revision | None:
    """The commit of the model that the Space names.

    That which it names already, as long as the files are the same there: what somebody else
    committed since is no reason for a commit of ours.
    """
    if model.commit is None:
        return None
    earlier = before.model if before else None
    if earlier and not model.changed and earlier.repository == repository.name:
        there = repository.files_at(earlier.commit)
        wanted = {**ours.files, MARKER: hashes(ours.written())}
        if all(path in there and there[path].holds(one) for path, one in wanted.items()):
            return earlier
    return Revision(repository=repository.name, commit=model.commit)


class _Run:
    """One comparison with a repository, and what it sends."""

    def __init__(self, repository: Repository, target: Target, log: Log) -> None:
        self._repository, self._target, self._log = repository, target, log
        self._head = repository.head()
        self.before = self._marker()
        self._require_ours()

    def _marker(self) -> TaggerMarker | None:
        if self._head.commit is None or MARKER not in self._head.files:
            return None
        return tagger_marker(self._repository.read(MARKER, self._head.commit))

    def _require_ours(self) -> None:
        if self._target.adopt:
            return
        advice = f"name another repository in {SETTING}, or set `adopt` in the config"
        if not has_marker(self._head) or (MARKER in self._head.files and not self.before):
            raise PublishError(
                f"{self._repository.url} has files that hf_assets did not publish, and would "
                f"replace: {advice}"
            )
        if self.before and self.before.corpus != self._target.corpus:
            raise PublishError(
                f"{self._repository.url} has the tagger of {clean(self.before.corpus)}, not of "
                f"{self._target.corpus}: {advice}"
            )

    def publish(self, files: Mapping[str, Path], marker: TaggerMarker) -> Changes:
        """Make the repository what these files are, and their marker."""
        contents: dict[str, Path | bytes] = {**files, MARKER: marker.written()}
        known = {**marker.files, MARKER: hashes(marker.written())}
        side, there = Changes(self._head.commit), self._head.files
        for path, one in known.items():
            side.bytes += one.size
            if path in there and there[path].holds(one):
                side.unchanged += 1
            else:
                side.sent[path] = one.size
        published = self.before.files if self.before else {}
        side.removed = sorted(
            path
            for path, one in published.items()
            if path not in known and path in there and there[path].holds(one)
        )
        self._log_edited(side, published)
        if self._target.dry_run:
            # Which commit it would be, nobody knows.
            side.commit = None if side.differs else side.commit
        elif side.differs:
            self._commit(side, {path: contents[path] for path in side.sent})
        return side

    def _log_edited(self, side: Changes, published: Mapping[str, Hashes]) -> None:
        there = self._head.files
        edited = [
            path
            for path in side.sent
            if path in there
            and path != MARKER
            and not (path in published and there[path].holds(published[path]))
        ]
        edited = [path for path in edited if published or path not in INITIAL]
        if edited:
            self._log(
                f"{self._repository.url}: replaces what somebody else wrote into "
                f"{clean(', '.join(edited[:_SHOWN]))}; the history of the repository keeps it"
            )

    def _commit(self, side: Changes, contents: Mapping[str, Path | bytes]) -> None:
        head = self._head if self._head.commit else self._repository.create()
        assert head.commit
        additions = [CommitOperationAdd(path, content) for path, content in contents.items()]
        self._log(
            f"{self._repository.url}: sending {len(additions)} files, {sum(side.sent.values()):,} "
            "bytes"
        )
        self._repository.upload(additions)
        gone = f", {len(side.removed)} removed" if side.removed else ""
        message = (
            f"Publish the tagger of {self._target.corpus}: {len(additions)} files new or changed"
            f"{gone}"
        )
        side.commit = self._repository.commit(head.commit, message, additions, side.removed)
        side.changed = True
        self._log(f"{self._repository.url}: {message}: {side.commit}")
