"""Pages rendered beforehand are the pages the Hub would have rendered."""

import datetime as dt
from pathlib import Path

import httpx2
import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.hub.prerendered import PrerenderedHub, prerender
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.walking import pages

HUB = GeneratedHub(3456, 100, day=dt.date(2026, 11, 20))
QUERY = "/api/models?sort=createdAt&limit=1000&expand=likes&expand=tags"


@pytest.fixture
def rendered(tmp_path: Path) -> PrerenderedHub:
    assert prerender(HUB, tmp_path, "models", ["likes", "tags"]) == 4
    return PrerenderedHub(tmp_path, HUB)


def test_same_pages_same_links(serve: Serve, rendered: PrerenderedHub) -> None:
    ready, live = serve(create_app(rendered)), serve(create_app(HUB))
    for encoding in ("gzip", "identity"):
        headers = {"Accept-Encoding": encoding}
        ours = pages(ready.url + QUERY, headers=headers)
        theirs = pages(live.url + QUERY, headers=headers)
        assert [page.json() for page in ours] == [page.json() for page in theirs]
        assert [str(page.url).replace(ready.url, "") for page in ours] == [
            str(page.url).replace(live.url, "") for page in theirs
        ]
        assert ours[-1].headers["X-Total-Count"] == "3456"
        assert "RateLimit" in ours[-1].headers


def test_other_queries_are_rendered(serve: Serve, rendered: PrerenderedHub) -> None:
    url = serve(create_app(rendered)).url
    assert len(httpx2.get(f"{url}/api/models?limit=5").json()) == 5
    assert len(httpx2.get(f"{url}/api/spaces").json()) == 100
    assert len(httpx2.get(f"{url}/api/models?sort=createdAt&expand=likes").json()) == 1000
    assert httpx2.get(f"{url}/api/models?limit=5&cursor=x").status_code == 400


def test_faults_strike_rendered_pages_too(serve: Serve, rendered: PrerenderedHub) -> None:
    faults = Faults(errors={503: [At(page=1)]}, broken_json=[At(page=1)], odd_rows={})
    url = serve(create_app(rendered, faults)).url + QUERY
    assert httpx2.get(url).status_code == 503
    with pytest.raises(ValueError, match=r".+"):
        httpx2.get(url).json()
    faults.empty_page.append(At(page=3))
    assert [len(page.json()) for page in pages(url)] == [1000, 1000, 0, 1000, 456]
    faults.duplicates.append(At(page=1))
    answers = pages(url)
    assert sum(len(page.json()) for page in answers) == 3466


def test_nothing_rendered(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PrerenderedHub(tmp_path, HUB)
