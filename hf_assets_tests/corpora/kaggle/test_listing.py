"""The newest datasets of Kaggle, over real HTTP with the real package: until what is known."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.corpora.kaggle.client import LONGEST_WAIT, TRIES, DatasetClient, KaggleError
from hf_assets.corpora.kaggle.listing import KNOWN_IN_A_ROW, _row, new_datasets
from hf_assets.corpora.schemas import texts_table
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels.kaggle import TOKEN, USER, create_app, read_faults
from hf_assets.demo.labels.meta_kaggle import owner, slug, versions
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.switches import At
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.conftest import Serve

TEXTS = GeneratedTexts("datasets", seed=2)
COUNT = 400
# The newest dataset was published on that day.
DAY = f"{TEXTS.created(COUNT - 1):%Y-%m-%d}"


def known(*ranges: range) -> set[str]:
    return {f"kaggle:{TEXTS.text(index).id}" for among in ranges for index in among}


def numbers(made: TableWrite) -> list[int]:
    """Which datasets were found, by index, in the order found."""
    ids = [name for frame in made.frames for name in frame["id"]]
    return [int(name.removeprefix("kaggle:")) // 4 for name in ids]


@dataclass
class Kaggle:
    """The embedded Kaggle while it is served; `slept` and `told` are what its clients did."""

    app: Starlette
    url: str
    slept: list[float]
    told: list[str]

    @property
    def faults(self) -> Faults:
        return self.app.state.faults

    @property
    def pages(self) -> list[int]:
        return [asked.body["page"] for asked in self.app.state.asked if "ListD" in asked.path]

    def client(self, **options: Any) -> DatasetClient:
        given: dict[str, Any] = {"token": TOKEN, "retry_wait": 1.0, "today": lambda: DAY}
        given |= {"sleep": self.slept.append, "log": self.told.append, **options}
        return DatasetClient(self.url, **given)

    def new(self, known: set[str], **options: Any) -> tuple[list[int], TableWrite]:
        made = new_datasets(self.client(**options), DAY, known)
        return numbers(made), made


ServeKaggle = Callable[..., Kaggle]


@pytest.fixture
def kaggle(serve: Serve) -> ServeKaggle:
    def start(count: int = COUNT, **options: Any) -> Kaggle:
        app = create_app(TEXTS, count, **options)
        return Kaggle(app, serve(app).url, [], [])

    return start


def down_to(first: int) -> list[int]:
    return list(range(COUNT - 1, first - 1, -1))


def test_what_is_not_known_is_new_and_reading_stops_at_what_is(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, made = served.new(known(range(350)))
    assert found == down_to(350)
    assert served.pages == [1, 2, 3, 4, 5]  # 50 new, 40 known in a row, to the end of the page
    assert made.notes["datasets"] == 50
    assert made.notes["known already"] == 50
    assert made.notes["without a description"] == 50
    assert made.provenance["new_datasets"]["endpoint"] == served.url


def test_a_dataset_has_the_columns_of_texts(kaggle: ServeKaggle, lake: Lake) -> None:
    served = kaggle(descriptions=True)
    made = new_datasets(served.client(), DAY, known(range(390)))
    stored = lake.write(texts_table("new_datasets"), DAY, made)
    rows = stored.frame.collect().rows(named=True)
    assert len(rows) == stored.notes["datasets"] == 10
    assert TOKEN not in json.dumps([stored.notes, stored.provenance])
    for row, index in zip(rows, down_to(390), strict=True):
        text = TEXTS.text(index)
        assert row["title"] == text.title
        assert row["labels"] == list(text.tags)
        assert row["body"] == "\n\n".join(
            part.strip() for part in (text.subtitle, text.body) if part.strip()
        )
        assert row["link"] == f"https://www.kaggle.com/datasets/{owner(text)}/{slug(text)}"
        assert (row["author"], row["author_link"]) == (
            text.author, f"https://www.kaggle.com/{owner(text)}"
        )  # fmt: skip
        only = versions(text) == 1
        assert row["created_at"] == (text.created.replace(microsecond=0) if only else None)
    assert {row["created_at"] is None for row in rows} == {True, False}


def test_without_descriptions_the_body_is_the_subtitle(kaggle: ServeKaggle) -> None:
    made = new_datasets(kaggle().client(), DAY, known(range(390)))
    bodies = [body for frame in made.frames for body in frame["body"]]
    assert bodies == [TEXTS.text(index).subtitle or None for index in down_to(390)]


def test_some_unknown_after_known_ones_are_found(kaggle: ServeKaggle) -> None:
    found, _ = kaggle().new(known(range(340), range(345, 370)))
    assert found == [*down_to(370), *range(344, 339, -1)]


def test_known_ones_count_where_they_stand_in_a_row(kaggle: ServeKaggle) -> None:
    found, _ = kaggle().new(known(range(315), range(320, 350), range(355, 380)))
    assert found == [*down_to(380), *range(354, 349, -1), *range(319, 314, -1)]


def test_nothing_new_is_nothing_and_reads_two_pages(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, made = served.new(known(range(COUNT)))
    assert found == []
    assert made.notes["datasets"] == 0
    assert len(served.pages) * 20 == KNOWN_IN_A_ROW


def test_few_known_ones_are_enough_to_stop(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, _ = served.new(known(range(380, 390)))
    assert found == [*down_to(390)]
    assert served.pages == [1]


def test_where_none_is_known_the_day_is_the_bound(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, made = served.new(set())
    begin = datetime.fromisoformat(DAY).replace(tzinfo=UTC)
    published = [index for index in down_to(0) if TEXTS.created(index) >= begin]
    assert published
    # Those published before, and changed today, cannot be told from them.
    assert found[: len(published)] == published
    assert set(found) - set(published) <= {
        index for index in range(COUNT) if versions(TEXTS.text(index)) > 1
    }
    assert made.notes["dropped: older than the day"] >= KNOWN_IN_A_ROW
    assert len(served.pages) < COUNT / 20


def test_datasets_that_move_to_the_next_page_are_found_once(kaggle: ServeKaggle) -> None:
    served = kaggle()
    client = served.client()
    made = new_datasets(client, DAY, known(range(330)))
    frames = iter(made.frames)
    first = next(frames)["id"].to_list()
    served.app.state.kaggle.count += 3  # published meanwhile
    ids = first + [name for frame in frames for name in frame["id"]]
    assert ids == [f"kaggle:{TEXTS.text(index).id}" for index in down_to(330)]
    assert made.notes["listed twice"] == 3


def test_the_wall_is_not_the_end(kaggle: ServeKaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_assets.corpora.kaggle.listing.WALL", 100)
    served = kaggle(wall=100)
    made = new_datasets(served.client(), DAY, known(range(200)))
    with pytest.raises(KaggleError, match=r"shows its 100 newest.*materialise dataset_dump") as no:
        numbers(made)
    assert no.value.permanent
    assert served.slept == []


def test_known_ones_before_the_wall_are_enough(
    kaggle: ServeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_assets.corpora.kaggle.listing.WALL", 100)
    found, _ = kaggle(wall=100).new(known(range(350)))
    assert found == down_to(350)


def test_the_real_wall_is_where_the_embedded_one_is(kaggle: ServeKaggle) -> None:
    served = kaggle(count=10_050)
    client = served.client()
    assert len(client.page(500).datasets) == 20
    assert client.page(501).datasets == []


def test_a_short_list_may_end(kaggle: ServeKaggle) -> None:
    served = kaggle(count=30)
    made = new_datasets(served.client(), DAY, {"kaggle:999999"})
    assert len(numbers(made)) == 30
    assert made.notes["the list ended"] == 1


@pytest.mark.parametrize("page", [1, 2])
def test_an_empty_page_is_asked_for_again(page: int, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(empty_page=[At(times=2, page=page)]))
    found, _ = served.new(known(range(350)))
    assert found == down_to(350)
    assert served.slept == [1.0, 2.0]


@pytest.mark.parametrize("page", [1, 3])
def test_a_page_that_stays_empty_is_an_error(page: int, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(empty_page=[At(times=99, page=page)]))
    made = new_datasets(served.client(), DAY, known(range(350)))
    with pytest.raises(KaggleError, match=rf"page {page} .*empty, though the list") as caught:
        numbers(made)
    assert not caught.value.permanent
    assert len(served.slept) == TRIES - 1


@pytest.mark.parametrize(
    "fault",
    ["404", "429", "500", "502", "503", "504", "cut", "cut-chunked", "broken-json", "garbled-json",
     "html"],
)  # fmt: skip
def test_what_passes_is_waited_for(fault: str, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=read_faults(f"{fault}:2@2"))
    found, _ = served.new(known(range(350)))
    assert found == down_to(350)
    assert served.slept == ([1.0, 1.0] if fault == "429" else [1.0, 2.0])
    assert sum(served.faults.fired.values()) == 2
    assert all("page 2" in line for line in served.told[:2])


def test_a_server_that_stalls_is_given_up_on(kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(stall=[At(page=1)], stall_body=[At(page=2)]))
    found, _ = served.new(known(range(350)), read_timeout=0.3)
    assert found == down_to(350)
    assert [line.split(":")[1].strip() for line in served.told[:2]] == [
        "ReadTimeout",
        "ConnectionError",
    ]


def test_retry_after_is_waited_for_as_told(kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(too_many=[At(page=1, value=7), At(page=2, value=31)]))
    served.new(known(range(350)))
    assert served.slept == [7.0, 31.0]


def test_a_very_long_retry_after_is_an_error_that_says_so(kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(too_many=[At(page=1, value=LONGEST_WAIT + 1)]))
    with pytest.raises(KaggleError, match=r"429.*wait for 601 s") as caught:
        served.new(set())
    assert not caught.value.permanent
    assert served.slept == []


@pytest.mark.parametrize("status", [404, 503])
def test_what_does_not_pass_is_an_error(status: int, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(errors={status: [At(times=99, page=2)]}))
    with pytest.raises(KaggleError, match=rf"page 2 .*HTTP {status}") as caught:
        served.new(known(range(350)))
    assert not caught.value.permanent
    assert served.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_refused_token_is_permanent_and_never_told(kaggle: ServeKaggle) -> None:
    served = kaggle()
    with pytest.raises(KaggleError, match=r"HTTP 401.*KAGGLE_API_TOKEN") as caught:
        served.new(set(), token="very-secret")
    assert caught.value.permanent
    assert served.slept == []
    assert "very-secret" not in f"{caught.value!r} {served.told} {served.client(token='x')!r}"


def test_a_token_that_the_server_repeats_is_hidden(serve: Serve) -> None:
    async def echo(request: Request) -> Response:
        said = {"code": 400, "message": f"what is {request.headers['authorization']}?"}
        return Response(json.dumps(said), 400, media_type="application/json")

    app = Starlette(routes=[Route("/v1/{rest:path}", echo, methods=["POST"])])
    with pytest.raises(KaggleError, match=r"what is Bearer \*\*\*\?") as caught:
        DatasetClient(serve(app).url, token="very-secret").page(1)
    assert caught.value.permanent
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_past_day_cannot_be_asked_for(kaggle: ServeKaggle) -> None:
    served = kaggle()
    with pytest.raises(KaggleError, match=r"not those of 2020-01-01.*dataset_dump") as caught:
        new_datasets(served.client(), "2020-01-01", set())
    assert caught.value.permanent
    assert served.pages == []


@pytest.mark.parametrize(
    "endpoint", ["http://kaggle.example", "https://me:secret@kaggle.example", "ftp://x"]
)
def test_an_endpoint_that_would_leak_is_refused(endpoint: str) -> None:
    with pytest.raises(KaggleError) as caught:
        DatasetClient(endpoint)
    assert caught.value.permanent
    assert "secret" not in str(caught.value)


def listing(rows: list[Any], headers: dict[str, str] | None = None, status: int = 200) -> Starlette:
    """A Kaggle of one page with these rows, as they are."""

    async def page(request: Request) -> Response:
        first = (await request.json())["page"] == 1
        body = json.dumps({"datasets": rows if first else [], "nextPageToken": ""})
        return Response(body, status, headers, "application/json")

    return Starlette(routes=[Route("/v1/{rest:path}", page, methods=["POST"])])


def test_odd_rows_are_counted_and_wild_ones_kept(serve: Serve) -> None:
    rows = [
        {"id": "5", "title": "an id of text"},
        {"id": 6, "title": 7},
        {"title": "no id"},
        {"id": 8, "title": "a", "tags": [{"name": 5, "ref": "five"}]},
        {"id": 9, "title": "hidden", "isPrivate": True},
        {"id": 10},
        {"id": 11, "title": "half \ud83e", "subtitle": " <b>x</b> ", "url": "javascript:alert(1)",
         "tags": [{"name": "../x"}, {"ref": "a, \"b\""}, {"name": "../x"}, {"name": "🦊" * 300}],
         "ownerName": "An <i>org</i>", "creatorName": "someone", "ownerRef": "org"},
    ]  # fmt: skip
    client = DatasetClient(serve(listing(rows)).url, token="t", today=lambda: DAY)
    made = new_datasets(client, DAY, {"kaggle:1"})
    found = [row for frame in made.frames for row in frame.iter_rows(named=True)]
    assert [row["id"] for row in found] == ["kaggle:10", "kaggle:11"]
    assert made.notes["dropped: odd row"] == 4
    assert made.notes["dropped: private"] == 1
    assert found[0] == dict.fromkeys(found[0]) | {"id": "kaggle:10", "labels": []}
    wild = found[1]
    assert (wild["title"], wild["body"]) == ("half ?", "<b>x</b>")
    assert wild["labels"] == ["../x", 'a, "b"', "🦊" * 300]
    assert wild["link"] is None
    assert (wild["author"], wild["author_link"]) == ("An <i>org</i>", None)


def test_a_page_of_another_form_is_an_error_not_the_end(serve: Serve) -> None:
    rows = [{"id": 5, "title": "a", "lastUpdated": "yesterday"}]
    slept: list[float] = []
    client = DatasetClient(serve(listing(rows)).url, token="t", sleep=slept.append)
    with pytest.raises(KaggleError, match=r"page 1 .*no answer of the list's form"):
        client.page(1)
    assert len(slept) == TRIES - 1


def test_retry_after_may_be_a_date(serve: Serve) -> None:
    headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=2))}
    client = DatasetClient(serve(listing([], headers, 429)).url, token="t")
    with pytest.raises(KaggleError, match=r"HTTP 429.*wait for (7200|7199|71\d\d) s"):
        client.page(1)


@given(
    title=st.text(st.characters(), max_size=20),
    tags=st.lists(st.text(st.characters(), max_size=9), max_size=4),
)
def test_any_text_becomes_a_row_that_can_be_stored(title: str, tags: list[str]) -> None:
    from kagglesdk.datasets.types.dataset_api_service import ApiDataset

    row = _row(
        ApiDataset.from_dict({"id": 3, "title": title, "tags": [{"name": tag} for tag in tags]})
    )
    assert row is not None
    assert len(row["labels"]) == len({*row["labels"]}) <= len(tags)
    json.dumps(row, default=str, ensure_ascii=False).encode()


def run(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with nobody's credentials but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "xdg")} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input="still open\n",
        cwd=Path(__file__).parents[3],
    )


ASK = """
import sys
from hf_assets.corpora.kaggle_client import DatasetClient, KaggleError
client = DatasetClient({url!r}, sleep=lambda _: None)
try:
    page = client.page(1)
