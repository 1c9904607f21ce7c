"""The embedded Kaggle over HTTP: what it lists, what it refuses, where its wall stands."""

import base64
import csv
import json
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels.kaggle import TOKEN, USER, create_app, read_faults
from hf_assets.demo.labels.meta_kaggle import INVALID_ROWS, write_tables
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets_tests.conftest import Serve

TEXTS = GeneratedTexts("datasets", seed=5)
PATH = "/v1/datasets.DatasetApiService/ListDatasets"
BODY = {"sortBy": "DATASET_SORT_BY_PUBLISHED", "page": 1, "pageSize": 20}
Post = Callable[..., httpx2.Response]


@pytest.fixture
def post(serve: Serve) -> Callable[..., Post]:
    """A function that asks an embedded Kaggle of so many datasets; `to` is another path."""

    def start(count: int = 100, **options: Any) -> Post:
        url = serve(create_app(TEXTS, count, **options)).url

        def ask(to: str = PATH, authorization: str = f"Bearer {TOKEN}", **body: Any) -> Any:
            given = {name: value for name, value in (BODY | body).items() if value is not None}
            headers = {"Authorization": authorization} if authorization else {}
            return httpx2.post(f"{url}{to}", json=given, headers=headers, timeout=10)

        return ask

    return start


def test_the_newest_comes_first_and_pages_follow(post: Callable[..., Post]) -> None:
    ask = post()
    pages = [ask(page=number).json() for number in (1, 2, 3, 4, 5, 6)]
    ids = [row["id"] for page in pages for row in page["datasets"]]
    assert ids == [TEXTS.text(index).id for index in range(99, -1, -1)]
    assert [bool(page["nextPageToken"]) for page in pages] == [True] * 4 + [False] * 2
    row = pages[0]["datasets"][0]
    text = TEXTS.text(99)
    assert (row["title"], row["subtitle"]) == (text.title, text.subtitle)
    assert [tag["name"] for tag in row["tags"]] == list(text.tags)
    assert row["description"] is None
    changed = datetime.fromisoformat(row["lastUpdated"])
    assert changed >= text.created.replace(microsecond=0)


def test_both_addresses_and_both_kinds_of_credentials_are_known(post: Callable[..., Post]) -> None:
    ask = post()
    assert ask(f"/api{PATH}").json() == ask().json()
    basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert ask(authorization=f"Basic {basic}").status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer x", "Basic ZGVtbzp4", TOKEN])
def test_without_credentials_there_is_no_list(
    authorization: str, post: Callable[..., Post]
) -> None:
    answer = post()(authorization=authorization)
    assert answer.status_code == 401
    assert answer.json() == {"code": 401, "message": "Unauthenticated"}


@pytest.mark.parametrize(
    "body",
    [{"sortBy": "DATASET_SORT_BY_HOTTEST"}, {"sortBy": None}, {"page": 0}, {"page": "1"},
     {"pageSize": 201}, {"pageSize": 0}, {"search": "cats"}, {"unheard": 1}],
)  # fmt: skip
def test_what_it_does_not_know_it_refuses(body: dict[str, Any], post: Callable[..., Post]) -> None:
    answer = post()(**body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_behind_the_wall_pages_are_empty(post: Callable[..., Post]) -> None:
    ask = post(100, wall=50)
    assert [len(ask(page=number).json()["datasets"]) for number in (1, 2, 3, 4)] == [20, 20, 10, 0]
    assert ask(page=4).status_code == 200


def test_page_sizes_are_kept(post: Callable[..., Post]) -> None:
    assert len(post()(pageSize=70, page=2).json()["datasets"]) == 30


def test_faults_strike_as_told(post: Callable[..., Post]) -> None:
    ask = post(faults=read_faults("404@2, 503:2@3,429=7@1,empty-page@4,html@5"))
    limited = ask()
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert [ask(page=number).status_code for number in (1, 2, 2, 3, 3, 3)] == [
        200, 404, 200, 503, 503, 200,
    ]  # fmt: skip
    assert ask(page=4).json()["datasets"] == []
    assert ask(page=5).headers["Content-Type"].startswith("text/html")
    assert len(ask(page=4).json()["datasets"]) == 20
    assert "x-powered-by" not in ask().headers


def test_faults_in_words() -> None:
    assert read_faults("") == Faults()
    both = read_faults("404:*@3,500=0.5")
    assert both.errors == {404: [At(times=FOREVER, page=3)], 500: [At(value=0.5)]}
    with pytest.raises(ValueError, match="no fault is called"):
        read_faults("418")
    with pytest.raises(ValueError, match="is not of the form"):
        read_faults("404:many")


def test_introspection_knows_the_one_token(post: Callable[..., Post]) -> None:
    ask = post()
    path = "/v1/security.OAuthService/IntrospectToken"
    assert ask(path, "", token=TOKEN).json()["username"] == USER
    assert ask(path, "", token="x").status_code == 404


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def test_tables_have_histories_and_texts_that_need_quotes(tmp_path: Path) -> None:
    write_tables(tmp_path, 80, seed=5)
    datasets, versions = table(tmp_path, "Datasets"), table(tmp_path, "DatasetVersions")
    assert len(datasets) == 80 < len(versions)
    current = {row["CurrentDatasetVersionId"] for row in datasets}
    bodies = {row["Description"] for row in versions if row["Id"] in current}
    assert bodies >= {TEXTS.text(index).body for index in range(80)}
    assert any("\n" in body and "," in body for body in bodies)
    assert all(int(a["Id"]) < int(b["Id"]) for a, b in pairwise(versions))
    tags = {row["Id"]: row["Name"] for row in table(tmp_path, "Tags")}
    pairs = [(row["DatasetId"], tags[row["TagId"]]) for row in table(tmp_path, "DatasetTags")]
    assert pairs == [
        (str(text.id), tag) for text in map(TEXTS.text, range(80)) for tag in text.tags
    ]


def test_the_same_seed_gives_the_same_tables(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_tables(tmp_path / name, 30, seed, INVALID_ROWS, owners=True)
    read = [
        {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}
        for name in "abc"
    ]
    assert read[0] == read[1] != read[2]
    assert len(read[0]) == 6


def test_an_unknown_oddity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no oddity is called"):
        write_tables(tmp_path, 30, odd=["green"])


def test_answers_are_json_that_says_so(post: Callable[..., Post]) -> None:
    answer = post()()
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content).keys() == {"datasets", "nextPageToken"}
