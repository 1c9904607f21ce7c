"""Inference providers in the graph: asked once a day; without an answer skipped, never failed."""

from collections.abc import Iterator

import dagster as dg
import pytest

from hf_assets.hub.providers.router import LIVE_ROUTER, router_of
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import Make, World, checks, days_ago, failures, made
from hf_assets_tests.support.hub.routers import Router, model, offer, serving_router

ASSETS = (
    *("raw_inference_providers", "inference_providers", "provider_history", "provider_figures"),
)


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    with serving_router() as served:
        served.list(model("a/b", offer("groq", 3.0), offer("together")), model("c/d"))
        monkeypatch.setenv("HF_ASSETS_INFERENCE_ROUTER", served.url)
        monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
        yield served


@pytest.fixture
def hub(router: Router, world: Make) -> World:
    return world()


def test_one_request_a_day_makes_table_series_and_figures(hub: World, router: Router) -> None:
    result = hub.materialize(*ASSETS)
    assert result.success
    assert made(result) == set(ASSETS)
    assert all(one.passed for one in checks(result).values())
    assert len(checks(result)) == 3
    raw = hub.lake.read(ASSETS[0], today()).frame.collect()
    assert raw["body"].item().encode() == router.body
    assert hub.lake.read(ASSETS[1], today()).rows == 2
    assert len(list(hub.lake.folder("provider_figures", None).glob("*.png"))) == 2
    hub.materialize(*ASSETS[:2])
    assert len(router.requests) == 1
    hub.materialize(*ASSETS[:2], config={ASSETS[0]: {"refetch": True}})
    assert len(router.requests) == 2


@pytest.mark.parametrize("status", [503, 404])
def test_without_an_answer_the_night_goes_on(hub: World, router: Router, status: int) -> None:
    router.status = status
    result = hub.materialize("raw_models", *ASSETS)
    assert result.success
    assert made(result) == {"raw_models"}
    assert f"HTTP {status}" in _reason(hub)
    assert not hub.lake.days(ASSETS[0])


def test_without_a_network_the_night_goes_on(hub: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ASSETS_INFERENCE_ROUTER", "http://127.0.0.1:9")
    settings.cache_clear()
    result = hub.materialize(*ASSETS)
    assert result.success
    assert made(result) == set()
    assert "ConnectError" in _reason(hub)


def test_another_shape_is_kept_and_asked_again(hub: World, router: Router) -> None:
    router.body = b'{"models": {"a/b": []}}'
    result = hub.materialize(*ASSETS)
    assert result.success
    assert made(result) == {ASSETS[0]}
    assert hub.lake.read(ASSETS[0], today()).frame.collect()["body"].item() == router.body.decode()
    router.list(model("a/b", offer("groq")))
    assert made(hub.materialize(*ASSETS)) == set(ASSETS)


def test_a_page_of_a_proxy_is_no_answer(hub: World, router: Router) -> None:
    router.body = b"<html>log in</html>"
    result = hub.materialize(*ASSETS)
    assert result.success
    assert made(result) == set()
    assert not hub.lake.days(ASSETS[0])


def test_a_past_day_is_what_was_stored_then(hub: World, router: Router) -> None:
    result = hub.materialize(*ASSETS[:2], day=days_ago(1))
    assert result.success
    assert made(result) == set()
    assert "shows the present only" in _reason(hub, days_ago(1))
    assert router.requests == []
    alone = hub.materialize(ASSETS[1], day=days_ago(1))
    assert "there is no raw_inference_providers" in failures(alone)[ASSETS[1]]


def test_a_mirror_has_no_router() -> None:
    assert router_of(None, "https://huggingface.co/") == LIVE_ROUTER
    assert router_of(None, "https://hub.example.org") is None
    assert router_of("none", "https://huggingface.co") is None
    assert router_of("https://r.example.org/", "https://hub.example.org") == "https://r.example.org"


def _reason(hub: World, day: str | None = None) -> str:
    record = hub.instance.fetch_observations(dg.AssetKey(ASSETS[0]), limit=1).records[0]
    observation = record.event_log_entry.asset_observation
    assert observation
    assert observation.partition == (day or today())
    return str(observation.description)
