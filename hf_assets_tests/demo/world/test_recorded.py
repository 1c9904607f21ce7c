"""Recorded listings: served as they were, absent fields absent."""

import json
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.walking import rows

ROWS = [
    {"_id": "b" * 24, "id": "x/two", "likes": 5, "trendingScore": 2.5, "tags": ["en"]},
    {"_id": "a" * 24, "id": "x/one", "likes": 5, "private": False},
    {"_id": "c" * 24, "id": "gpt2", "likes": None},
    {"_id": "d" * 24, "id": "y/four", "likes": 9, "author": "y", "safetensors": None},
    {"id": "z/no-id", "gated": "auto"},
]


@pytest.fixture
def url(serve: Serve, tmp_path: Path) -> str:
    (tmp_path / "models.json").write_text(json.dumps(ROWS))
    return serve(create_app(RecordedHub(models=tmp_path / "models.json"))).url


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_absent_values_come_last_and_nothing_is_lost(url: str, limit: int) -> None:
    listed = rows(f"{url}/api/models?sort=likes&limit={limit}")
    named = [row["id"] for row in listed]
    assert named[:3] == ["y/four", "x/one", "x/two"]
    assert sorted(named[3:]) == ["gpt2", "z/no-id"]
    assert len(rows(f"{url}/api/models?limit={limit}")) == 5
    assert len(rows(f"{url}/api/models?sort=createdAt&limit={limit}")) == 5


def test_absent_is_absent_and_null_is_null(url: str) -> None:
    asked = "expand=likes&expand=gated&expand=safetensors&expand=downloads"
    listed = {row["id"]: row for row in rows(f"{url}/api/models?{asked}")}
    assert listed["gpt2"] == {"_id": "c" * 24, "id": "gpt2", "likes": None}
    assert listed["y/four"] == {"_id": "d" * 24, "id": "y/four", "likes": 9, "safetensors": None}
    assert listed["z/no-id"] == {"id": "z/no-id", "gated": "auto"}
    assert rows(f"{url}/api/spaces") == []


def test_datasets_of_a_file_and_of_none(serve: Serve, tmp_path: Path, url: str) -> None:
    answer = httpx2.get(f"{url}/api/datasets")
    assert (answer.status_code, answer.json(), answer.headers["X-Total-Count"]) == (200, [], "0")
    (tmp_path / "d.json").write_text(json.dumps({"datasets": ROWS[:3]}))
    served = serve(create_app(RecordedHub(datasets=tmp_path / "d.json"))).url
    assert len(rows(f"{served}/api/datasets?sort=downloads&limit=2")) == 3
    assert httpx2.get(f"{served}/api/datasets/gpt2?expand=likes").json()["likes"] is None


def test_one_row_with_and_without_a_namespace(url: str) -> None:
    assert httpx2.get(f"{url}/api/models/gpt2?expand=likes").json()["likes"] is None
    assert httpx2.get(f"{url}/api/models/x/one").json()["likes"] == 5
    assert httpx2.get(f"{url}/api/models/x/three").status_code == 404


def test_filters(url: str) -> None:
    assert [row["id"] for row in rows(f"{url}/api/models?filter=en")] == ["x/two"]
    assert {row["id"] for row in rows(f"{url}/api/models?author=x")} == {"x/one", "x/two"}
    assert [row["id"] for row in rows(f"{url}/api/models?search=GPT")] == ["gpt2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "truncated"), ("3", "array"), ("[3]", "array"), ('[{"_id":"a"}]', "no id")],
)
def test_a_file_that_is_no_recording(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        RecordedHub(models=tmp_path / "m.json")


@pytest.mark.heavy
def test_a_real_answer_of_the_hub(serve: Serve, real_data: Path) -> None:
    path = real_data / "hub-models-2025-12" / "models.json"
    recorded = json.loads(path.read_text())
    url = serve(create_app(RecordedHub(models=path))).url
    listed = rows(f"{url}/api/models?limit=300")
    assert len(listed) == 1000
    assert sum("pipeline_tag" in row for row in listed) == 794
    assert {json.dumps(row, sort_keys=True) for row in listed} == {
        json.dumps(row, sort_keys=True) for row in recorded
    }
    assert list(listed[0])[:4] == list(recorded[0])[:4]
    assert len(list(HfApi(endpoint=url, token=False).list_models(sort="downloads"))) == 1000


def test_real_spaces_without_dates(serve: Serve, real_data: Path) -> None:
    folder = real_data / "hub-spaces-by-model-2024-01"
    hub = RecordedHub(folder / "models.json", folder / "spaces.json")
    url = serve(create_app(hub)).url
    spaces = rows(f"{url}/api/spaces?sort=createdAt&expand=models&expand=likes&expand=usedStorage")
    assert len({row["_id"] for row in spaces}) == len(spaces) == 3379
    assert sum(len(row["models"]) for row in spaces) == 3772
    assert not any("likes" in row for row in spaces)
    assert len(rows(f"{url}/api/models?sort=createdAt")) == 38


def test_a_daily_snapshot_is_a_recording(real_data: Path) -> None:
    path = real_data / "hub-top-models-daily-2026-08" / "2026-08-16.json"
    assert RecordedHub(models=path).total("models") == 527
