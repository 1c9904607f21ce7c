"""Offers over days: each number against SQL over the same rows."""

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.demo.hub.router import served_models
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.providers import history, rules, table
from hf_assets.hub.providers.schemas import (
    INFERENCE_PROVIDERS,
    PROVIDER_HISTORY,
    RAW_INFERENCE_PROVIDERS,
)
from hf_assets.storage.lake import Lake, StoredTable

FIRST, LAST = dt.date(2026, 8, 30), dt.date(2026, 9, 3)
MISSING = dt.date(2026, 9, 1)


def store(lake: Lake, day: dt.date, body: bytes) -> StoredTable:
    """A day of `inference_providers` of that answer."""
    moment = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
    row = (day, "http://127.0.0.1/v1/models", moment, body.decode())
    raw = pl.DataFrame([row], RAW_INFERENCE_PROVIDERS.schema, orient="row").lazy()
    write = table.inference_providers(raw, f"{day}")
    return lake.write(INFERENCE_PROVIDERS, f"{day}", write)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake, hub = Lake(tmp_path_factory.mktemp("lake")), GeneratedHub(2000, 100, seed=4)
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + dt.timedelta(number)
        hub.day = day
        if day != MISSING:
            store(lake, day, served_models(hub, day))
    lake.write(PROVIDER_HISTORY, None, history.provider_history(lake))
    return lake


@pytest.mark.parametrize(
    ("of", "by"),
    [("offer", "model, provider"), ("model", "model"), ("provider", "provider"), ("total", "")],
)
def test_sql_agrees(lake: Lake, of: str, by: str) -> None:
    days = lake.days("inference_providers")
    offers = pl.concat(lake.read("inference_providers", day).frame.collect() for day in days)
    keys = f"day, {by}" if by else "day"
    priced = "filter (where price_input is not null and price_output is not null)"
    connection = duckdb.connect()
    connection.register("offers", offers.to_arrow())
    expected = connection.sql(
        f"""select {keys}, count(*) as offers, sum((status = 'live')::int)::bigint as live,
            count(*) {priced} as priced,
            count(distinct model) as models, count(distinct provider) as providers,
            median(price_input) {priced} as price_input,
            median(price_output) {priced} as price_output,
            min(price_output) {priced} as cheapest_output,
            max(price_output) {priced} as dearest_output, max(context_length) as context_length,
            median(first_token_latency) as first_token_latency, median(throughput) as throughput
            from offers group by {keys} order by {keys}"""
    ).pl()
    stored = lake.read("provider_history", None).frame.filter(pl.col("of") == of).collect()
    assert expected.height == stored.height > 3
    found = stored.select(expected.columns).sort(keys.split(", "))
    assert_frame_equal(found, expected.cast(dict(found.schema)), rel_tol=1e-12)


def test_a_day_without_an_answer_is_a_gap(lake: Lake) -> None:
    days = set(lake.read("provider_history", None).frame.collect()["day"])
    assert days == {FIRST + dt.timedelta(n) for n in range(5)} - {MISSING}


def test_odd_values_are_beside_the_table_and_warn(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    good, bad = (
        f'{{"id": "a/b{n}", "providers": [{{"provider": "groq", "status": {status}}}]}}'
        for n, status in enumerate(('"live"', "7"))
    )
    stored = store(lake, FIRST, f"[{good}, {bad}, 7]".encode())
    assert stored.rows == 2
    aside = stored.aside("quarantine")
    assert aside is not None
    assert aside["reason"].to_list() == ["no status", "a model without an id"]
    assert not rules.shape_as_documented(stored).passed
    whole = store(lake, LAST, f"[{good}]".encode())
    assert rules.shape_as_documented(whole).passed
    assert rules.as_many_offers(whole, stored).passed
    assert not rules.as_many_offers(store(lake, LAST, b"[]"), stored).passed


def test_a_price_that_cannot_be_warns(tmp_path: Path) -> None:
    offer = '{"provider": "x", "pricing": {"input": 1, "output": %s}}'
    body = f'[{{"id": "a/b", "providers": [{offer}]}}]'
    result = rules.possible_prices(store(Lake(tmp_path), FIRST, (body % 1000.5).encode()))
    assert not result.passed
    assert "a/b of x" in result.description
    assert rules.possible_prices(store(Lake(tmp_path), FIRST, (body % 600).encode())).passed
