"""What was published last, in the lake's folder of the asset.

It saves time, and is no truth: whoever deletes it has every file read and compared again.
"""

import msgspec

from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath
from hf_assets.publishing.parts import FileFacts
from hf_assets.publishing.withheld import PrivateIds
from hf_assets.storage.durable import replacing
from hf_assets.storage.json_files import read_record, write_record
from hf_assets.storage.lake import Lake
from hf_assets.storage.records import Record

ASSET, FILE = "published_lake", "published.json"


class Published(Record):
    """The last publication.

    Attributes:
        repository: owner/name.
        commit: of the repository.
        basis: on which the facts of files depend, besides the stored files.
        files: by path in the repository.
        private: ids of private repositories, by table and day.
    """

    repository: str = ""
    commit: str | None = None
    basis: str = ""
    files: dict[str, FileFacts] = msgspec.field(default_factory=dict)
    private: PrivateIds = msgspec.field(default_factory=dict)


def read_published(lake: Lake) -> Published:
    """The record; an empty one where there is none, or it cannot be read."""
    try:
        return read_record(_path(lake), Published)
    except InputError:
        return Published()


def write_published(lake: Lake, record: Published) -> None:
    """Replace the record."""
    path = _path(lake)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        write_record(temporary, record)


def _path(lake: Lake) -> LakePath:
    return lake.folder(ASSET, None) / FILE
