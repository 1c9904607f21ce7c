"""Embedded repositories behind huggingface_hub, and a lake to publish."""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huggingface_hub import constants

from hf_assets.demo.repositories.app import RepositoryService, create_app
from hf_assets.demo.repositories.faults import RepositoryFaults
from hf_assets.demo.repositories.store import Repositories, Repository
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.classifiers.published import make_space
from hf_assets_tests.support.publishing import NAME, OWNER, READER, TOKEN, small_lake

TAGS = "acme/tags"


@dataclass
class Served:
    """The embedded repositories while they are served; `log` is the run log."""

    service: RepositoryService
    url: str
    requests: list[str]
    log: list[str] = field(default_factory=list)

    @property
    def faults(self) -> RepositoryFaults:
        return self.service.faults

    def of(self, kind: str, name: str) -> Repository:
        """A repository by its kind, in the plural."""
        return self.service.repositories.by_name[f"{kind}/{name}"]

    @property
    def repository(self) -> Repository:
        return self.service.repositories.by_name[f"datasets/{NAME}"]

    @property
    def paths(self) -> list[str]:
        return sorted(self.repository.head.files)

    def text(self, path: str) -> str:
        return self.bytes(path).decode()

    def bytes(self, path: str) -> bytes:
        return self.repository.content(self.repository.head.files[path])


@contextmanager
def serving() -> Generator[Served]:
    """The repositories, served as the Hub of this process."""
    repositories = Repositories({TOKEN: OWNER}, {READER: OWNER})
    app = create_app(service := RepositoryService(repositories, part_size=4_000))
    server = LoopbackServer(app).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", server.url)
        address = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
        # The embedded service takes large files as Git LFS.
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setenv("HF_TOKEN", TOKEN)
        yield Served(service, server.url, app.state.requests)
    threading.Thread(target=server.stop).start()


@pytest.fixture(scope="session")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space with its model, for TAGS."""
    return make_space(tmp_path_factory.mktemp("tagger"), TAGS)


@pytest.fixture
def hub() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return small_lake(tmp_path / "lake")
