"""The embedded Stack Exchange API is as strict as the real one, and fails as it is told to."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hf_assets.demo.labels.question_sources import GeneratedQuestions, RecordedQuestions
from hf_assets.demo.labels.stackexchange import QuestionFaults, create_app
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.waits import FakeTime

KEY = "abcDEF0123456789"
DAY = {"fromdate": 1763510400, "todate": 1763596799}  # 2025-11-19
Get = Callable[..., httpx2.Response]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def faults() -> QuestionFaults:
    return QuestionFaults()


@pytest.fixture
def get(serve: Serve, time: FakeTime, faults: QuestionFaults) -> Get:
    """Asks for a day's questions; `time` stands still while it does."""
    source = GeneratedQuestions(seed=1, per_day=100)
    url = serve(create_app(source, faults, clock=time.clock)).url

    def ask(path: str = "/2.3/questions", timeout: Any = 10, **params: Any) -> httpx2.Response:
        given = {"site": "generated", "order": "asc", "sort": "creation", **DAY, **params}
        given = {name: value for name, value in given.items() if value is not None}
        return httpx2.get(url + path, params=given, timeout=timeout)

    return ask


def refused(answer: httpx2.Response) -> tuple[int, int, str, str]:
    said = answer.json()
    assert said.keys() == {"error_id", "error_name", "error_message"}
    return answer.status_code, said["error_id"], said["error_name"], said["error_message"]


def test_a_page(get: Get) -> None:
    answer = get().json()
    assert answer.keys() == {"items", "has_more", "quota_max", "quota_remaining"}
    assert len(answer["items"]) == 30
    assert answer["has_more"] is True
    assert (answer["quota_max"], answer["quota_remaining"]) == (300, 299)
    first = answer["items"][0]
    assert "body" not in first
    assert first["content_license"] == "CC BY-SA 4.0"
    assert DAY["fromdate"] <= first["creation_date"] <= DAY["todate"]


def test_pages_follow_each_other_and_end(get: Get) -> None:
    pages = [get(page=page, pagesize=40).json() for page in (1, 2, 3, 4)]
    ids = [item["question_id"] for page in pages for item in page["items"]]
    assert len(ids) == len(set(ids)) == 100
    assert ids == sorted(ids)
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    assert pages[3]["items"] == []


def test_the_other_order(get: Get) -> None:
    ascending = [one["question_id"] for one in get(pagesize=100).json()["items"]]
    descending = [
        one["question_id"]
        for page in (1, 2, 3)
        for one in get(pagesize=40, page=page, order="desc").json()["items"]
    ]
    assert descending == ascending[::-1]


def test_bodies_and_titles(get: Get) -> None:
    items = get(pagesize=100, filter="withbody").json()["items"]
    assert all("body" in one for one in items)
    titles = "".join(one["title"] for one in get(pagesize=100, todate=1764000000).json()["items"])
    assert not set("<>\"'") & set(titles)
    assert "&#39;" in titles or "&quot;" in titles or "&amp;" in titles


def test_nothing_of_the_future(get: Get, time: FakeTime) -> None:
    midnight = int(time.seconds) - 12 * 3600
    items = get(pagesize=100, fromdate=midnight, todate=midnight + 86_399).json()["items"]
    assert len(items) == 50
    assert get(fromdate=midnight + 86_400, todate=midnight + 2 * 86_400).json()["items"] == []


def test_gzip_whether_asked_for_or_not(serve: Serve) -> None:
    url = serve(create_app(GeneratedQuestions())).url
    for path in ("/2.3/questions?site=generated", "/2.3/questions?site=nowhere", "/2.3/users"):
        headers = {"Accept-Encoding": "identity"}
        with httpx2.stream("GET", url + path, headers=headers) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert not [name for name in answer.headers if "powered" in name or "etag" in name]
        json.loads(gzip.decompress(raw))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"site": None}, "site is required"),
        ({"site": "nowhere"}, "No site found for name `nowhere`"),
        ({"pagesize": 101}, "pagesize"),
        ({"pagesize": -1}, "pagesize"),
        ({"pagesize": "x"}, "pagesize"),
        ({"page": 0}, "page"),
        ({"page": "x"}, "page"),
        ({"page": "²"}, "page"),
        ({"fromdate": "2026-11-19"}, "fromdate"),
        ({"todate": "9" * 40}, "todate"),
        ({"sort": "votes"}, "sort"),
        ({"order": "up"}, "order"),
        ({"filter": "!x"}, "filter"),
        ({"key": "-"}, "`key` doesn't match a known application"),
    ],
)
def test_bad_parameters(get: Get, params: dict[str, Any], message: str) -> None:
    assert refused(get(**params)) == (400, 400, "bad_parameter", message)


