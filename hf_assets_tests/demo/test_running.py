"""The demo's environment and inputs."""

import datetime as dt
import json
from pathlib import Path

import pytest

from hf_assets.corpora.groups import split_of
from hf_assets.corpora.stackexchange.dumps import read_posts
from hf_assets.demo import running
from hf_assets.demo.labels.question_sources import GeneratedQuestions
from hf_assets.demo.labels.topics import QUESTION_TOPICS
from hf_assets.demo.past import Past
from hf_assets.demo.plan import Plan
from hf_assets.demo.record import DemoRecord
from hf_assets.demo.steps import Step
from hf_assets.runner.process import Launch

SERVICES = running.Services("http://hub", "http://questions", "http://datasets")


def test_the_first_day_is_a_setting_of_every_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ASSETS_FIRST_DAY", "2025-01-01")
    monkeypatch.setenv("HF_ASSETS_CORPORA", "/of/a/person.toml")
    monkeypatch.setenv("HF_TOKEN", "secret")
    environ = running.environment(tmp_path, SERVICES, "2026-09-21")
    assert environ["HF_ASSETS_FIRST_DAY"] == "2026-09-21"
    assert environ["HF_ENDPOINT"] == "http://hub"
    assert not {"HF_TOKEN", "HF_ASSETS_CORPORA"} & environ.keys()
    assert "secret" not in json.dumps(environ)


def test_questions_are_the_same_whenever_a_demo_begins() -> None:
    first, later = (running.questions_from(day, 600) for day in ("2026-09-21", "2027-01-05"))
    texts = [(first.text(index), later.text(index)) for index in range(0, 700, 70)]
    assert all((a.id, a.title, a.body, a.tags) == (b.id, b.title, b.body, b.tags) for a, b in texts)
    assert len({b.created - a.created for a, b in texts}) == 1


@pytest.mark.parametrize("count", [60, 61])
def test_the_dump_ends_where_the_api_begins(tmp_path: Path, count: int) -> None:
    day = "2026-09-21"
    texts = running.questions_from(day, count)
    running.write_inputs(tmp_path, day, count, 30, texts)
    dumped = read_posts(running.dump_of(tmp_path), running.SITE)
    rows = [row for frame in dumped.frames for row in frame.to_dicts()]
    assert len(rows) == count
    api = GeneratedQuestions(site=running.SITE, texts=texts)
    begin = int(dt.datetime(2026, 9, 21, tzinfo=dt.UTC).timestamp())
    items = api.items(running.SITE, begin, begin + 86_399, 0, 100)
    assert len(items) == running.QUESTIONS_A_DAY
    ids = [int(str(row["id"]).rsplit(":", 1)[-1]) for row in rows]
    assert max(ids) + 4 == items[0]["question_id"]
    assert max(row["created_at"] for row in rows).date() == dt.date(2026, 9, 20)


def test_every_label_of_the_demos_questions_is_in_train_and_test() -> None:
    texts = running.questions_from("2026-09-21", 360)
    tags: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for index in range(360):
        text = texts.text(index)
        tags[split_of(f"{running.SITE}:{text.id}")] |= {*text.tags}
    wanted = {topic.tag for topic in QUESTION_TOPICS[: running.QUESTION_TOPICS]}
    assert tags["train"] == tags["test"] == wanted


def test_a_file_that_is_removed_during_a_run_is_missing_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = ("models/day=2026-11-20", "models/day=2026-11-21")
    for unit in (before, now):
        (tmp_path / unit).mkdir(parents=True)
        (tmp_path / unit / "data.parquet").write_text(unit)
    record = DemoRecord(begun="2026-11-21", first_day="2026-11-20", texts_from="2026-11-20")
    record.note(tmp_path, {before: "of", now: "of"})
    ready = Plan(tmp_path, record, Past(dt.date(2026, 11, 21), 1))
    step = Step("days", {unit: {unit: "of"} for unit in (before, now)}, lambda *_: Launch())

    def removed(*_: object) -> int:
        (tmp_path / before / "data.parquet").unlink()
        return 0

    monkeypatch.setattr(running.progress, "run", removed)
    assert running.Runs(ready, {}).build(step, [now]) == 0
    assert step.missing(record, tmp_path) == [before]
