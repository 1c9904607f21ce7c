"""Answers about Spaces' files → the table of their code, in constant memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from hf_assets.hub.space_code.asking import answers_of
from hf_assets.hub.space_code.file_kinds import kind_of
from hf_assets.hub.space_code.records import CodeCounts
from hf_assets.hub.space_code.requirements import count_requirements
from hf_assets.hub.space_code.schemas import SPACE_CODE
from hf_assets.hub.space_code.trees import tree_entries
from hf_assets.storage.lake import StoredTable, TableWrite, iso

_KEPT = ("hub_id", "id", "last_modified", "asked", "reason", "packages_reason")
_UNKNOWN = dict.fromkeys(
    name for name in SPACE_CODE.columns if name not in {*_KEPT, "day", "models", "categories"}
)


def chosen_spaces(spaces: pl.LazyFrame, top_models: pl.LazyFrame) -> pl.DataFrame:
    """The Spaces that use a chosen model, most likes first.

    Returns:
        hub_id, id, last_modified; models, tags and categories: of the chosen models it uses.

    Args:
        spaces: that day's `enriched_spaces`.
        top_models: that day's `top_models`.
    """
    chosen = top_models.group_by("id").agg("tag", category=pl.col("category").first())
    pairs = (
        spaces.select("hub_id", model="models")
        .filter(pl.col("model").list.len() > 0)
        .explode("model")
        .join(chosen, left_on="model", right_on="id")
        .group_by("hub_id")
        .agg(
            models=pl.col("model").unique().sort(),
            tags=pl.col("tag").explode().drop_nulls().unique().sort(),
            categories=pl.col("category").drop_nulls().unique().sort(),
        )
    )
    found = spaces.select("hub_id", "id", "last_modified", "likes").join(pairs, on="hub_id")
    return (
        found.unique("hub_id", keep="first", maintain_order=True)
        .sort("likes", "id", descending=[True, False], nulls_last=True)
        .drop("likes")
        .collect()
    )


def space_code(
    answers: StoredTable, spaces: pl.LazyFrame | None, top_models: pl.LazyFrame | None, day: str
) -> TableWrite:
    """The `space_code` table of a day. Columns: `schemas.SPACE_CODE`.

    Args:
        answers: that day's `raw_space_trees`.
        spaces: that day's `enriched_spaces`; None where a recording has no listing.
        top_models: that day's `top_models`; None likewise.
        day: the partition key.
    """
    used: dict[str, dict[str, Any]] = {}
    if spaces is not None and top_models is not None:
        chosen = chosen_spaces(spaces, top_models)
        used = {row["hub_id"]: row for row in chosen.drop("id", "last_modified").to_dicts()}
    counts = CodeCounts()
    table = TableWrite((), provenance=answers.provenance, record=counts)
    table.frames = _frames(answers, used, counts, day)
    return table


def _frames(
    answers: StoredTable, used: dict[str, dict[str, Any]], counts: CodeCounts, day: str
) -> Iterator[pl.DataFrame]:
    schema = pl.Schema({name: kind for name, kind in SPACE_CODE.schema.items() if name != "day"})
    reasons, packages = Counter[str](), Counter[str]()
    for frame in answers_of(answers):
        rows = [_row(one, used.get(one["hub_id"])) for one in frame.iter_rows(named=True)]
        counts.rows += len(rows)
        counts.known += sum(row["reason"] is None for row in rows)
        reasons.update(row["reason"] for row in rows if row["reason"])
        packages.update(row["packages_reason"] for row in rows if row["packages_reason"])
        counts.reasons, counts.packages_reasons = (
            dict(each.most_common()) for each in (reasons, packages)
        )
        yield pl.DataFrame(rows, schema=schema, orient="row").with_columns(day=pl.lit(iso(day)))


def _row(answer: dict[str, Any], used: dict[str, Any] | None) -> dict[str, Any]:
    row = {name: answer[name] for name in _KEPT} | _UNKNOWN
    row |= {name: used[name] if used else None for name in ("models", "tags", "categories")}
    if used is None:
        row["tags"] = answer["tags"]
    if answer["pages"]:
        row |= count_files(
            (one.path, one.size)
            for page in answer["pages"]
            for one in tree_entries(page)
            if one.type == "file"
        )
    else:
        row |= {"n_files": answer["n_files"], "bytes": answer["bytes"]}
    if answer["requirements"] is not None:
        found = count_requirements(answer["requirements"])
        row["packages"] = found.packages
        row["requirements_includes"] = found.includes
        row["requirements_invalid"] = found.invalid
    return row


def count_files(files: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """Files and bytes of a repository by kind, as columns of `schemas.SPACE_CODE`.

    Args:
        files: path and bytes of each.
    """
    counted: dict[bool, dict[str, list[int]]] = {
        code: defaultdict(lambda: [0, 0]) for code in (True, False)
    }
    for path, size in files:
        name, code = kind_of(path)
        counted[code][name][0] += 1
        counted[code][name][1] += size
    code, other = counted[True], counted[False]
    (n_code, bytes_code), (n_other, bytes_other) = (
        tuple(sum(one[at] for one in kinds.values()) for at in (0, 1)) for kinds in (code, other)
    )
    return {
        "n_files": n_code + n_other,
        "bytes": bytes_code + bytes_other,
        "n_files_code": n_code,
        "bytes_code": bytes_code,
        "languages": _by_bytes(code),
        "n_files_other": n_other,
        "bytes_other": bytes_other,
        "others": _by_bytes(other),
    }


def _by_bytes(kinds: dict[str, list[int]]) -> list[dict[str, Any]]:
    """Most bytes first, then by name."""
    ordered = sorted(kinds.items(), key=lambda one: (-one[1][1], one[0]))
    return [{"kind": kind, "files": files, "bytes": size} for kind, (files, size) in ordered]
