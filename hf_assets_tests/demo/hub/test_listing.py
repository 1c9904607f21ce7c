"""Listings on the wire: paging, fields, refusals."""

import base64
import datetime as dt
import itertools
import json

import httpx2
import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import EXPAND
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.walking import pages, rows

DAY = dt.date(2026, 11, 20)
MODELS, SPACES, DATASETS = 2345, 1234, 781


@pytest.fixture
def hub() -> GeneratedHub:
    return GeneratedHub(MODELS, SPACES, seed=3, day=DAY)


@pytest.fixture
def url(hub: GeneratedHub, serve: Serve) -> str:
    return serve(create_app(hub)).url


@pytest.mark.parametrize(
    ("path", "count"),
    [
        *((f"models?sort={sort}&limit=300", MODELS) for sort in
          ("createdAt", "downloads", "likes", "lastModified", "trendingScore")),
        *((f"spaces?sort={sort}&limit=300", SPACES) for sort in
          ("createdAt", "likes", "lastModified", "trendingScore")),
        *((f"datasets?sort={sort}&limit=300", DATASETS) for sort in
          ("createdAt", "downloads", "likes", "lastModified", "trendingScore")),
        ("models", MODELS),
        ("spaces", SPACES),
        ("datasets", DATASETS),
    ],
)  # fmt: skip
def test_every_row_comes_once(url: str, path: str, count: int) -> None:
    listed = rows(f"{url}/api/{path}")
    assert len(listed) == count
    assert len({row["_id"] for row in listed}) == count
    assert len({row["id"] for row in listed}) == count


@pytest.mark.parametrize("sort", ["createdAt", "downloads", "likes", "lastModified"])
def test_order_is_the_value_falling_then_the_id_rising(url: str, sort: str) -> None:
    listed = rows(f"{url}/api/models?sort={sort}&limit=1000&expand={sort}")
    for before, after in itertools.pairwise(listed):
        assert before[sort] > after[sort] or (
            before[sort] == after[sort] and before["_id"] < after["_id"]
        )


def test_default_page_is_a_thousand_by_trending_score(url: str) -> None:
    answer = httpx2.get(f"{url}/api/models")
    scores = [row["trendingScore"] for row in answer.json()]
    assert len(scores) == 1000
    assert scores == sorted(scores, reverse=True)
    assert answer.headers["X-Total-Count"] == str(MODELS)
    assert len(httpx2.get(f"{url}/api/models?limit=99999").json()) == 1000


def test_cursor_is_the_mongo_keyset_of_the_last_row(url: str) -> None:
    answer = httpx2.get(f"{url}/api/models?limit=7&sort=createdAt&expand=createdAt&expand=likes")
    last = answer.json()[-1]
    following = httpx2.URL(answer.links["next"]["url"])
    assert following.params.get_list("expand") == ["createdAt", "likes"]
    assert following.params["limit"] == "7"
    assert json.loads(base64.b64decode(following.params["cursor"])) == {
        "$or": [
            {"createdAt": last["createdAt"], "_id": {"$gt": last["_id"]}},
            {"createdAt": {"$lt": last["createdAt"]}},
            {"createdAt": None},
        ]
    }


def test_cursor_outlives_the_server(hub: GeneratedHub, serve: Serve) -> None:
    first, second = serve(create_app(hub)), serve(create_app(GeneratedHub(MODELS, 0, 3, DAY)))
    link = httpx2.get(f"{first.url}/api/models?limit=900&sort=createdAt").links["next"]["url"]
    here = httpx2.get(link).json()
    there = httpx2.get(link.replace(first.url, second.url)).json()
    assert [row["_id"] for row in here] == [row["_id"] for row in there]


def test_what_is_born_meanwhile_comes_at_the_head_only(url: str, hub: GeneratedHub) -> None:
    start = f"{url}/api/models?limit=800&sort=createdAt"
    first = httpx2.get(start)
    hub.day += dt.timedelta(days=20)
    rest = rows(first.links["next"]["url"])
    seen = [row["_id"] for row in first.json()] + [row["_id"] for row in rest]
    assert len(set(seen)) == len(seen)
    new = {row["_id"] for row in rows(start)} - set(seen)
    assert new
    assert min(new) > max(seen)


def test_default_rows_have_the_hubs_keys_in_its_order(url: str) -> None:
    keys = "_id id likes trendingScore private downloads tags pipeline_tag library_name createdAt"
    row = next(r for r in rows(f"{url}/api/models") if "pipeline_tag" in r and "library_name" in r)
    assert list(row) == [*keys.split(), "modelId"]
    full = next(iter(rows(f"{url}/api/models?full=true&cardData=true")))
    assert {"author", "gated", "lastModified", "sha", "siblings", "cardData"} <= set(full)


