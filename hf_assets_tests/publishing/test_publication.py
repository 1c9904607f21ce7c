"""A publication against repositories as strict as the Hub: what is sent, removed and left alone."""

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from hf_assets.demo.repositories.large_files import XetFolder
from hf_assets.demo.service.switches import At
from hf_assets.errors import InputError
from hf_assets.publishing import publication
from hf_assets.publishing.publication import MARKER
from hf_assets.publishing.record import FILE, read_published
from hf_assets.publishing.repository import HeadMoved, PublishError, Repository
from hf_assets.publishing.rules import published_matches
from hf_assets.storage.folders import remove_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.publishing.conftest import Served
from hf_assets_tests.support.publishing import (
    DAYS,
    NAME,
    READER,
    TOKEN,
    publish_now,
    store_day,
    store_series,
)

TEXTS = {"README.md", "LICENSE.md", "datapackage.json", MARKER}
SMALL = TEXTS | {
    *(f"data/daily_metrics/{day}.parquet" for day in DAYS),
    *(f"data/top_models/{day}.parquet" for day in DAYS),
    "data/category_history/2026-10.parquet",
    "data/category_history/2026-11.parquet",
    "data/day_quality/all.parquet",
    *("figures/ranks.png", "figures/day/downloads.png"),
}


def puts(hub: Served) -> int:
    return hub.service.asked["put"]


def commit_of_another(hub: Served, path: str = "notes.txt") -> None:
    api = HfApi(endpoint=hub.url, token=TOKEN)
    files = [CommitOperationAdd(path, b"by hand")]
    api.create_commit(NAME, files, commit_message="By hand", repo_type="dataset")


def test_the_small_tables_and_the_figures_are_one_commit(hub: Served, lake: Lake) -> None:
    done = publish_now(lake, log=hub.log.append)
    assert {*hub.paths} == SMALL | {".gitattributes"}
    titles = [one.title for one in hub.repository.commits]
    assert titles == ["initial commit", "Publish 2026-11-02: 15 files new or changed"]
    assert done.commit == hub.repository.head.oid
    assert done.sent.keys() == SMALL
    assert done.bytes == sum(done.sent.values()) == sum(len(hub.bytes(one)) for one in SMALL)
    for table, rows in done.rows.items():
        files = [hub.bytes(one) for one in SMALL if one.split("/")[1:2] == [table]]
        assert rows == sum(pq.read_metadata(io.BytesIO(one)).num_rows for one in files)
    assert hub.repository.private
    assert not list(lake.folder("published_lake", None).glob(".staging"))


def test_nothing_is_sent_twice(hub: Served, lake: Lake) -> None:
    first = publish_now(lake)
    before = (puts(hub), hub.service.received)
    again = publish_now(lake)
    assert (again.changed, again.differs, again.unchanged) == (False, False, len(SMALL))
    assert again.commit == first.commit
    assert len(hub.repository.commits) == 2
    # A rebuild that gives the same rows, and a lake whose record is gone or broken.
    store_day(lake, DAYS[0])
    assert not publish_now(lake).differs
    record = lake.folder("published_lake", None) / FILE
    record.unlink()
    assert not publish_now(lake).differs
    record.write_text("{")
    assert not publish_now(lake).differs
    assert read_published(lake).files.keys() == SMALL - TEXTS
    assert (puts(hub), hub.service.received) == before


def test_a_changed_day_is_all_that_is_sent(hub: Served, lake: Lake) -> None:
    publish_now(lake)
    before = hub.service.received
    store_day(lake, DAYS[1], models=9)
    outcome = publish_now(lake, dry_run=True)
    assert not published_matches(outcome).passed
    assert f"data/daily_metrics/{DAYS[1]}.parquet" in published_matches(outcome).description
    done = publish_now(lake)
    assert done.sent == outcome.sent
    (data,) = done.sent.keys() - TEXTS
    assert data == f"data/daily_metrics/{DAYS[1]}.parquet"
    assert hub.service.received - before == done.sent[data]
    assert published_matches(publish_now(lake, dry_run=True)).passed


