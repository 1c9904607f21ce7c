"""Counts of the Hub's tables: records in their footers."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import msgspec

from hf_assets.storage.records import Record


class CleaningCounts(Record):
    """Counts of a day of `models`, `enriched_spaces` or `hub_datasets`.

    Attributes:
        served: rows that the Hub served.
        rows: of the table.
        duplicates: rows that the Hub served again; the table keeps one.
        quarantined: rows without identity, in the side table `quarantine`.
        coerced: invalid values that became null; `coerced_fields` has them by field.
        without_category: models; None for others.
        floor_dated: rows dated by the Hub's first day; None for Spaces.
        clipped: negative counters that became 0, by field.
        pairs: (Space, model) pairs; None for other tables.
        dangling_pairs: pairs whose model is not in `models`; None for other tables.
        thinned: the day on which rows lost columns, if they did.
        kept: the columns that a thinned table has, with ", " between.
    """

    # A field of counts by name has a key on disk for each count, which begins with this.
    PREFIXES: ClassVar[Mapping[str, str]] = {"coerced_fields": "nulled ", "clipped": "clipped "}

    served: int = 0
    rows: int = 0
    duplicates: int = msgspec.field(default=0, name="doubled")
    quarantined: int = 0
    coerced: int = msgspec.field(default=0, name="nulled")
    coerced_fields: dict[str, int] = msgspec.field(default_factory=dict)
    without_category: int | None = msgspec.field(default=None, name="without category")
    floor_dated: int | None = msgspec.field(default=None, name="floor dated")
    clipped: dict[str, int] = msgspec.field(default_factory=dict)
    pairs: int | None = None
    dangling_pairs: int | None = msgspec.field(default=None, name="dangling pairs")
    thinned: str | None = None
    kept: str | None = None

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """The record of a table's notes."""
        counts = super().read(value)
        for field, prefix in cls.PREFIXES.items():
            by_name = {
                key.removeprefix(prefix): n for key, n in value.items() if key.startswith(prefix)
            }
            setattr(counts, field, by_name)
        return counts

    def to_json(self) -> dict[str, Any]:
        """The notes of the table; a count that its kind does not have is left out."""
        notes: dict[str, Any] = {}
        for key, value in super().to_json().items():
            if prefix := self.PREFIXES.get(key):
                notes |= {f"{prefix}{name}": count for name, count in value.items()}
            elif value is not None:
                notes[key] = value
        return notes

    @property
    def kept_columns(self) -> set[str] | None:
        """The columns that a thinned table has; None for one with all its columns."""
        return None if self.thinned is None else set((self.kept or "").split(", "))


class ChosenUsage(Record):
    """How Spaces use the models of `top_models`, for one tag or category.

    Attributes:
        dimension: "usage_tag" or "usage_category".
        key: the tag or category.
        rows: (Space, model) pairs.
        value: distinct Spaces.
    """

    dimension: str
    key: str | None
    rows: int
    value: float


class UsageCounts(Record):
    """Counts of a day of `model_usage`.

    Attributes:
        rows: of the table.
        spaces: that the Hub lists; `spaces_naming_models` those that name a model.
        pairs: (Space, model) pairs.
        models_named: by any Space; `models_unknown` those that are not in `models`.
        chosen_usage: most pairs first.
    """

    rows: int = 0
    spaces: int = msgspec.field(default=0, name="Spaces")
    spaces_naming_models: int = msgspec.field(default=0, name="Spaces naming a model")
    pairs: int = msgspec.field(default=0, name="(Space, model) pairs")
    models_named: int = msgspec.field(default=0, name="models named")
    models_unknown: int = msgspec.field(default=0, name="models unknown")
    chosen_usage: list[ChosenUsage] = msgspec.field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The notes of the table, with a count for each chosen tag and category."""
        notes = super().to_json()
        chosen = notes.pop("chosen_usage")
        for usage in self.chosen_usage:
            what = "tag" if usage.dimension == "usage_tag" else "category"
            notes[f"pairs of chosen models, {what} {usage.key}"] = usage.rows
            notes[f"Spaces with chosen models, {what} {usage.key}"] = int(usage.value)
        return notes | {"chosen_usage": chosen}


class FamilyCounts(Record):
    """Counts of a day of `families`.

    Attributes:
        rows: of the table.
        models: that the Hub lists.
        with_base: models that name a base.
        relations: those by relation to their base; "unknown" where the Hub gives none.
        families: roots of those.
        missing_bases: ids that are named as a base and not listed.
        with_missing_base: models none of whose bases is listed.
        several_bases: models that name more than one; `several_relations` with different ones.
        on_cycle: models on a cycle of bases; `cycles` their number.
        own_base: models that name themselves.
        deepest: steps from a root, at most.
    """

    rows: int = 0
    models: int = 0
    with_base: int = msgspec.field(default=0, name="with a base")
    relations: dict[str, int] = msgspec.field(default_factory=dict)
    families: int = 0
    missing_bases: int = msgspec.field(default=0, name="bases not listed")
    with_missing_base: int = msgspec.field(default=0, name="with no listed base")
    several_bases: int = msgspec.field(default=0, name="with several bases")
    several_relations: int = msgspec.field(default=0, name="with several relations")
    on_cycle: int = msgspec.field(default=0, name="on a cycle")
    cycles: int = 0
    own_base: int = msgspec.field(default=0, name="naming themselves")
    deepest: int = 0
