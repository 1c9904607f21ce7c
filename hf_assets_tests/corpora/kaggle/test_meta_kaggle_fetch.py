"""Meta Kaggle's tables over real HTTP: of one version, and resumed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hf_assets.corpora.kaggle import meta_kaggle
from hf_assets.corpora.kaggle.client import KaggleError
from hf_assets.corpora.kaggle.meta_kaggle import fetch
from hf_assets.demo.labels.kaggle import create_app
from hf_assets.demo.labels.meta_kaggle import write_tables
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.switches import At
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.meta_kaggle import COUNT, SEED, read


@pytest.fixture
def kagglehub_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Points kagglehub at an embedded Kaggle, with a cache of its own."""
    from kagglesdk import kaggle_env, kaggle_http_client

    # In this environment it prints every answer, and reads a download whole to do so.
    monkeypatch.setattr(kaggle_http_client.KaggleHttpClient, "_print_response", lambda *_: None)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)

    def point(url: str) -> None:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.TEST, url)

    return point


@pytest.mark.heavy
def test_the_tables_are_fetched_and_a_broken_download_goes_on(
    serve: Serve, tmp_path: Path, kagglehub_at: Callable[[str], None]
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write_tables(source, COUNT, SEED)
    with (source / "Datasets.csv").open("ab") as file:
        file.write(b"\r\n" * (1 << 20))  # kagglehub writes a MB at a time
    app = create_app(GeneratedTexts("datasets", SEED), COUNT, tables=source)
    kagglehub_at(serve(app).url)
    app.state.faults.cut.append(At(page=0, value=0.5))
    with pytest.raises(KaggleError, match=r"Datasets\.csv.*could not be downloaded") as caught:
        fetch(target)
    assert not caught.value.permanent
    assert not list(target.iterdir())

    fetch(target)
    assert {path.name for path in target.iterdir()} == {*meta_kaggle.TABLES}
    for name in meta_kaggle.TABLES:
        assert (target / name).read_bytes() == (source / name).read_bytes()
    ranges = {asked.body for asked in app.state.asked if asked.path == "/files/Datasets.csv"}
    assert f"bytes={1 << 20}-" in ranges
    assert len(read(target)[0]) == COUNT


@pytest.mark.release
@pytest.mark.heavy
def test_all_tables_are_of_one_version(
    serve: Serve, tmp_path: Path, kagglehub_at: Callable[[str], None]
) -> None:
    write_tables(tmp_path / "source", COUNT, SEED)
    app = create_app(GeneratedTexts("datasets", SEED), COUNT, tables=tmp_path / "source")
    kagglehub_at(serve(app).url)

    def published_anew(_: str) -> None:
        app.state.kaggle.version += 1

    fetch(tmp_path / "target", published_anew)
    wanted = [asked.body for asked in app.state.asked if asked.path.endswith("DownloadDataset")]
    assert [body["fileName"] for body in wanted] == [*meta_kaggle.TABLES]
    assert {body["datasetVersionNumber"] for body in wanted} == {6}


def test_a_table_that_kaggle_does_not_have_is_a_clear_failure(
    serve: Serve, tmp_path: Path, kagglehub_at: Callable[[str], None]
) -> None:
    (tmp_path / "source").mkdir()
    app = create_app(GeneratedTexts("datasets"), 9, tables=tmp_path / "source")
    kagglehub_at(serve(app).url)
    with pytest.raises(KaggleError, match=r"Datasets\.csv.*404.*download it from") as caught:
        fetch(tmp_path / "target")
    assert caught.value.permanent