def test_backfilled_days_come_and_withdrawn_days_go_in_one_commit(hub: Served, lake: Lake) -> None:
    publish_now(lake)
    store_day(lake, "2026-09-30")
    for table in ("daily_metrics", "top_models", "models"):
        remove_folder(lake.folder(table, DAYS[0]))
    store_series(lake, ("2026-09-30", *DAYS[1:]))
    done = publish_now(lake)
    gone = {f"data/{name}/{DAYS[0]}.parquet" for name in ("daily_metrics", "top_models")}
    assert {*done.removed} == gone | {"data/category_history/2026-10.parquet"}
    assert "data/daily_metrics/2026-09-30.parquet" in hub.paths
    assert not gone & {*hub.paths}
    assert len(hub.repository.commits) == 3
    assert hub.repository.head.title.endswith("3 removed")
    assert DAYS[0] not in hub.text("datapackage.json")


def test_files_of_a_person_stay(hub: Served, lake: Lake) -> None:
    publish_now(lake)
    commit_of_another(hub)
    store_day(lake, DAYS[1], models=9)
    publish_now(lake)
    assert hub.text("notes.txt") == "by hand"


def test_the_repository_of_another_is_not_touched(hub: Served, lake: Lake) -> None:
    HfApi(endpoint=hub.url, token=TOKEN).create_repo(NAME, repo_type="dataset")
    commit_of_another(hub, "data/mine/2026-11-01.parquet.txt")
    with pytest.raises(PublishError, match="hf_assets did not publish") as failed:
        publish_now(lake)
    assert failed.value.permanent
    assert len(hub.repository.commits) == 2


def test_a_new_repository_with_a_card_is_taken(hub: Served, lake: Lake) -> None:
    HfApi(endpoint=hub.url, token=TOKEN).create_repo(NAME, repo_type="dataset", private=False)
    commit_of_another(hub, "README.md")
    assert publish_now(lake).changed
    # Who may see it is a person's choice.
    assert not hub.repository.private


def test_a_lake_that_lost_its_days_empties_nothing(
    hub: Served, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "FEW", 0)
    publish_now(lake)
    for day in DAYS[:2]:
        remove_folder(lake.folder("daily_metrics", day))
    with pytest.raises(PublishError, match="lacks 2 of the 11 files"):
        publish_now(lake)
    assert len(hub.repository.commits) == 2
    assert len(publish_now(lake, remove_many=True).removed) == 2


def test_a_dry_run_only_looks(hub: Served, lake: Lake) -> None:
    would = publish_now(lake, dry_run=True)
    assert would.commit is None
    assert not published_matches(would).passed
    assert would.sent.keys() == SMALL
    assert all(one.startswith("GET ") for one in hub.requests)
    assert not hub.service.repositories.by_name
    assert publish_now(lake).sent == would.sent


def test_another_publisher_is_not_overwritten(
    hub: Served, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_now(lake)
    store_day(lake, DAYS[1], models=9)
    before, commit, others = hub.service.received, Repository.commit, iter(["a.txt"])

    def late(self, *args) -> str:
        if name := next(others, None):
            commit_of_another(hub, name)
        return commit(self, *args)

    monkeypatch.setattr(Repository, "commit", late)
    done = publish_now(lake, log=hub.log.append)
    assert hub.log[-1].startswith("Publish ")
    assert any("comparing again" in line for line in hub.log)
    # What was sent before the refusal is not sent again.
    assert hub.service.received - before == len(hub.bytes(f"data/daily_metrics/{DAYS[1]}.parquet"))
    assert {"a.txt", *done.sent} <= {*hub.paths}
    others = iter(["b.txt", "c.txt", "d.txt"])
    store_day(lake, DAYS[1], models=8)
    with pytest.raises(HeadMoved) as failed:
        publish_now(lake)
    assert not failed.value.permanent


def test_files_go_in_batches_and_are_one_commit(
    hub: Served, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "BATCH_FILES", 3)
    publish_now(lake, "small,models", log=hub.log.append)
    assert {*hub.paths} >= SMALL
    assert len(hub.repository.commits) == 2
    assert sum(line.startswith("Sending ") for line in hub.log) >= 6


def test_a_large_file_comes_in_parts(hub: Served, lake: Lake) -> None:
    store_day(lake, DAYS[1], models=900)
    path = f"data/models/{DAYS[1]}.parquet"
    publish_now(lake, "models")
    assert len(hub.bytes(path)) > 2 * hub.service.large.part_size
    assert puts(hub) > len(DAYS)
    assert pq.read_metadata(io.BytesIO(hub.bytes(path))).num_rows == 899


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: Served, lake: Lake) -> None:
    hub.faults.lost.append(At(kind="commit"))
    with pytest.raises(PublishError, match="502") as failed:
        publish_now(lake)
    assert not failed.value.permanent
    again = publish_now(lake)
    assert (again.changed, len(hub.repository.commits)) == (False, 2)


