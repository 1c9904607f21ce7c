"""A night's questions: once a commit, within the budget, and nothing that was answered is lost."""

import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile

from hf_assets.hub.space_code import asking
from hf_assets.hub.space_code.asking import TreesError
from hf_assets.hub.space_code.days import NAME, NoTrees
from hf_assets.hub.space_code.schemas import SPACE_CODE
from hf_assets.hub.space_code.table import space_code
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.conftest import Serve, ServedHub, ServeHub
from hf_assets_tests.support.hub.space_files import (
    COMMIT,
    chosen,
    listed,
    numbers_of,
    scripted,
    small_hub,
    space,
    tree,
    tree_days,
)

OPEN = [number for number, _ in zip(numbers_of(pages=1), range(12), strict=False)]
CLOSED = {access: next(numbers_of(access)) for access in ("gone", "gated", "private", "disabled")}
HUGE = next(numbers_of(pages=3))
LATER = COMMIT + timedelta(days=9)

pytestmark = pytest.mark.usefixtures("unsynced")


def served_hub(hub: ServeHub, folder: Path, numbers: list[int]) -> ServedHub:
    return hub(small_hub(folder, numbers), rate_limit=10**6)


def asked(served: ServedHub) -> Counter[str]:
    """Requests by the name of the Space."""
    paths = [unquote(one.path).removeprefix("/api") for one in served.requests]
    return Counter(path.split("/")[3] for path in paths)


def reasons(lake: Lake, day: str) -> dict[str, str | None]:
    rows = lake.read(NAME, day).frame.select("id", "reason").collect().rows()
    return {name.split("/")[1]: reason for name, reason in rows}