except KaggleError as error:
    print("KaggleError", error.permanent, error)
else:
    print(len(page.datasets), "datasets")
print(sys.stdin.readline().strip(), "kaggle" in sys.modules)
"""


def test_missing_credentials_are_an_error_and_not_an_exit(
    kaggle: ServeKaggle, tmp_path: Path
) -> None:
    served = kaggle()
    done = run(ASK.format(url=served.url), tmp_path)
    assert done.returncode == 0, done.stderr
    said, after = done.stdout.splitlines()
    assert said.startswith("KaggleError True Kaggle's list needs an account")
    assert "KAGGLE_API_TOKEN" in said
    assert "kaggle.json" in said
    assert after == "still open False"
    assert served.app.state.asked == []


def test_the_package_itself_is_as_usual_afterwards(tmp_path: Path) -> None:
    code = """
import contextlib, io
from hf_assets.corpora.kaggle_client import _api_class
ours = _api_class()
with contextlib.redirect_stdout(io.StringIO()) as printed:
    import kaggle
from kaggle.api.kaggle_api_extended import KaggleApi
print(type(kaggle.api) is KaggleApi and issubclass(ours, KaggleApi), kaggle.__version__)
print("Authentication required" in printed.getvalue())
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"True {version('kaggle')}", "True"]