@pytest.mark.parametrize(
    ("token", "reason", "permanent"),
    [
        (None, "takes a token that may write", True),
        (READER, "HTTP 403 .*set an HF_TOKEN that may write", True),
        ("hf_of_nobody00000000000000000000001", "HTTP 40[34]", True),
    ],
)
def test_without_a_token_that_may_write(
    hub: Served, lake: Lake, monkeypatch: pytest.MonkeyPatch, token: str | None, reason: str,
    permanent: bool,
) -> None:  # fmt: skip
    publish_now(lake)
    monkeypatch.delenv("HF_TOKEN")
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    store_day(lake, DAYS[1], models=9)
    with pytest.raises(PublishError, match=reason) as failed:
        publish_now(lake, log=hub.log.append)
    assert failed.value.permanent == permanent
    assert "hf_" not in " ".join([str(failed.value), *hub.log]).replace("hf_assets", "")
    assert len(hub.repository.commits) == 2


def test_a_hub_that_is_down_is_asked_again_later(hub: Served, lake: Lake) -> None:
    hub.faults.errors[500] = [At(kind="commit")]
    with pytest.raises(PublishError, match="HTTP 500") as failed:
        publish_now(lake)
    assert not failed.value.permanent
    assert len(hub.repository.commits) == 1


def test_a_card_that_the_hub_refuses_stops_before_the_upload(hub: Served, lake: Lake) -> None:
    with pytest.raises(PublishError, match=r"Invalid metadata in README\.md.*cc-by-9") as failed:
        publish_now(lake, license="cc-by-9")
    assert failed.value.permanent
    assert puts(hub) == 0


def test_what_cannot_be_published_says_so(hub: Served, lake: Lake) -> None:
    with pytest.raises(InputError, match=r"names 'modells': use small, figures, or tables: models"):
        publish_now(lake, "small,modells")
    with pytest.raises(InputError, match="no table of those"):
        publish_now(lake, "enriched_spaces")
    with pytest.raises(InputError, match="no table of those"):
        publish_now(lake, "")


@pytest.mark.heavy
def test_over_xet_as_huggingface_hub_does_by_itself(
    hub: Served, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of large files are then computed by `hf_xet` while it sends them."""
    pytest.importorskip("hf_xet", reason="hf_xet is not installed")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.service.xet = XetFolder(tmp_path / "xet")
    hub.service.repositories.elsewhere = hub.service.xet.holds
    done = publish_now(lake, "small,models")
    assert puts(hub) == 0
    files = hub.repository.head.files
    record = read_published(lake).files
    large = {path: file.large.sha256 for path, file in files.items() if file.large}
    assert {path.split("/")[0] for path in large} == {"data", "figures"}
    assert large == {path: record[path].sha256 for path in large}
    again = publish_now(lake, "small,models")
    assert (again.changed, again.commit) == (False, done.commit)


def test_a_table_without_days_is_published_alone(hub: Served, lake: Lake) -> None:
    done = publish_now(lake, "day_quality")
    assert done.changed
    assert "data/day_quality/all.parquet" in hub.paths
