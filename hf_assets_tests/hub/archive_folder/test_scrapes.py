"""Scrapes as they were found: numpy prints, repeated headers, marks, broken neighbours."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets_tests.support.hub.scrape_formats import AT, CSV, JSON, JSONL, as_csv, every_format
from hf_assets_tests.support.hub.scrapes import DAY, read, scrape


def test_lists_as_numpy_prints_them(tmp_path: Path) -> None:
    text = (
        "_id,id,author,downloads,likes,tags,pipeline_tag,createdAt\n"
        "aa01,ada/one,ada,5000,3,['transformers' 'license:mit' 'base_model:finetune:ada/two'],"
        "text-generation,2024-01-01T00:00:00.000Z\n"
        "aa02,ada/two,ada,900,1,\"['transformers' 'license:apache-2.0' 'text-generation' 'en'\n"
        " 'region:us']\",text-generation,2024-01-02T00:00:00.000Z\n"
    )
    found = scrape(tmp_path, CSV, text)
    assert found.column("tags") == [
        ["transformers", "license:mit", "base_model:finetune:ada/two"],
        ["transformers", "license:apache-2.0", "text-generation", "en", "region:us"],
    ]
    assert found.odd == []


def test_cells_that_no_list_can_be_read_from_are_named_and_cost_nothing_else(
    tmp_path: Path,
) -> None:
    text = (
        "id,downloads,tags,createdAt\n"
        f"ada/one,5,\"{{'a', 'b'}}\",{AT}\n"
        f"ada/two,6,\"['a', 'b', ...]\",{AT}\n"
        f"ada/three,7,\"[b'a']\",{AT}\n"
    )
    found = scrape(tmp_path, CSV, text)
    (tmp_path / "models_2025-06-02.csv").write_text("id,tags\nada/one,\"['a']\"\n")
    assert found.column("id") == ["ada/one", "ada/two", "ada/three"]
    assert found.column("downloads") == [5, 6, 7]
    assert found.column("tags") == [None] * 3
    assert found.named == [(0, "tags"), (1, "tags"), (2, "tags")]
    assert found.odd[1].value == "\"['a', 'b', ...]\""
    assert "tags" not in found.day.seen
    assert found.day.unread == {
        "tags": "none of its 3 values is what the Hub serves: \"{'a', 'b'}\""
    }
    assert read(tmp_path, day="2025-06-02").column("tags") == [["a"]]


def test_counters_that_became_floats(tmp_path: Path) -> None:
    rows = [
        {"id": "ada/one", "downloads": 5000.0, "likes": 3.0, "createdAt": AT},
        {"id": "ada/two", "downloads": None, "likes": 4.0, "createdAt": AT},
    ]
    for found in every_format(tmp_path, rows):
        assert found.column("downloads") == [5000, None]
        assert found.column("likes") == [3, 4]
        assert found.odd == []
        assert {"downloads", "likes"} <= found.day.seen


def test_names_of_the_official_client(tmp_path: Path) -> None:
    text = (
        ",id,author,last_modified,created_at,private,gated,downloads,downloads_all_time,likes,"
        "library_name,tags,pipeline_tag,trending_score,safetensors\n"
        "0,ada/one,ada,2025-05-03 02:24:43+00:00,2024-01-03 02:24:41+00:00,False,False,46600,63019,"
        "165,transformers,\"['transformers', 'license:mit']\",text-generation,50,"
        "\"SafeTensorsInfo(parameters={'F16': 1551120640}, total=1551120640)\"\n"
        "1,ada/two,ada,2025-05-03 02:24:43+00:00,2024-02-03 02:24:41+00:00,False,auto,600,7019,16,"
        "transformers,['transformers'],,5,\n"
    )
    found = scrape(tmp_path, CSV, text)
    assert found.odd == []
    assert found.day.unread == {}
    one, two = found.rows
    assert one["createdAt"] == "2024-01-03T02:24:41Z"
    assert one["lastModified"] == "2025-05-03T02:24:43Z"
    assert (one["downloadsAllTime"], one["trendingScore"]) == (63019, 50.0)
    assert one["safetensors"] == {"total": 1551120640}
    assert (one["gated"], two["gated"]) == ("false", "auto")
    assert two["safetensors"] is None


def test_a_header_that_was_appended_with_the_rows(tmp_path: Path) -> None:
    text = "id,downloads,likes\nada/one,5,1\nid,downloads,likes\nada/two,6,2\n"
    for content in (text, text.replace("\nid,", "\n\ufeffid,")):
        found = scrape(tmp_path, CSV, content)
        assert found.column("id") == ["ada/one", "ada/two"]
        assert found.column("likes") == [1, 2]
        assert found.day.facts["repeated_header_lines"] == 1
    many = text.replace("id,", "day,id,").replace("\nada", f"\n{DAY},ada")
    (tmp_path / CSV).unlink()
    assert scrape(tmp_path, "all.csv", many).column("id") == ["ada/one", "ada/two"]


@pytest.mark.parametrize("header", ["id,likes,downloads", "id,downloads,trendingScore"])
def test_another_header_in_the_midst_of_a_file_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(ArchiveError, match=rf"{CSV} .*line 3: another header"):
        scrape(tmp_path, CSV, f"id,downloads,likes\nada/one,5,1\n{header}\nada/two,6,2\n")


@pytest.mark.parametrize("name", [CSV, JSON, JSONL, f"{CSV}.gz", f"{JSON}.gz", f"{JSONL}.gz"])
def test_a_mark_of_byte_order_is_no_text(tmp_path: Path, name: str) -> None:
    row = '{"id": "ada/one", "downloads": 5}'
    text = {".csv": "id,downloads\nada/one,5\n", ".json": f"[{row}]", ".jsonl": row}
    body = b"\xef\xbb\xbf" + text[Path(name.removesuffix(".gz")).suffix].encode()
    found = scrape(tmp_path, name, gzip.compress(body) if name.endswith(".gz") else body)
    assert [(row["id"], row["downloads"]) for row in found.rows] == [("ada/one", 5)]


def test_json_lines_put_together_have_a_mark_each(tmp_path: Path) -> None:
    one = '\ufeff{"id": "ada/one"}\n'
    assert scrape(tmp_path, JSONL, one + one.replace("one", "two")).column("id") == [
        "ada/one",
        "ada/two",
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_json_lines_under_the_name_of_json(tmp_path: Path, count: int) -> None:
    lines = "".join(f'{{"id": "a/{n}", "likes": {n}.0}}\n' for n in range(count))
    assert scrape(tmp_path, JSON, lines).column("likes") == list(range(count))
    many = lines.replace("{", f'{{"day": "{DAY}", ')
    (tmp_path / JSON).unlink()
    if count > 1:
        assert scrape(tmp_path, "all.json", many).column("likes") == list(range(count))
        (tmp_path / "models_2025-06-02.json").write_text(lines.replace('1"', ""))
        with pytest.raises(ArchiveError, match=r"models_2025-06-02.json .*line 2: Expecting"):
            read(tmp_path, day="2025-06-02")


@pytest.mark.parametrize("name", [CSV, JSONL])
def test_utf_16_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="line 1: UTF-16: save it as UTF-8"):
        scrape(tmp_path, name, '{"id": "ada/one"}\n'.encode("utf-16"))


def test_a_broken_file_of_many_days_takes_no_other_with_it(tmp_path: Path) -> None:
    (tmp_path / CSV).write_text("id\na/x\n")
    (tmp_path / "all.csv").write_text("day,id\nyesterday,a/x\n")
    (tmp_path / "settings.json").write_text("{")
    folder = RecordedDays(tmp_path)
    assert folder.days() == {DAY}
    assert read(tmp_path).column("id") == ["a/x"]
    with pytest.raises(ArchiveError, match=r"all.csv cannot be read: line 2: no day in day") as no:
        folder.find("models", "2025-06-02")
    assert no.value.permanent
    assert sum("cannot be read" in one for one in folder.remarks(DAY)) == 2


def test_whatever_a_file_makes_its_reader_raise_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise TypeError("unhashable type: 'list'")

    monkeypatch.setattr("hf_assets.hub.archive.row_reader.RowReader.row", fails)
    for name in (CSV, JSON, JSONL):
        (tmp_path / name).unlink(missing_ok=True)
        text = "id\na/x\n" if name == CSV else '[{"id": "a/x"}]'
        with pytest.raises(ArchiveError, match=rf"{name} cannot be read: unhashable") as raised:
            scrape(tmp_path / name, name, text if name != JSONL else text[1:-1])
        assert raised.value.permanent


def test_a_number_of_thousands_of_digits_costs_its_value_alone(tmp_path: Path) -> None:
    found = scrape(tmp_path, JSON, f'[{{"id": "a/x", "likes": {"9" * 5000}, "downloads": 5}}]')
    assert found.column("downloads") == [5]
    assert found.named == [(0, "likes")]


def test_a_real_listing_through_numpys_prints(tmp_path: Path, real_data: Path) -> None:
    served = json.loads((real_data / "hub-models-2025-12" / "models.json").read_text())
    straight = scrape(tmp_path / "hub", JSON, json.dumps(served))
    printed = [row | {"tags": str(np.array(row["tags"], dtype=object))} for row in served]
    found = scrape(tmp_path / "csv", CSV, as_csv(printed))
    # numpy cuts the print of a list of more than a thousand short: one model of them all has more.
    long = [at for at, row in enumerate(served) if len(row["tags"]) > 1000]
    assert len(long) == 1
    assert found.named == [(at, "tags") for at in long]
    straight.rows[long[0]]["tags"] = None
    assert found.rows == straight.rows
