"""A selection of models as a file: every row and column, under an address of this server."""

import csv
import io
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from starlette.applications import Starlette
from starlette.testclient import TestClient

from hf_assets.apps.explore import files
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.selections import PLACE, selection_link, selection_routes
from hf_assets.apps.explore.tables import MOST_ROWS
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.query import NONE_GIVEN, ModelQuery
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.object_store.errors import StoreError
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.support.apps.hub_lake import FORMULA, LAST, NAMES, write_hub_lake

QUERY = ModelQuery(
    "model 1",
    category=("text-to-image", NONE_GIVEN),
    size=("under 1B", "1B to 10B"),
    tag=(),
    relation=(),
    downloads=(10, None),
    likes=(None, 99),
    created=(date(2025, 1, 2), None),
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_hub_lake(tmp_path_factory.mktemp("lake"), history=False)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is written in several parts, some of them without a row."""
    monkeypatch.setattr(files, "BATCH", 4)


@pytest.fixture
def client(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    return TestClient(Starlette(routes=selection_routes(lake.root, ["testserver"])))


def test_an_address_says_the_query() -> None:
    assert ModelQuery.from_address(QUERY.to_address()) == QUERY
    assert ModelQuery.from_address([]) == ModelQuery()
    assert ModelQuery.from_address([("page", "2"), ("sort", "likes")]) == ModelQuery()
    link = selection_link(LAST, ModelQuery("a&b", author=("é",)), "csv")
    assert link == f"{PLACE}.csv?day={LAST}&search=a%26b&author=%C3%A9"


def test_a_parquet_file_has_all_rows_and_columns(client: TestClient, lake: Lake) -> None:
    answer = client.get(selection_link(LAST, QUERY, "parquet"))
    expected = lake.read("models", LAST).frame.filter(QUERY.wanted).collect()
    assert 1 < expected.height < len(NAMES)
    assert_frame_equal(pl.read_parquet(io.BytesIO(answer.content)), expected)
    assert answer.headers["content-disposition"].endswith(f'filename="models-{LAST}.parquet"')
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_file_has_more_rows_than_any_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 500)
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    count = MOST_ROWS + 203
    rows = [{"id": f"a/{at:04}", "author": "a", "likes": at} for at in range(count + 7)]
    lake = Lake(tmp_path / "lake")
    lake.write(MODELS, LAST, TableWrite([pl.DataFrame(rows, schema=MODELS.schema)]))
    client = TestClient(Starlette(routes=selection_routes(lake.root, ["testserver"])))
    query = ModelQuery(likes=(7, None))
    for kind, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet)):
        found = read(io.BytesIO(client.get(selection_link(LAST, query, kind)).content))
        assert found["id"].to_list() == [f"a/{at:04}" for at in range(7, count + 7)]


def test_a_csv_has_no_formula_and_nothing_is_left(client: TestClient, tmp_path: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(client.get(selection_link(LAST, ModelQuery(), "csv")).text))
    )
    assert [row["id"] for row in rows] == [f"'{n}" if n == FORMULA else n for n in NAMES]
    assert [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_selection_of_nothing_has_the_columns(client: TestClient, lake: Lake, kind: str) -> None:
    answer = client.get(selection_link(LAST, ModelQuery("no such name"), kind))
    read = pl.read_csv if kind == "csv" else pl.read_parquet
    found = read(io.BytesIO(answer.content))
    assert found.is_empty()
    assert found.columns == lake.read("models", LAST).frame.collect_schema().names()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"{PLACE}.csv?day=2026-01-01", 404),
        (f"{PLACE}.csv?day=../../etc", 404),
        (f"{PLACE}.csv", 404),
        (f"{PLACE}.exe?day={LAST}", 404),
        (f"{PLACE}.csv?day={LAST}&likes=many..", 400),
        (f"{PLACE}.csv?day={LAST}&likes=5", 400),
        (f"{PLACE}.csv?day={LAST}&search={'a' * 201}", 400),
        (f"{PLACE}.csv?day={LAST}{'&tag=a' * 51}", 400),
        (f"{PLACE}.csv?day={LAST}&likes={'9' * 30}..", 400),
        (f"{PLACE}.csv?day={LAST}&created=..soon", 400),
    ],
)
def test_what_is_not_there_or_not_readable_is_refused(
    client: TestClient, address: str, status: int
) -> None:
    assert client.get(address).status_code == status


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"sec-fetch-site": "cross-site"}, {"host": ""}]
)
def test_other_sites_get_nothing(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get(selection_link(LAST, ModelQuery(), "csv"), headers=headers).status_code == 403


def test_a_disk_that_takes_nothing_is_said(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "file" / "below"))
    answer = client.get(selection_link(LAST, ModelQuery(), "parquet"))
    assert answer.status_code == 507


def test_a_store_that_is_away_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreError("s3://lake", "Timeout", "start it", permanent=False)

    monkeypatch.setattr(LakeReader, "table", away)
    answer = client.get(selection_link(LAST, ModelQuery(), "parquet"))
    assert (answer.status_code, answer.text) == (503, "the lake cannot be read: try later")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_damaged_day_is_said_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    lake = write_hub_lake(tmp_path / "lake", history=False)
    path = lake.folder("models", LAST) / "data.parquet"
    content = bytearray(path.read_bytes())
    content[200:1200] = bytes(1000)
    path.write_bytes(content)
    client = TestClient(Starlette(routes=selection_routes(lake.root, ["testserver"])))
    answer = client.get(selection_link(LAST, ModelQuery(), kind))
    assert answer.status_code == 500
    assert answer.text.startswith("the models of that day cannot be read")
    assert [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()] == []


def test_who_goes_away_leaves_no_file(client: TestClient, tmp_path: Path) -> None:
    before = _open_files()
    with client.stream("GET", selection_link(LAST, ModelQuery(), "csv")) as answer:
        next(answer.iter_bytes(8))
    assert [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()] == []
    assert _open_files() == before


def _open_files() -> int:
    """Files that this process has open, or has open without a name."""
    links = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return sum("models.csv" in str(there) for there in links)


def test_the_indexes_give_their_memory_to_a_file(lake: Lake, tmp_path: Path) -> None:
    class Held(Indexes):
        released = 0

        def release(self) -> None:
            self.released += 1

    held = Held()
    client = TestClient(Starlette(routes=selection_routes(lake.root, ["testserver"], held)))
    assert client.get(selection_link(LAST, ModelQuery(), "parquet")).status_code == 200
    assert held.released == 1