def test_every_space_has_its_files_or_a_reason(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    numbers = [*OPEN, *CLOSED.values(), HUGE]
    served = served_hub(hub, tmp_path, numbers)
    stored = tree_days(lake, served.url).get_or_ask(today(), listed(map(space, numbers)), chosen())
    found = reasons(lake, today())
    assert {access: found[f"space-{n}"] for access, n in CLOSED.items()} == {
        "gone": "gone",
        "gated": "private or gated",
        "private": "private or gated",
        "disabled": "disabled",
    }
    assert all(found[f"space-{number}"] is None for number in (*OPEN, HUGE))
    assert stored.notes["requests"] == len(served.requests)
    assert stored.notes["asked"] == stored.rows == len(numbers)


def test_the_table_agrees_with_the_client_of_the_hub(
    hub: ServeHub, lake: Lake, tmp_path: Path
) -> None:
    """An independent count: huggingface_hub's own listing, and its own sizes."""
    numbers = [*OPEN[:5], HUGE]
    served = served_hub(hub, tmp_path, numbers)
    rows = [space(number) for number in numbers]
    answers = tree_days(lake, served.url).get_or_ask(today(), listed(rows), chosen())
    made = lake.write(
        SPACE_CODE, today(), space_code(answers, listed(rows), chosen(), today())
    ).frame.collect()
    api = HfApi(served.url)
    for row in made.iter_rows(named=True):
        tree = api.list_repo_tree(row["id"], repo_type="space", recursive=True)
        files = [one for one in tree if isinstance(one, RepoFile)]
        assert (row["n_files"], row["bytes"]) == (len(files), sum(one.size for one in files))
        python = [one for one in files if one.path.endswith(".py")]
        sizes = {one["kind"]: (one["files"], one["bytes"]) for one in row["languages"]}
        assert sizes["Python"] == (len(python), sum(one.size for one in python))
        assert row["packages"] >= 1
        assert row["models"] == ["google/bert"]
        assert (row["tags"], row["categories"]) == (["text-classification"], ["fill-mask"])


def test_a_commit_is_asked_for_once(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    served = served_hub(hub, tmp_path, OPEN)
    rows = [space(number) for number in OPEN]
    days = tree_days(lake, served.url)
    first = days.get_or_ask(today(), listed(rows), chosen())
    before = first.frame.sort("id").collect()
    served.requests.clear()
    again = days.get_or_ask(today(), listed(rows), chosen())
    assert not served.requests
    assert again.frame.sort("id").collect().equals(before)
    rows[3] = space(OPEN[3], LATER)
    changed = days.get_or_ask(today(), listed(rows), chosen())
    assert set(asked(served)) == {f"space-{OPEN[3]}"}
    assert changed.rows == len(OPEN)


def test_the_next_night_reuses_the_last_stored_day(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = served_hub(hub, tmp_path, OPEN)
    rows = [space(number) for number in OPEN]
    days = tree_days(lake, served.url)
    days.get_or_ask(today(), listed(rows), chosen())
    served.requests.clear()
    tomorrow = f"{datetime.fromisoformat(today()) + timedelta(days=1):%Y-%m-%d}"
    monkeypatch.setattr("hf_assets.hub.space_code.days.today", lambda: tomorrow)
    # Renamed, and one more that uses the model; another no longer does.
    rows[0]["id"] = "new/space-name"
    extra = next(number for number in numbers_of(pages=1) if number > OPEN[-1])
    served.app.state.source.replace("spaces", [*rows, space(extra)])
    stored = days.get_or_ask(tomorrow, listed([*rows[:-1], space(extra)]), chosen())
    assert set(asked(served)) == {f"space-{extra}"}
    names = set(stored.frame.collect()["id"])
    assert "new/space-name" in names
    assert space(OPEN[-1])["id"] not in names
    assert len(served.requests) <= 2
    # Each day can be read without the other.
    (lake.folder(NAME, today()) / "data.parquet").unlink()
    assert set(lake.read(NAME, tomorrow).frame.collect()["id"]) == names


def test_the_most_requests_of_a_day_are_never_exceeded(
    hub: ServeHub, lake: Lake, tmp_path: Path
) -> None:
    served = served_hub(hub, tmp_path, OPEN)
    rows = [space(number) for number in OPEN]
    days = tree_days(lake, served.url, most_requests=9)
    stored = days.get_or_ask(today(), listed(rows), chosen())
    assert len(served.requests) <= 9
    known = stored.notes["known"]
    assert 1 <= known <= 4
    assert stored.notes["reasons"] == {"not asked": len(OPEN) - known}
    # The Spaces with most likes come first.
    by_likes = sorted(rows, key=lambda row: -row["likes"])
    assert reasons(lake, today())[by_likes[0]["id"].split("/")[1]] is None
    # No second budget on the same day, whatever is run again.
    spent = sum(stored.frame.collect()["requests"])
    days.get_or_ask(today(), listed(rows), chosen())
    assert len(served.requests) - 9 <= 9 - spent
    days = tree_days(lake, served.url)
    assert days.get_or_ask(today(), listed(rows), chosen()).notes["known"] == len(OPEN)


def test_zero_requests_ask_nothing_and_say_so(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    served = served_hub(hub, tmp_path, OPEN)
    rows = listed(map(space, OPEN))
    stored = tree_days(lake, served.url, most_requests=0).get_or_ask(today(), rows, chosen())
    assert not served.requests
    assert stored.notes["reasons"] == {"not asked": len(OPEN)}


def test_a_past_day_is_what_was_stored(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    served = served_hub(hub, tmp_path, OPEN)
    days = tree_days(lake, served.url)
    rows = listed(map(space, OPEN))
    with pytest.raises(NoTrees, match=r"2026-01-05 is over.*not written under another day"):
        days.get_or_ask("2026-01-05", rows, chosen())
    with pytest.raises(NoTrees, match="has not begun"):
        days.get_or_ask("2999-01-05", rows, chosen())
    with pytest.raises(NoTrees, match="materialise them first"):
        days.get_or_ask(today(), None, chosen())
    assert not served.requests
    stored = days.get_or_ask(today(), rows, chosen())
    os.rename(lake.folder(NAME, today()), lake.folder(NAME, "2026-01-05"))
    served.requests.clear()
    assert days.get_or_ask("2026-01-05", None, None).rows == stored.rows
    assert not served.requests


def test_a_hub_that_is_down_fails_and_keeps_what_it_answered(
    serve: Serve, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One after the other: beside four others a good answer may come after five failures.
    monkeypatch.setattr(asking, "WORKERS", 1)
    rows = [space(number) for number in range(1, 21)]
    good = {f"/api/spaces/{row['id']}/tree/main": (200, tree(("app.py", 9))) for row in rows}
    answers: dict[str, tuple[int, bytes]] = dict.fromkeys(good, (503, b"busy"))
    first = sorted(rows, key=lambda row: -row["likes"])[:4]
    answers |= {f"/api/spaces/{row['id']}/tree/main": (200, tree(("app.py", 9))) for row in first}
    paths: list[str] = []
    url = serve(scripted(answers, paths)).url
    days = tree_days(lake, url, retries=1)
    with pytest.raises(TreesError, match=r"5 Spaces in a row were not answered: .*503") as failed:
        days.get_or_ask(today(), listed(rows), chosen())
    assert not failed.value.permanent
    assert NAME not in os.listdir(lake.root) or not lake.days(NAME)
    answers |= good
    paths.clear()
    stored = days.get_or_ask(today(), listed(rows), chosen())
    assert stored.notes["known"] == len(rows)
    assert not {row["id"] for row in first} & {"/".join(path.split("/")[3:5]) for path in paths}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b'{"error": "no"}', "invalid answer"),
        (200, b"[1, 2]", "invalid answer"),
        (200, b'[{"type": "file", "path": "a", "size": -1}]', "invalid answer"),
        (200, b'[{"type": "file", "path": ""}]', "invalid answer"),
        (200, b"[" * 100_000, "invalid answer"),
        (200, b"<html>hiccup</html>", "invalid answer"),
        (200, b"[]", None),
        (400, b'{"error": "no"}', "refused"),
        (401, b'{"error": "Repository not found"}', "private or gated"),
        (403, b'{"error": "Access to this resource is disabled."}', "disabled"),
        (404, b"", "gone"),
        (410, b"", "gone"),
        (500, b"", "failed"),
    ],
)
def test_an_odd_answer_is_counted_with_its_reason(
    serve: Serve, lake: Lake, status: int, body: bytes, reason: str | None
) -> None:
    rows = [space(1), space(2)]
    answers = {f"/api/spaces/{rows[0]['id']}/tree/main": (status, body)}
    answers[f"/api/spaces/{rows[1]['id']}/tree/main"] = (200, tree(("a.py", 1)))
    paths: list[str] = []
    days = tree_days(lake, serve(scripted(answers, paths)).url, retries=1)
    days.get_or_ask(today(), listed(rows), chosen())
    assert reasons(lake, today()) == {"space-1": reason, "space-2": None}
    # What may be another answer tomorrow is asked for again.
    paths.clear()
    days.get_or_ask(today(), listed(rows), chosen())
    assert any("space-1" in path for path in paths) == (reason is not None)


@pytest.mark.parametrize("name", ["a/../../models", "a/b?x=1", "a/b#c", "a/b/c", "", "a\nb/c"])
def test_a_name_cannot_lead_elsewhere(serve: Serve, lake: Lake, name: str) -> None:
    paths: list[str] = []
    url = serve(scripted({}, paths)).url
    tree_days(lake, url).get_or_ask(today(), listed([space(1, id=name)]), chosen())
    assert not paths
    assert lake.read(NAME, today()).notes["reasons"] == {"refused": 1}


def test_a_refused_token_is_no_fact_about_spaces(serve: Serve, lake: Lake) -> None:
    rows = [space(number) for number in range(1, 9)]
    refused = (401, b'{"error": "Invalid username or password."}')
    answers = {f"/api/spaces/{row['id']}/tree/main": refused for row in rows}
    with pytest.raises(TreesError, match="token is refused") as failed:
        tree_days(lake, serve(scripted(answers, [])).url).get_or_ask(
            today(), listed(rows), chosen()
        )
    assert failed.value.permanent


def test_too_many_files_are_a_reason_that_stands(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_assets.hub.space_code.tree_client.MOST_PAGES", 2)
    served = served_hub(hub, tmp_path, [HUGE])
    days = tree_days(lake, served.url)
    for _ in range(2):
        days.get_or_ask(today(), listed([space(HUGE)]), chosen())
        assert reasons(lake, today()) == {f"space-{HUGE}": "too many files"}
    assert len(served.requests) == 2


def test_requirements_have_reasons_of_their_own(serve: Serve, lake: Lake) -> None:
    rows = [space(number) for number in range(1, 6)]
    trees = [
        tree(("app.py", 9)),
        tree(("requirements.txt", 2 << 20)),
        tree(("requirements.txt", 9)),
        tree(("requirements.txt", 9)),
        tree(("sub/requirements.txt", 9)),
    ]
    answers = {
        f"/api/spaces/{row['id']}/tree/main": (200, page)
        for row, page in zip(rows, trees, strict=True)
    }
    answers[f"/spaces/{rows[2]['id']}/resolve/main/requirements.txt"] = (200, b"torch\nnumpy\n")
    url = serve(scripted(answers, [])).url
    stored = tree_days(lake, url).get_or_ask(today(), listed(rows), chosen())
    made = lake.write(
        SPACE_CODE, today(), space_code(stored, listed(rows), chosen(), today())
    ).frame.sort("id").collect()  # fmt: skip
    by_name = {row["id"].split("/")[1]: row for row in made.iter_rows(named=True)}
    found = {name: (row["packages"], row["packages_reason"]) for name, row in by_name.items()}
    assert found == {
        "space-1": (None, "no requirements.txt"),
        "space-2": (None, "too large"),
        "space-3": (2, None),
        "space-4": (None, "gone"),
        "space-5": (None, "no requirements.txt"),
    }