@pytest.mark.parametrize("kind", ["models", "spaces", "datasets"])
def test_expand_gives_what_is_asked_and_three_more(url: str, kind: str) -> None:
    asked = httpx2.get(f"{url}/api/{kind}?expand=likes&expand=tags").json()
    assert all(list(row) == ["_id", "id", "likes", "trendingScore", "tags"] for row in asked)
    everything = "&".join(f"expand={name}" for name in EXPAND[kind])  # ty: ignore[invalid-argument-type]
    for row in httpx2.get(f"{url}/api/{kind}?{everything}").json():
        assert set(row) <= {"_id", "id", *EXPAND[kind]}  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("models?limit=0", "→ at limit"),
        ("models?limit=-4", "→ at limit"),
        ("models?limit=ten", "→ at limit"),
        ("models?limit=", "→ at limit"),
        ("models?sort=created_at", '"createdAt"|"downloads"'),
        ("spaces?sort=downloads", "→ at sort"),
        ("datasets?sort=created_at", '"createdAt"|"downloads"'),
        ("datasets?expand=mainSize&expand=pipeline_tag", "→ at expand[1]"),
        ("datasets?expand=safetensors", '"mainSize"|"paperswithcode_id"'),
        ("models?expand=downloads,likes", "→ at expand[0]"),
        ("models?expand=likes&expand=sdk", "→ at expand[1]"),
        ("spaces?expand=downloads", '✖ Invalid option: expected one of "author"|"cardData"'),
        ("models?cursor=!!", "Invalid cursor"),
        ("models?cursor=e30=", "Invalid cursor"),
        ("models?cursor=WzFd", "Invalid cursor"),
    ],
)
def test_refused(url: str, query: str, message: str) -> None:
    answer = httpx2.get(f"{url}/api/{query}")
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("value", "hub_id"),
    [
        (1, "0" * 24),
        ("yesterday", "0" * 24),
        ("2026-11-20", "z" * 24),
        ("2026-11-20", "00"),
        ("0001-01-01", 3),
        ([], "0" * 24),
        (10**400, "0" * 24),
    ],
)
def test_a_made_up_cursor_is_refused(url: str, value: object, hub_id: object) -> None:
    text = json.dumps({"$or": [{"createdAt": value, "_id": {"$gt": hub_id}}]})
    cursor = base64.b64encode(text.encode()).decode()
    answer = httpx2.get(f"{url}/api/models", params={"sort": "createdAt", "cursor": cursor})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Invalid cursor"}


def test_a_limit_of_many_digits_is_a_large_limit(url: str) -> None:
    assert len(httpx2.get(f"{url}/api/models?limit={'9' * 5000}").json()) == 1000


def test_cursor_of_another_sort_is_refused(url: str) -> None:
    link = httpx2.get(f"{url}/api/models?limit=5&sort=likes").links["next"]["url"]
    assert httpx2.get(link.replace("sort=likes", "sort=createdAt")).status_code == 400


def test_filters_narrow_the_listing_and_its_count(url: str) -> None:
    everything = rows(f"{url}/api/models?expand=pipeline_tag&expand=tags&expand=author")

    def ids(query: str) -> set[str]:
        answers = pages(f"{url}/api/models?limit=50&{query}")
        found = {row["id"] for page in answers for row in page.json()}
        assert answers[0].headers["X-Total-Count"] == str(len(found))
        return found

    tasks = {r["id"] for r in everything if r.get("pipeline_tag") == "text-generation"}
    gguf = {r["id"] for r in everything if "gguf" in r["tags"]}
    assert tasks
    assert ids("filter=text-generation") == tasks == ids("pipeline_tag=text-generation")
    assert ids("filter=gguf") == gguf
    assert ids("filter=gguf&filter=text-generation") == gguf & tasks
    author = everything[10]["author"]
    assert ids(f"author={author}") == {r["id"] for r in everything if r["author"] == author}
    assert ids("search=LLAMA") == {r["id"] for r in everything if "llama" in r["id"].lower()}
    assert ids("search=no-such-model") == set()


def test_other_paths(url: str) -> None:
    assert httpx2.get(f"{url}/api/agent-harnesses").status_code == 404
    assert httpx2.get(f"{url}/api/models/n/{'7' * 9000}").status_code == 404
    assert httpx2.head(url).status_code == 200
    assert "2345 models" in httpx2.get(url).text


def test_identity_encoding_is_honoured(url: str) -> None:
    plain = httpx2.get(f"{url}/api/models?limit=5", headers={"Accept-Encoding": "identity"})
    packed = httpx2.get(f"{url}/api/models?limit=5")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["transfer-encoding"] == "chunked"
    assert plain.json() == packed.json()