def test_no_other_method(get: Get) -> None:
    assert refused(get("/2.3/answers"))[:3] == (404, 404, "no_method")


def test_the_wall_behind_page_25(get: Get) -> None:
    assert get(page=25).status_code == 200
    assert refused(get(page=26)) == (
        400,
        403,
        "access_denied",
        "page above 25 requires access token or app key",
    )
    assert get(page=26, key=KEY).status_code == 200


def test_the_quota_and_its_end(get: Get, time: FakeTime, faults: QuestionFaults) -> None:
    faults.quota = 2
    assert [get(page=n).json()["quota_remaining"] for n in (1, 2)] == [1, 0]
    assert refused(get(page=3)) == (
        400,
        502,
        "throttle_violation",
        "too many requests from this IP, more requests available in 43201 seconds",
    )
    time.seconds += 12 * 3600
    assert get(page=3).json()["quota_remaining"] == 1


def test_quotas_are_by_key(get: Get) -> None:
    assert get().json()["quota_max"] == 300
    assert get(key=KEY).json()["quota_max"] == 10_000
    assert get(key=KEY).json()["quota_remaining"] == 9_998
    assert get().json()["quota_remaining"] == 298


def test_a_refused_parameter_costs_quota_but_a_throttle_does_not(
    get: Get, faults: QuestionFaults
) -> None:
    get(site="nowhere")
    faults.throttle.append(At())
    get()
    assert get().json()["quota_remaining"] == 298


def test_more_than_thirty_a_second_are_banned(get: Get, time: FakeTime) -> None:
    statuses = [get(page=n).status_code for n in range(1, 26)]
    statuses += [get(page=n, order="desc").status_code for n in range(1, 8)]
    assert statuses == [200] * 30 + [400] * 2
    time.seconds += 29
    assert refused(get())[2] == "throttle_violation"
    time.seconds += 2
    assert get().status_code == 200


def test_backoff(get: Get, time: FakeTime, faults: QuestionFaults) -> None:
    faults.backoff.append(At(value=5))
    assert get().json()["backoff"] == 5
    time.seconds += 4
    assert refused(get(page=2))[2:] == ("throttle_violation", "Violation of backoff parameter")
    time.seconds += 1
    answer = get(page=2).json()
    assert len(answer["items"]) == 30
    assert "backoff" not in answer


def test_equal_requests(get: Get, time: FakeTime, faults: QuestionFaults) -> None:
    assert [get().status_code for _ in range(2)] == [200, 200]
    faults.no_repeats = True
    assert refused(get())[2] == "throttle_violation"
    assert get(page=2).status_code == 200
    time.seconds += 60
    assert get().status_code == 200
    assert faults.fired["no_repeats"] == 1


@pytest.mark.parametrize("status", [400, 502, 503])
def test_throttle(get: Get, faults: QuestionFaults, status: int) -> None:
    faults.throttle.append(At(page=2, value=77))
    faults.throttle_status = status
    assert get().status_code == 200
    assert refused(get(page=2)) == (
        status,
        502,
        "throttle_violation",
        "too many requests from this IP, more requests available in 77 seconds",
    )
    assert get(page=2).status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503])
def test_errors(get: Get, faults: QuestionFaults, status: int) -> None:
    faults.errors[status] = [At(times=2)]
    answers = [get() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].headers["content-type"] == "text/html"
    assert faults.fired[str(status)] == 2


@pytest.mark.heavy
def test_a_stall(get: Get, faults: QuestionFaults) -> None:
    faults.stall += [At(), At(value=0.1)]
    with pytest.raises(httpx2.ReadTimeout):
        get(timeout=httpx2.Timeout(60, read=1.0))
    assert len(get().json()["items"]) == 30