@pytest.mark.parametrize(
    ("environment", "calls"),
    [({"KAGGLE_API_TOKEN": TOKEN}, ["IntrospectToken", "ListDatasets"]),
     ({"KAGGLE_USERNAME": USER, "KAGGLE_KEY": TOKEN}, ["ListDatasets"])],
)  # fmt: skip
def test_credentials_of_the_environment_go_to_the_endpoint_alone(
    environment: dict[str, str], calls: list[str], kaggle: ServeKaggle, tmp_path: Path
) -> None:
    served = kaggle()
    # A proxy that is not there: whoever else is asked cannot be reached, and takes its time.
    proxies = {"HTTPS_PROXY": "http://127.0.0.1:9", "VERBOSE": "true", "NO_PROXY": "127.0.0.1"}
    done = run(ASK.format(url=served.url), tmp_path, **environment, **proxies)
    assert done.stdout.splitlines() == ["20 datasets", "still open False"], done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert [asked.path.rsplit("/")[-1] for asked in served.app.state.asked] == calls


def test_a_wrong_token_in_the_environment_is_a_clear_error(
    kaggle: ServeKaggle, tmp_path: Path
) -> None:
    done = run(ASK.format(url=kaggle().url), tmp_path, KAGGLE_API_TOKEN="very-secret")
    assert "KaggleError True" in done.stdout
    assert "refused" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr
