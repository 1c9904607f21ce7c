"""Meta Kaggle's tables, generated: the datasets of `texts` as the CSV files that Kaggle publishes.

Descriptions hold line breaks, quotes and commas, datasets have several versions, and every oddity
in `INVALID_ROWS` can be asked for.
"""

import csv
import io
import random
import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from hf_assets.demo.labels.subjects import DATASET_TOPICS
from hf_assets.demo.labels.texts import GeneratedText, generated_datasets

LICENSES = (
    "CC0: Public Domain", "CC BY-SA 4.0", "Unknown", "Other (specified in description)",
    "Attribution 4.0 International (CC BY 4.0)", "Apache 2.0", "MIT",
)  # fmt: skip

# What can be wrong with one dataset's rows.
INVALID_ROWS = (
    "too few fields", "too many fields", "open quote", "not UTF-8", "unknown date", "ISO date",
    "no current version", "version not there", "version of another dataset", "version twice",
    "unknown tag", "tag twice", "dataset twice", "other type",
)  # fmt: skip

TAG_IDS = {topic.tag: 11_000 + number for number, topic in enumerate(DATASET_TOPICS)}
_DATASETS = (
    "Id", "CreatorUserId", "OwnerUserId", "OwnerOrganizationId", "CurrentDatasetVersionId",
    "ForumId", "Type", "CreationDate", "LastActivityDate", "TotalViews", "TotalDownloads",
    "TotalVotes", "TotalKernels", "Medal",
)  # fmt: skip
_VERSIONS = (
    "Id", "DatasetId", "DatasourceVersionId", "CreatorUserId", "LicenseName", "CreationDate",
    "VersionNumber", "Title", "Slug", "Subtitle", "Description", "VersionNotes",
    "TotalCompressedBytes", "TotalUncompressedBytes",
)  # fmt: skip
_TAGS = (
    "Id", "ParentTagId", "Name", "Slug", "FullPath", "Description", "DatasetCount",
    "CompetitionCount", "KernelCount",
)  # fmt: skip


def slug(text: GeneratedText) -> str:
    """The last part of the dataset's address."""
    words = re.sub(r"[^a-z0-9]+", "-", text.title.lower()).strip("-")
    return f"{words[:40].strip('-') or 'dataset'}-{text.id}"


def owner(text: GeneratedText) -> str:
    """The user's name in addresses."""
    return f"user{text.author_id}"


def license_name(text: GeneratedText) -> str:
    """The licence its owner chose."""
    return LICENSES[text.id % len(LICENSES)]


def versions(text: GeneratedText) -> int:
    """How many versions there are: one to four."""
    return random.Random(f"versions {text.id}").choices((1, 2, 3, 4), (6, 2, 1, 1))[0]


def write_tables(
    folder: Path, count: int, seed: int = 0, odd: Collection[str] = (), *, owners: bool = False
) -> dict[str, str]:
    """Write the four tables of `count` datasets into `folder`.

    The title of an earlier version ends with its number.

    Args:
        folder: is made if need be.
        count: more than there are oddities.
        seed: of the texts.
        odd: some of INVALID_ROWS.
        owners: write Users.csv and Organizations.csv, too; every tenth dataset is then an
            organisation's.

    Returns:
        For each oddity the id of the dataset it has struck, `kaggle:<number>`.
    """
    if unknown := set(odd) - set(INVALID_ROWS):
        raise ValueError(f"no oddity is called {unknown}; there are {', '.join(INVALID_ROWS)}")
    folder.mkdir(parents=True, exist_ok=True)
    struck: dict[int, str] = {}
    wanted = [one for one in INVALID_ROWS if one in odd]
    users: dict[int, str] = {}
    with (
        (folder / "Datasets.csv").open("wb") as datasets,
        (folder / "DatasetVersions.csv").open("wb") as history,
        (folder / "DatasetTags.csv").open("wb") as tagged,
    ):
        datasets.write(_line(_DATASETS))
        history.write(_line(_VERSIONS))
        tagged.write(_line(("Id", "DatasetId", "TagId")))
        for index, text in enumerate(generated_datasets(count, seed)):
            what = wanted[index - 1] if 0 < index <= len(wanted) else ""
            struck[text.id] = what
            datasets.write(_dataset_row(text, what, owners and index % 10 == 0))
            history.write(b"".join(_version_rows(text, what)))
            tagged.write(b"".join(_tag_rows(text, what)))
            users[text.author_id] = text.author
    tags = (
        (number, "", tag, tag.replace(" ", "-"), f"subject > {tag}", f"About {tag}.", 9, 9, 9)
        for tag, number in TAG_IDS.items()
    )
    (folder / "Tags.csv").write_bytes(_lines(_TAGS, tags))
    if owners:
        names = ((number, f"user{number}", name) for number, name in sorted(users.items()))
        (folder / "Users.csv").write_bytes(_lines(("Id", "UserName", "DisplayName"), names))
        organisation = [(77, "The Example Society", "example-society")]
        (folder / "Organizations.csv").write_bytes(_lines(("Id", "Name", "Slug"), organisation))
    return {what: f"kaggle:{dataset}" for dataset, what in struck.items() if what}


def _version_id(text: GeneratedText, number: int) -> int:
    return text.id * 10 + number


def _dataset_row(text: GeneratedText, odd: str, organisation: bool) -> bytes:
    created = _american(text.created)
    created = {"unknown date": "31.12.2021", "ISO date": f"{text.created:%Y-%m-%dT%H:%M:%SZ}"}.get(
        odd, created
    )
    current = {"no current version": "", "version not there": _version_id(text, 9)}.get(
        odd, _version_id(text, versions(text))
    )
    values: list[object] = [
        text.id, text.author_id, "" if organisation else text.author_id,
        77 if organisation else "", current, text.id + 5, 9 if odd == "other type" else 2,
        created, created[:10], 10, 5, 1, 0, "",
    ]  # fmt: skip
    row = _line(values)
    return row * 2 if odd == "dataset twice" else row


def _version_rows(text: GeneratedText, odd: str) -> Iterable[bytes]:
    last = versions(text)
    for number in range(1, last + 1):
        current = number == last
        values: list[object] = [
            _version_id(text, number), text.id, text.id + 3, text.author_id, license_name(text),
            _american(text.created + timedelta(days=number - 1)), number,
            text.title if current else f"{text.title} {number}", slug(text), text.subtitle,
            text.body, "Initial release" if number == 1 else 'Some "fixes"', 1000, 4000,
        ]  # fmt: skip
        if not current or not odd:
            yield _line(values)
        elif odd == "version of another dataset":
            yield _line([values[0], text.id + 1, *values[2:]])
        elif odd == "too few fields":
            yield _line(values[:5] + values[6:])
        elif odd == "too many fields":
            yield _line([*values[:5], "shifted", *values[5:]])
        elif odd == "not UTF-8":
            yield _line(values).replace(b",Initial", b",\xe9\xe8Initial").replace(b"Some", b"\xff")
        elif odd == "open quote":
            # As a writer that does not double the quotes inside would leave it.
            head, tail = _line(values[:9]).rstrip(b"\r\n"), _line(values[10:])
            yield head + b',"a "bad" subtitle",' + tail
        else:
            yield _line(values) * (2 if odd == "version twice" else 1)


def _tag_rows(text: GeneratedText, odd: str) -> Iterable[bytes]:
    tags = [TAG_IDS[tag] for tag in text.tags]
    tags += [99_999] * (odd == "unknown tag") + tags[:1] * (odd == "tag twice")
    for number, tag in enumerate(tags):
        yield _line((text.id * 10 + number, text.id, tag))


def _american(moment: datetime) -> str:
    return f"{moment:%m/%d/%Y %H:%M:%S}"


def _line(values: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue().encode()


def _lines(header: Iterable[object], rows: Iterable[Iterable[object]]) -> bytes:
    return b"".join([_line(header), *map(_line, rows)])
