"""Sites by name, the site of a dump, and the licence of a post."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hf_assets.corpora.stackexchange.dumps import DumpError, read_posts
from hf_assets.corpora.stackexchange.sites import NoSite, Site, licence_of, site_of
from hf_assets_tests.support.corpora.dumps import packed, read, row


@pytest.mark.parametrize(
    ("given", "host", "name"),
    [
        ("ai", "ai.stackexchange.com", "ai"),
        ("https://AI.stackexchange.com/", "ai.stackexchange.com", "ai"),
        ("stackoverflow", "stackoverflow.com", "stackoverflow"),
        ("stackoverflow.com", "stackoverflow.com", "stackoverflow"),
        ("es.stackoverflow", "es.stackoverflow.com", "es.stackoverflow"),
        ("meta.stackoverflow.com", "meta.stackoverflow.com", "meta.stackoverflow"),
        ("superuser.meta", "meta.superuser.com", "meta.superuser"),
        ("serverfault", "serverfault.com", "serverfault"),
        ("askubuntu", "askubuntu.com", "askubuntu"),
        ("stackapps", "stackapps.com", "stackapps"),
        ("mathoverflow.net", "mathoverflow.net", "mathoverflow.net"),
        ("mathoverflow", "mathoverflow.net", "mathoverflow.net"),
        ("meta.mathoverflow.net", "meta.mathoverflow.net", "meta.mathoverflow.net"),
        ("meta.datascience", "datascience.meta.stackexchange.com", "datascience.meta"),
        ("datascience.meta", "datascience.meta.stackexchange.com", "datascience.meta"),
        ("datascience.meta.stackexchange.com", "datascience.meta.stackexchange.com",
         "datascience.meta"),
        ("meta", "meta.stackexchange.com", "meta"),
        ("meta.stackexchange.com", "meta.stackexchange.com", "meta"),
    ],
)  # fmt: skip
def test_sites(given: str, host: str, name: str) -> None:
    assert Site.of(given) == Site(host, name)
    assert Site.of(host) == Site.of(name) == Site(host, name)


@pytest.mark.parametrize(
    "name",
    ["ai.stackexchange.com.7z", "ai.stackexchange.com/Posts.xml", "ai.stackexchange.com-Posts.7z"],
)
def test_a_dump_of_another_site_takes_no_ids_of_this_one(
    tmp_path: Path, dump: Path, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith(".7z"):
        packed(path, Posts=dump)
    else:
        path.write_bytes(dump.read_bytes())
    with pytest.raises(DumpError) as failed:
        read_posts(path, "meta.ai")
    said = str(failed.value)
    assert f"{path} is named after ai.stackexchange.com" in said
    assert "to be read as ai.meta.stackexchange.com" in said
    assert "HF_ASSETS_STACKEXCHANGE_SITE" in said
    assert read(path, "ai")[0]["id"].str.starts_with("stackexchange:ai:").all()


def test_a_name_that_is_no_sites_says_nothing(tmp_path: Path, dump: Path) -> None:
    (tmp_path / "example.com").mkdir()
    for name in ("example.com/Posts.xml", "ai-Posts-2016.xml", "com.xml"):
        path = tmp_path / name
        path.write_bytes(dump.read_bytes())
        assert read(path, "datascience")[0].height


def test_a_question_says_its_site() -> None:
    for name in ("ai", "ai.meta", "mathoverflow.net"):
        asked = Site.of(name)
        found = asked.row(7, title="", body="", tags=[], user=None, user_name=None, licence=None,
                          created=None)["id"]  # fmt: skip
        assert found == f"{asked.prefix}7"
        assert site_of(found) == asked.name
    assert site_of("kaggle:7") is None


@pytest.mark.parametrize("given", ["", "a/b", "x@y", "a..b", "-", "example.com", "a b", "ai?x=1"])
def test_no_sites(given: str) -> None:
    with pytest.raises(NoSite, match="site") as failed:
        Site.of(given)
    assert failed.value.permanent
    assert isinstance(failed.value, ValueError)  # what pydantic and callers catch


@pytest.mark.parametrize(
    ("moment", "licence"),
    [
        (datetime(2011, 4, 7, 23, 59, 59, tzinfo=UTC), "CC BY-SA 2.5"),
        (datetime(2011, 4, 8, tzinfo=UTC), "CC BY-SA 3.0"),
        (datetime(2018, 5, 1, 23, 59, 59, tzinfo=UTC), "CC BY-SA 3.0"),
        (datetime(2018, 5, 2, tzinfo=UTC), "CC BY-SA 4.0"),
        (None, None),
    ],
)
def test_the_licence_of_a_day(moment: datetime | None, licence: str | None) -> None:
    assert licence_of(moment) == licence


def test_the_licence_that_a_post_names_counts(posts) -> None:
    frame, _ = read(posts(row(ContentLicense="CC BY-SA 2.5")))
    assert frame["license"].to_list() == ["CC BY-SA 2.5"]
