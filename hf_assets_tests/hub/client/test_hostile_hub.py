"""A Hub, or a mirror of it, at its worst: what must not end a crawl, lose a row, tell a secret."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.addresses import next_address, refused_fields
from hf_assets.hub.client.invalid_values import InvalidValues
from hf_assets.hub.client.listing import HubClient, ListingError, ListingQuery
from hf_assets.hub.client.pacing import Pacer
from hf_assets.hub.tables import schemas, usage
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, Clock, Serve, ServeHub
from hf_assets_tests.support.hub.captures import made_models, made_spaces, model, recorded

WHOLE = ListingQuery.everything("models")
DEEP = b'{"_id": "d", "id": "a/deep", "cardData": ' + b"[" * 5000 + b"]" * 5000 + b"}"
LONG = b'{"_id": "e", "id": "a/long", "likes": ' + b"9" * 5000 + b"}"


def test_a_row_nested_too_deep_goes_to_quarantine(hub: ServeHub, lake: Lake) -> None:
    source = GeneratedHub(50, 0, seed=1, day=iso(DAY))
    stored = made_models(lake, hub(source, Faults(odd_rows={"models": [DEEP]})))
    assert (stored.rows, stored.notes["quarantined"]) == (50, 1)
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert "nested too deep" in quarantine["value"].item()


def test_a_number_longer_than_python_reads_is_left_out(hub: ServeHub, lake: Lake) -> None:
    source = GeneratedHub(50, 0, seed=1, day=iso(DAY))
    stored = made_models(lake, hub(source, Faults(odd_rows={"models": [LONG]})))
    assert stored.notes["nulled likes"] == 1
    row = stored.frame.filter(pl.col("id") == "a/long").collect().row(0, named=True)
    assert (row["likes"], row["hub_id"]) == (None, "e")


def test_a_field_that_drifts_is_counted_whole_and_kept_in_part(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InvalidValues, "MOST", 3)
    rows = [model(at, createdAt="yesterday") for at in range(1, 11)]
    stored = made_models(lake, hub(recorded(tmp_path, rows)))
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert (stored.notes["nulled createdAt"], quarantine.height, stored.rows) == (10, 3, 10)


def test_a_lost_link_is_not_the_end_of_the_listing(serve: Serve, lake: Lake) -> None:
    answers = [False, False, True]

    async def listing(request: Request) -> Response:
        cursor = int(request.query_params.get("cursor", 0))
        rows = [{"_id": f"{cursor + at}", "id": f"a/{cursor + at}"} for at in range(1000)]
        headers = {"X-Total-Count": "2000"}
        if cursor == 0 and answers.pop(0):
            url = request.url.include_query_params(cursor=1000)
            headers["Link"] = f'<{url}>; rel="next"'
        return Response(json.dumps(rows), headers=headers, media_type="application/json")

    url = serve(Starlette(routes=[Route("/api/models", listing)])).url
    capturer = Capturer(HubClient(url, pacer=Pacer()), clock=Clock())
    store = CaptureStore(lake, "raw_models")
    with pytest.raises(ListingError, match=r"1,000 of 2,000 rows: its Link header is lost"):
        capturer.get_or_capture(store, DAY, WHOLE)
    assert store.complete(DAY) is None
    capture = capturer.get_or_capture(store, DAY, WHOLE)
    assert (capture.manifest.rows, capture.manifest.distinct) == (2000, 2000)


def test_a_secret_in_the_endpoint_is_refused_and_not_told() -> None:
    with pytest.raises(ListingError, match="HF_TOKEN") as refused:
        HubClient("https://someone:hunter2@mirror.example")
    assert refused.value.permanent
    assert "hunter2" not in str(refused.value)


def test_a_mirror_below_a_path_keeps_its_path() -> None:
    link = {"Link": '<https://huggingface.co/api/models?cursor=x%3D>; rel="next"'}
    following = next_address(link, WHOLE.url("https://mirror.example/hf"))
    assert following == ("https://mirror.example/hf/api/models?cursor=x%3D", "huggingface.co")


@pytest.mark.parametrize(
    "message", ["Unknown field author in cursor", "sort: expected one of createdAt, likes"]
)
def test_a_400_about_something_else_drops_no_field(message: str) -> None:
    assert refused_fields(message, list(WHOLE.fields)) == ()


def test_a_refetch_that_died_late_is_not_undone(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    served = hub(GeneratedHub(50, 0, seed=1, day=iso(DAY)))
    store, clock = CaptureStore(lake, "raw_models"), Clock()
    folder = store.folder(DAY)
    first = served.capturer(clock).get_or_capture(store, DAY, WHOLE)
    kept = tmp_path / "kept"
    shutil.copytree(folder / first.manifest.attempt, kept)
    clock.now += timedelta(hours=1)
    second = served.capturer(clock).get_or_capture(store, DAY, WHOLE, refetch=True)
    # Killed after the new capture.json and before the old pages were removed.
    shutil.move(kept, folder / first.manifest.attempt)
    assert store.unfinished(DAY, WHOLE, served.url) is None
    clock.now += timedelta(hours=1)
    third = served.capturer(clock).get_or_capture(store, DAY, WHOLE, refetch=True)
    assert third.manifest.started > second.manifest.started


def test_two_models_under_one_name_are_one_in_use(
    hub: ServeHub, lake: Lake, tmp_path: Path
) -> None:
    twins = [model(at, id="a/same", pipeline_tag=f"task-{at}") for at in (1, 2)]
    served = hub(recorded(tmp_path, twins, [model(9, id="s/one", models=["a/same"])]))
    models = made_models(lake, served)
    spaces = made_spaces(lake, served, models)
    assert models.rows == 2
    assert spaces.notes["pairs"] == 1
    top = usage.top_models(models.frame, DAY, tags=("x",), count=1, sort="likes")
    made = usage.model_usage(spaces.frame, models.frame, pl.concat(top.frames).lazy(), DAY)
    assert lake.write(schemas.MODEL_USAGE, DAY, made).rows == 1
