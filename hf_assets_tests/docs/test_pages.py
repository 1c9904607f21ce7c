"""The README stays short, links lead somewhere, generated pages are current, terms are kept."""

import re
import runpy
import tomllib
from urllib.parse import unquote

import dagster as dg
import pytest

from hf_assets.settings import Settings
from hf_assets_tests.docs.documents import GENERATED, PROJECT, Page, page, pages, retired_words

# Bytes. A newcomer reads one screen after another; the rest is in docs/.
LONGEST_README = 8_000
LARGEST_PICTURE = 300_000
LINK = re.compile(r"\]\(([^)\s]+)\)")
DOCS, CHANGES = page("docs/README.md"), page("CHANGELOG.md")
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
# Added by HF_ASSETS_SAMPLE_SPACES.
ON_REQUEST = {
    "base_models_valid",
    "copies_complete",
    "entries_valid",
    "sample_agrees",
    "store_answers",
}
# Variables that other packages, or the tests, read.
FOREIGN = {"HF_TOKEN", "HF_ENDPOINT", "KAGGLE_API_TOKEN", "HF_ASSETS_REAL_DATA"}


def links(of: Page) -> list[str]:
    """Links and pictures of a page that stay in the project."""
    return [unquote(link) for link in LINK.findall(of.text) if "://" not in link]


def test_the_readme_is_short() -> None:
    assert len(page("README.md").text.encode()) <= LONGEST_README


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        if anchor:
            assert anchor in Page(target).anchors, link


def test_the_index_has_every_page() -> None:
    listed = {(DOCS.path.parent / link).resolve() for link in links(DOCS)}
    assert {one.path for one in pages() if one.path.parent == DOCS.path.parent} - {DOCS.path} <= (
        listed
    )


def test_pictures_are_small_and_shown() -> None:
    shown = {(one.path.parent / link).resolve() for one in pages() for link in links(one)}
    pictures = set(PROJECT.glob("docs/*.png"))
    assert pictures <= shown
    assert {path.name for path in pictures if path.stat().st_size > LARGEST_PICTURE} == set()


def test_the_changelog_has_the_version() -> None:
    newest = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", CHANGES.text, re.MULTILINE)
    assert newest[0] == VERSION
    kinds = set(re.findall(r"^### (.+)$", CHANGES.text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_generated_pages_are_current(definitions: dg.Definitions) -> None:
    """`make docs` writes them again."""
    generator = runpy.run_path(str(PROJECT / "docs" / "generate_tables.py"))
    written = generator["pages"](definitions)
    assert set(written) == set(GENERATED)
    for name, text in written.items():
        assert page(f"docs/{name}").text == text


# --- names ---------------------------------------------------------------------------------------


def test_every_variable_is_documented_with_its_default() -> None:
    rows = page("docs/settings.md").table("Environment variables")
    defaults = {name.strip("`"): default.strip("`") for name, default, _ in rows}
    known = {f"HF_ASSETS_{name.upper()}": field for name, field in Settings.model_fields.items()}
    endpoints = {name for name in known if name.endswith("_ENDPOINT")}
    assert set(defaults) == (set(known) - endpoints) | FOREIGN
    text = page("docs/settings.md").text
    assert all(f"`{name}` ({known[name].default})" in text for name in endpoints)
    for name in set(defaults) & set(known) - {"HF_ASSETS_DATA"}:
        default = known[name].default
        if known[name].default_factory:
            assert f"Default: {defaults[name]}." in str(known[name].description)
            continue
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        assert defaults[name].lower() == shown.lower()


def test_every_check_that_is_named_is_there(definitions: dg.Definitions) -> None:
    known = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    checks = re.compile(r"(?<!\*)\*([a-z0-9]+_\w+)\*(?!\*)")
    named = {name for one in pages() for name in checks.findall(one.text)}
    assert len(named) > 20
    assert named - known - ON_REQUEST == set()


def test_every_asset_is_on_a_page(definitions: dg.Definitions) -> None:
    text = "".join(one.text for one in pages() if one.path.name not in GENERATED)
    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    assert {key.path[-1] for key in keys if f"`{key.path[-1]}`" not in text} == set()


def test_every_schedule_is_documented_as_it_is_set(definitions: dg.Definitions) -> None:
    rows = page("docs/every-night.md").table("4. Every night")
    documented = {name: state for names, state, _ in rows for name in re.findall("`(.+?)`", names)}
    on = {dg.DefaultScheduleStatus.RUNNING: "on", dg.DefaultSensorStatus.RUNNING: "on"}
    assert documented == {
        one.name: on.get(one.default_status, "off")
        for one in (*(definitions.schedules or ()), *(definitions.sensors or ()))
        if isinstance(one, dg.ScheduleDefinition | dg.SensorDefinition)
    }


# --- terms ---------------------------------------------------------------------------------------


def test_the_glossary_retires_words_with_something_instead() -> None:
    texts, names = dict(retired_words("texts")), dict(retired_words("names"))
    assert {
        *("anew", "judged", "told", "tells of", "nulled", "doubled rows", "oddities", "odd values"),
        *("beside the last", "day that is whole", "is whole", "brought up", "spread"),
        "says of itself",
    } <= set(texts)
    assert "needs" in names
    assert all((texts | names).values())


WRITTEN = [one for one in pages() if one.path.name not in ("glossary.md", *GENERATED)]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_pages_use_no_retired_word(page: Page) -> None:
    prose = " ".join(page.prose.split())
    found = [word for word, _ in retired_words("texts") if re.search(rf"(?i)\b{word}\b", prose)]
    assert found == []
