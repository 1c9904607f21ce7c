"""The texts of a repository: what the Hub and Frictionless read of them, and hostile ids."""

import json
import re

import polars as pl
import pytest
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hf_assets.demo.repositories.card_rules import card_errors
from hf_assets.publishing.card import Contents, documents
from hf_assets.publishing.datapackage import data_package, field_type
from hf_assets.publishing.parts import FileFacts
from hf_assets.publishing.tables import portable_schema, publishable
from hf_assets_tests.support.publishing import ABOUT, HOSTILE

FACTS = FileFacts(mark=(1, 1), size=2_000_000, sha256="a", blob="b", rows=700_000)
FILES = {
    "daily_metrics": {"2026-11-01": FACTS, "2026-11-02": FACTS},
    "models": {"2026-11-02": FACTS},
    "day_quality": {"all": FACTS},
}


def contents(ids: list[str], license: str = "other") -> Contents:
    metrics = pl.LazyFrame(
        {
            "dimension": ["model"] * len(ids),
            "key": ids,
            "rank": list(range(len(ids))),
            "downloads": [5] * len(ids),
        },
        schema={"dimension": pl.String, "key": pl.String, "rank": pl.Int32, "downloads": pl.Int64},
    )
    tables = [publishable()[name] for name in FILES]
    figures = ["figures/downloads_by_day.png"]
    return Contents("acme/x", license, ABOUT, tables, FILES, figures, metrics, {"acme/secret"})


def test_the_front_matter_has_a_config_for_each_table() -> None:
    card = DatasetCard(documents(contents(["a/b"]))["README.md"])
    data = card.data.to_dict()
    assert {one["config_name"]: one["data_files"] for one in data["configs"]} == {
        name: [{"split": "train", "path": f"data/{name}/*.parquet"}] for name in FILES
    }
    assert [one["config_name"] for one in data["configs"] if one.get("default")] == [
        "daily_metrics"
    ]
    assert data["size_categories"] == ["1M<n<10M"]
    assert data["pretty_name"] == "The Hugging Face Hub, day by day"
    assert (data["license"], data["license_link"]) == ("other", "LICENSE.md")
    assert card_errors(str(card)) == ([], [])


def test_a_licence_is_granted_only_if_a_person_says_so() -> None:
    none = documents(contents([]))
    assert "grants no licence and claims no right" in none["LICENSE.md"]
    given = documents(contents([], "cc0-1.0"))
    assert DatasetCard(given["README.md"]).data.to_dict()["license"] == "cc0-1.0"
    assert "under cc0-1.0" in given["LICENSE.md"]
    for texts in (none, given):
        assert "Attribution: the Hugging Face Hub" in texts["LICENSE.md"]


@settings(max_examples=25)
@given(st.text(max_size=60))
def test_an_id_is_never_markup(text: str) -> None:
    card = documents(contents([text, HOSTILE, "acme/secret", "a/b"]))["README.md"]
    assert "acme/secret" not in card
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(card.split("---", 2)[2])
    table = html[html.index("Most downloaded") : html.index("</table>")]
    rows = re.findall(r"<tr>\s*<td.*?>(.*?)</td>", table, re.DOTALL)
    assert len(rows) == 3
    assert not any("<" in row for row in rows)
    assert rows[-1] == "a/b"


def test_columns_and_spans_are_in_the_card() -> None:
    card = documents(contents(["a/b"]))["README.md"]
    assert "2026-11-01 to 2026-11-02" in card
    assert "The day as sums \\| with a bar." in card
    assert "![downloads by day](figures/downloads&#95;by" not in card
    assert "![downloads by day](figures/downloads_by_day.png)" in card
    for table in contents([]).tables:
        for name in table.columns:
            assert f"| `{name}` |" in card
    assert "$" not in re.sub(r"&#36;", "", card)


# --- the data package ----------------------------------------------------------------------------

# The types of the Table Schema (https://datapackage.org/standard/table-schema/).
TYPES = {
    *("string", "number", "integer", "boolean", "object", "array", "list", "datetime", "date"),
    *("time", "year", "yearmonth", "duration", "geopoint", "geojson", "any"),
}


def package_errors(package: dict) -> list[str]:
    """What the rules of the Data Package standard say, version 2, as far as we use it."""
    wrong = []
    if not re.fullmatch(r"[a-z0-9._-]+", package["name"]):
        wrong.append("name")
    if not package["resources"]:
        wrong.append("no resource")
    names = [one["name"] for one in package["resources"]]
    if len(names) != len(set(names)):
        wrong.append("two resources of a name")
    for licence in package["licenses"]:
        if not {"name", "path"} & set(licence):
            wrong.append("a licence without name and path")
    for source in package["sources"]:
        if not source.get("title"):
            wrong.append("a source without title")
    for one in package["resources"]:
        paths = one["path"] if isinstance(one["path"], list) else [one["path"]]
        if not paths or any(path.startswith(("/", "..")) or "\\" in path for path in paths):
            wrong.append(f"path of {one['name']}")
        fields = one["schema"]["fields"]
        if len({field["name"] for field in fields}) != len(fields):
            wrong.append(f"fields of {one['name']}")
        wrong += [field["name"] for field in fields if field["type"] not in TYPES]
    return wrong


def test_the_data_package_follows_the_standard() -> None:
    package = json.loads(documents(contents([]))["datapackage.json"])
    assert package_errors(package) == []
    assert package_errors({**package, "name": "A b"}) == ["name"]
    (metrics, models, quality) = package["resources"]
    assert metrics["path"] == [f"data/daily_metrics/2026-11-0{day}.parquet" for day in (1, 2)]
    assert (models["path"], quality["path"]) == (
        *("data/models/2026-11-02.parquet", "data/day_quality/all.parquet"),
    )
    types = {field["name"]: field["type"] for field in models["schema"]["fields"]}
    assert types["tags"] == types["base_models"] == "array"
    assert (types["created_at"], types["day"], types["gated"]) == ("datetime", "date", "string")
    required = {field["name"] for field in models["schema"]["fields"] if "constraints" in field}
    assert required == {"id", "hub_id"}


@pytest.mark.parametrize("name", publishable())
def test_every_table_can_be_described(name: str) -> None:
    table = publishable()[name]
    package = data_package("acme/x", "other", {}, [table], {name: {"all": FACTS}})
    assert package_errors(package) == []
    assert portable_schema(name).names == list(table.columns)
    assert not any("large" in str(field.type) for field in portable_schema(name))
    assert {field_type(one.dtype) for one in table.columns.values()} <= TYPES
