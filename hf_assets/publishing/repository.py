"""A dataset repository on the Hub: what is in it, and commits to it.

huggingface_hub uploads: through Xet where `hf_xet` is installed, else as Git LFS. Files that the
Hub has already, from a run that was killed, are not sent again. A commit is atomic, and is refused
if another one came first.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

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
)
from huggingface_hub.utils import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from hf_assets.errors import HfAssetsError, clean

_KIND = "dataset"
_MOVED = (409, 412)
_REFUSED = (400, 401, 402, 403, 404, 410, 413, 422, 451)
_ADVICE = {
    401: "the token is refused: set a valid HF_TOKEN",
    402: "the Hub asks for payment: see the account's storage",
    403: "the token may not write there: set an HF_TOKEN that may write to the repository",
    404: "check HF_ASSETS_PUBLISH_DATASET, and that HF_TOKEN may see the repository",
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


@dataclass(frozen=True)
class Head:
    """The repository at its newest commit; `commit` is None where there is no repository."""

    commit: str | None
    files: Mapping[str, RemoteFile] = field(default_factory=dict)


class Repository:
    """A dataset repository, written to with the token of huggingface_hub.

    Args:
        name: owner/name.
        private: whether it is created as a private one; an existing one stays as it is.
    """

    def __init__(self, name: str, *, private: bool = True) -> None:
        self.name, self._private = name, private
        self._api = HfApi(
            endpoint=constants.ENDPOINT, token=get_token() or False, library_name="hf_assets"
        )

    @property
    def url(self) -> str:
        """The page of the repository."""
        return f"{constants.ENDPOINT}/datasets/{self.name}"

    def head(self) -> Head:
        """What is published now.

        Raises:
            PublishError: the Hub does not answer, or refuses.
        """
        with _clear():
            try:
                commit = self._api.repo_info(self.name, repo_type=_KIND).sha
            except RepositoryNotFoundError:
                return Head(None)
            tree = self._api.list_repo_tree(
                self.name, repo_type=_KIND, revision=commit, recursive=True
            )
            files = {
                one.path: RemoteFile(one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
                for one in tree
                if isinstance(one, RepoFile)
            }
        return Head(commit, files)

    def create(self) -> Head:
        """Create the repository.

        Raises:
            PublishError: there is no token, or the Hub refuses.
        """
        self.require_token()
        with _clear():
            self._api.create_repo(self.name, repo_type=_KIND, private=self._private, exist_ok=True)
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
        with _clear():
            self._api.preupload_lfs_files(self.name, additions=additions, repo_type=_KIND)

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
        with _clear():
            done = self._api.create_commit(
                self.name,
                [*additions, *deleted],
                commit_message=message,
                repo_type=_KIND,
                parent_commit=parent,
            )
        return done.oid


@contextmanager
def _clear() -> Generator[None]:
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
        raise _error(error) from None
    finally:
        if shown:
            enable_progress_bars()


def _error(error: Exception) -> PublishError:
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
    return PublishError(f"HTTP {status} {reason}: {advice}", permanent=status in _REFUSED)
