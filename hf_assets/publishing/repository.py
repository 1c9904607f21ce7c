"""A repository on the Hub: what is in it, and commits to it.

huggingface_hub uploads: through Xet where `hf_xet` is installed, else as Git LFS. Files that the
Hub has already, from a run that was killed, are not sent again. A commit is atomic, and is refused
if another one came first.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple, TypeVar

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    RepoFile,
    constants,
    get_token,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from hf_assets.errors import HfAssetsError, clean
from hf_assets.publishing.hashes import Hashed

Kind = Literal["dataset", "model", "space"]
Published = TypeVar("Published")
ATTEMPTS = 3
_MOVED = (409, 412)
_REFUSED = (400, 401, 402, 403, 404, 410, 413, 422, 451)
_ADVICE = {
    401: "the token is refused: set a valid HF_TOKEN",
    402: "the Hub asks for payment: see the account's storage",
    403: "the token may not write there: set an HF_TOKEN that may write to the repository",
    404: "check {setting}, and that HF_TOKEN may see the repository",
}


class PublishError(HfAssetsError):
    """Nothing was published; what was published before stands."""


class HeadMoved(PublishError):
    """Another commit came first."""

    def __init__(self) -> None:
        super().__init__(
            "another process committed to the repository at the same time: run again later",
            permanent=False,
        )


class RemoteFile(NamedTuple):
    """A file of the repository: `sha256` is None for a small file, which git has itself."""

    size: int
    blob: str
    sha256: str | None

    def holds(self, content: Hashed) -> bool:
        """Whether it has that content."""
        if self.size != content.size:
            return False
        return self.sha256 == content.sha256 if self.sha256 else self.blob == content.blob


@dataclass(frozen=True)
class Head:
    """The repository at its newest commit; `commit` is None where there is no repository."""

    commit: str | None
    files: Mapping[str, RemoteFile] = field(default_factory=dict)


@dataclass
class Changes:
    """What a publication changed in a repository, or would change.

    Attributes:
        commit: of the repository; None where nothing is published.
        changed: whether there is a new commit.
        sent: bytes of each new or changed file, by path.
        removed: paths.
        unchanged: number of files.
        bytes: of all published files.
    """

    commit: str | None = None
    changed: bool = False
    sent: dict[str, int] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    bytes: int = 0

    @property
    def differs(self) -> bool:
        """Whether the repository differs from what is stored here."""
        return bool(self.sent or self.removed)


class Repository:
    """A repository, written to with the token of huggingface_hub.

    Args:
        name: owner/name.
        kind: what it holds.
        private: whether it is created as a private one; an existing one stays as it is.
        sdk: of a Space: with what its page is written.
        setting: the variable that names it, for advice.
    """

    def __init__(
        self,
        name: str,
        *,
        kind: Kind = "dataset",
        private: bool = True,
        sdk: str | None = None,
        setting: str = "HF_ASSETS_PUBLISH_DATASET",
    ) -> None:
        self.name, self.kind, self.setting = name, kind, setting
        self._private, self._sdk = private, sdk
        self._api = HfApi(
            endpoint=constants.ENDPOINT, token=get_token() or False, library_name="hf_assets"
        )

    @property
    def url(self) -> str:
        """The page of the repository."""
        prefix = constants.REPO_TYPES_URL_PREFIXES.get(self.kind, "")
        return f"{constants.ENDPOINT}/{prefix}{self.name}"

    def head(self) -> Head:
        """What is published now.

        Raises:
            PublishError: the Hub does not answer, or refuses.
        """
        with self._clear():
            try:
                commit = self._api.repo_info(self.name, repo_type=self.kind).sha
            except RepositoryNotFoundError:
                return Head(None)
            return Head(commit, self._files(commit))

    def files_at(self, commit: str) -> Mapping[str, RemoteFile]:
        """The files of an earlier commit; none where there is no such commit.

        Raises:
            PublishError: the Hub does not answer, or refuses.
        """
        with self._clear():
            try:
                return self._files(commit)
            except RevisionNotFoundError:
                return {}

    def _files(self, commit: str | None) -> dict[str, RemoteFile]:
        tree = self._api.list_repo_tree(
            self.name, repo_type=self.kind, revision=commit, recursive=True
        )
        return {
            one.path: RemoteFile(one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
            for one in tree
            if isinstance(one, RepoFile)
        }

    def read(self, path: str, commit: str) -> bytes:
        """The content of a small file.

        Raises:
            PublishError: the Hub does not answer, or has no such file.
        """
        with self._clear(), TemporaryDirectory() as folder:
            stored = self._api.hf_hub_download(
                self.name, path, repo_type=self.kind, revision=commit, cache_dir=folder
            )
            return Path(stored).read_bytes()

    def create(self) -> Head:
        """Create the repository.

        Raises:
            PublishError: there is no token, or the Hub refuses.
        """
        self.require_token()
        with self._clear():
            self._api.create_repo(
                self.name,
                repo_type=self.kind,
                private=self._private,
                exist_ok=True,
                space_sdk=self._sdk,
            )
        return self.head()

    def require_token(self) -> None:
        """PublishError where huggingface_hub has no token."""
        if not self._api.token:
            raise PublishError(
                "publishing takes a token that may write: set HF_TOKEN, or log in (hf auth login)"
            )

    def upload(self, additions: Sequence[CommitOperationAdd]) -> None:
        """Send large files; the next commit adds them.

        The content of a file that was sent is freed: its `path_or_fileobj` is then empty.
        """
        with self._clear():
            self._api.preupload_lfs_files(self.name, additions=additions, repo_type=self.kind)

    def commit(
        self,
        parent: str,
        message: str,
        additions: Sequence[CommitOperationAdd],
        removals: Sequence[str],
    ) -> str:
        """Publish all of it at once; returns the commit.

        Raises:
            HeadMoved: `parent` is not the newest commit any more.
            PublishError: the Hub refuses.
        """
        deleted = [CommitOperationDelete(path, is_folder=False) for path in removals]
        with self._clear():
            done = self._api.create_commit(
                self.name,
                [*additions, *deleted],
                commit_message=message,
                repo_type=self.kind,
                parent_commit=parent,
            )
        return done.oid

    @contextmanager
    def _clear(self) -> Generator[None]:
        """Errors of huggingface_hub as ours; its progress bars, which nobody sees, are off."""
        shown = not are_progress_bars_disabled()
        if shown:
            disable_progress_bars()
        try:
            yield
        except OfflineModeIsEnabled as error:
            raise PublishError(f"{clean(error)}: unset HF_HUB_OFFLINE to publish") from None
        except HfAssetsError:
            raise
        except (httpx2.HTTPError, ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
            raise _error(error, self.setting) from None
        finally:
            if shown:
                enable_progress_bars()


def unless_moved(publish: Callable[[], Published], log: Callable[[str], None]) -> Published:
    """What `publish` returns; it is called again where another commit came first.

    Raises:
        HeadMoved: another commit came first each time.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(HeadMoved):
            return publish()
        log("Another commit came first: comparing again")
    return publish()


def _error(error: Exception, setting: str) -> PublishError:
    # An upload's error is the cause of a RuntimeError.
    cause = error.__cause__ if type(error) is RuntimeError and error.__cause__ else error
    if not isinstance(cause, HfHubHTTPError):
        invalid = type(cause) is ValueError
        advice = "report it" if invalid else "run again later"
        return PublishError(f"{clean(cause)}: {advice}", permanent=invalid)
    status = cause.response.status_code
    if status in _MOVED:
        return HeadMoved()
    reason = clean(cause.server_message or cause)
    advice = _ADVICE.get(status, "run again later" if status not in _REFUSED else "see the reason")
    advice = advice.format(setting=setting)
    return PublishError(f"HTTP {status} {reason}: {advice}", permanent=status in _REFUSED)
