"""Whose texts a model learnt from: attribution, examples, licences."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from hf_assets.classifiers.evaluation.results import Leaderboard
from hf_assets.classifiers.publishing import notices
from hf_assets.classifiers.publishing.space import write_space
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets_tests.support.classifiers.artefacts import make_corpus
from hf_assets_tests.support.classifiers.published import front


def test_every_text_is_attributed(space: Path, corpus: Corpus) -> None:
    packed = (space / "model" / notices.ATTRIBUTION).read_bytes()
    rows = list(csv.DictReader(gzip.decompress(packed).decode().splitlines()))
    assert [row["id"] for row in rows] == sorted(corpus.frame["id"])
    first = corpus.frame.filter(id=rows[0]["id"]).to_dicts()[0]
    assert rows[0] == {name: first[name] for name in rows[0]}
    told = (space / "model" / "NOTICE").read_text("utf-8")
    assert told == (space / "NOTICE").read_text("utf-8")
    assert "266  CC BY-SA 4.0" in told
    assert "creativecommons.org/licenses/by-sa" in told
    again = json.loads((space / "examples.json").read_text("utf-8"))
    assert again
    assert all(one["link"] and one["author"] and one["license"] for one in again)
    links = {one["license"]: one["license_link"] for one in again}
    for version in ("3.0", "4.0"):
        wanted = f"https://creativecommons.org/licenses/by-sa/{version}/"
        assert links.get(f"CC BY-SA {version}", wanted) == wanted


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"license": None}, False),
        ({"license": " "}, False),
        ({"license": "CC BY-SA 4.0", "link": None, "author": None}, False),
        ({"license": "Attribution 4.0 International", "link": None, "author": None}, False),
        ({"license": "CC BY-SA 4.0", "link": None}, True),
        ({"license": "CC BY-SA 4.0", "author": None}, True),
        ({"license": "CC0-1.0", "link": None, "author": None}, True),
    ],
)
def test_only_what_may_be_shown_is_an_example(
    tmp_path: Path, given: dict[str, str | None], shown: bool
) -> None:
    corpus = make_corpus(tmp_path)
    columns = {name: pl.lit(value, pl.String) for name, value in given.items()}
    corpus.frame.with_columns(**columns).write_parquet(tmp_path / "corpus.parquet")
    assert bool(notices.examples(open_corpus(tmp_path))) == shown


@pytest.mark.parametrize(
    ("licence", "link"),
    [
        ("CC BY-SA 2.5", "licenses/by-sa/2.5/"),
        ("cc-by-4.0", "licenses/by/4.0/"),
        ("CC BY-NC-SA 4.0", "licenses/by-nc-sa/4.0/"),
        ("CC0: Public Domain", "publicdomain/zero/1.0/"),
        ("MIT", None),
        ("CC BY-SA 4.0/../..", None),
    ],
)
def test_where_a_licence_can_be_read(licence: str, link: str | None) -> None:
    found = notices.licence_link(licence)
    assert found == (link and f"https://creativecommons.org/{link}")


def with_licences(folder: Path, licences: list[str | None]) -> Corpus:
    corpus = make_corpus(folder)
    given = pl.Series("license", licences * 400, pl.String).head(400)
    corpus.frame.with_columns(given).write_parquet(folder / "corpus.parquet")
    return open_corpus(folder)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["CC BY-SA 2.5", "CC BY-SA 4.0"], "cc-by-sa-4.0"),
        (["CC0: Public Domain"], "cc0-1.0"),
        (["CC0-1.0"], "cc0-1.0"),
        (["Apache 2.0"], "apache-2.0"),
        (["MIT"], "mit"),
        (["CC BY-SA 4.0", None], "other"),
        (["MIT", "CC BY-SA 4.0"], "other"),
        (["CC BY-NC-SA 4.0"], "other"),
        ([None], "other"),
    ],
)
def test_the_hub_s_name_of_a_licence(
    tmp_path: Path, given: list[str | None], expected: str
) -> None:
    assert notices.hub_licence(with_licences(tmp_path, given)) == expected


def test_an_unknown_licence_points_to_the_notice(
    tmp_path: Path, trained: Path, board: Leaderboard, corpus: Corpus
) -> None:
    other = corpus.frame.with_columns(license=pl.lit("My | own\n<b>terms</b>"))
    folder = shutil.copytree(corpus.folder, tmp_path / "corpus")
    other.write_parquet(folder / "corpus.parquet")
    write_space(tmp_path / "out", open_corpus(folder), trained / "quantized", board)
    data = front(tmp_path / "out" / "model" / "README.md")
    assert (data["license"], data["license_name"]) == ("other", "see-notice")
    # The Hub looks for no other file.
    assert data["license_link"] == "LICENSE"
    for side in (tmp_path / "out", tmp_path / "out" / "model"):
        assert (side / "LICENSE").read_bytes() == (side / "NOTICE").read_bytes()
    text = (tmp_path / "out" / "model" / "README.md").read_text("utf-8")
    assert "| My &#124; own &#60;b&#62;terms&#60;/b&#62; | 400 |" in text
    told = (tmp_path / "out" / "model" / "NOTICE").read_text("utf-8")
    assert "My | own <b>terms</b>" in told
    assert "BY-SA" not in told


def test_texts_of_nobody_need_no_attribution(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus")
    none = [pl.lit(None, pl.String).alias(c) for c in ("link", "author", "author_link", "license")]
    corpus.frame.with_columns(none).write_parquet(tmp_path / "corpus" / "corpus.parquet")
    assert notices.write_notice(tmp_path, open_corpus(tmp_path / "corpus"), "") == 0
    assert not (tmp_path / notices.ATTRIBUTION).exists()
    assert "neither links nor authors" in (tmp_path / "NOTICE").read_text("utf-8")


def test_the_same_texts_give_the_same_bytes(
    tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, now in (("one", 1e9), ("two", 2e9)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr("time.time", lambda now=now: now)
        notices.write_notice(tmp_path / name, corpus)
    one, two = (tmp_path / name / notices.ATTRIBUTION for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