def test_a_gzip_stream_that_ends_early(get: Get, faults: QuestionFaults) -> None:
    faults.cut_gzip.append(At(value=0.8))
    try:
        body = get().content
    except httpx2.DecodingError:
        return
    with pytest.raises((ValueError, zlib.error)):
        json.loads(body)


def test_broken_json_and_html(get: Get, faults: QuestionFaults) -> None:
    faults.broken_json.append(At())
    with pytest.raises(ValueError, match="column"):
        get().json()
    faults.html.append(At())
    answer = get()
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


def test_empty_pages_wrong_days_and_odd_items(get: Get, faults: QuestionFaults) -> None:
    faults.empty_page.append(At())
    assert (get().json()["items"], get().json()["has_more"]) == ([], True)
    faults.wrong_day.append(At())
    assert {one["creation_date"] < DAY["fromdate"] for one in get().json()["items"]} == {True}
    faults.odd.append(At(times=2))
    faults.odd_items = ("null", '{"question_id": "x"}')
    assert get().json()["items"][:2] == [None, {"question_id": "x"}]
    assert get(fromdate=1, todate=2).json()["items"] == [None, {"question_id": "x"}]


# The text form


def test_faults_as_a_text() -> None:
    faults = QuestionFaults.parse("503:2@1, throttle=40:*,backoff=3@2,quota=5,no-repeats,stall=0.5")
    assert faults == QuestionFaults(
        errors={503: [At(times=2, page=1)]},
        throttle=[At(times=FOREVER, value=40)],
        backoff=[At(page=2, value=3)],
        stall=[At(value=0.5)],
        quota=5,
        no_repeats=True,
    )
    assert QuestionFaults.parse("") == QuestionFaults()


@pytest.mark.parametrize(
    "text",
    ["nothing", "404", "fired", "errors", "lock", "_lock", "odd-items", "quota", "quota=x",
     "quota=1.5", "quota=3:2", "no-repeats=1", "stall=", "stall:x", "stall@0", "=3", "503 503"],
)  # fmt: skip
def test_a_text_that_is_no_fault(text: str) -> None:
    with pytest.raises(ValueError, match="fault") as caught:
        QuestionFaults.parse(f"503,{text}")
    assert text in str(caught.value) or text.replace("-", "_") in str(caught.value)


# Recorded answers


def test_recorded_envelopes_and_lists(tmp_path: Path, serve: Serve) -> None:
    def item(number: int, host: str) -> dict[str, Any]:
        link = f"https://{host}/questions/{number}/x"
        return {"question_id": number, "creation_date": 100 + number, "link": link}

    (tmp_path / "a.json").write_text(
        json.dumps({"items": [item(2, "ai.stackexchange.com")], "has_more": True})
    )
    (tmp_path / "b.json").write_text(
        json.dumps([item(1, "ai.stackexchange.com"), item(2, "ai.stackexchange.com"),
                    item(3, "stackoverflow.com")])
    )  # fmt: skip
    source = RecordedQuestions(tmp_path / "a.json", tmp_path / "b.json")
    assert set(source.sites) == {"ai", "stackoverflow"}
    url = serve(create_app(source)).url + "/2.3/questions"
    answer = httpx2.get(url, params={"site": "ai", "order": "asc"}).json()
    assert [one["question_id"] for one in answer["items"]] == [1, 2]
    answer = httpx2.get(url, params={"site": "ai", "fromdate": 102, "todate": 102}).json()
    assert [one["question_id"] for one in answer["items"]] == [2]


@pytest.mark.parametrize("content", ["3", "[3]", '{"items": null}', '[{"question_id": 1}]'])
def test_what_is_no_recording(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"a\.json"):
        RecordedQuestions(tmp_path / "a.json")


def test_real_recordings(real_data: Path, serve: Serve) -> None:
    folder = real_data / "http-recorded"
    source = RecordedQuestions(folder)
    assert {"scifi", "stackoverflow"} <= set(source.sites)
    url = serve(create_app(source)).url + "/2.3/questions"
    recorded = json.loads((folder / "se-api-2.2-reputation-builder-2016-0.json").read_text())
    one = recorded["items"][0]
    at = one["creation_date"]
    answer = httpx2.get(url, params={"site": "stackoverflow", "fromdate": at, "todate": at}).json()
    assert one["title"] in [item["title"] for item in answer["items"]]
