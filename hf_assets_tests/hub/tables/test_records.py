"""The notes of the Hub's tables, as they are on disk and as records."""

from hf_assets.hub.tables.records import ChosenUsage, CleaningCounts, UsageCounts

MODELS = {
    "served": 9,
    "rows": 5,
    "doubled": 1,
    "quarantined": 3,
    "nulled": 4,
    "nulled likes": 3,
    "nulled tags": 1,
    "without category": 2,
    "floor dated": 0,
    "clipped downloads": 1,
}


def test_the_notes_of_models() -> None:
    counts = CleaningCounts.read(MODELS)
    assert (counts.duplicates, counts.coerced) == (1, 4)
    assert counts.coerced_fields == {"likes": 3, "tags": 1}
    assert counts.clipped == {"downloads": 1}
    assert (counts.pairs, counts.kept_columns) == (None, None)
    assert counts.to_json() == MODELS
    assert list(counts.to_json()) == list(MODELS)


def test_the_notes_of_a_table_that_was_thinned_by_an_early_version() -> None:
    counts = CleaningCounts.read({"thinned": "2026-06-01", "kept": "day, id", "rows": 5})
    assert counts.kept_columns == {"day", "id"}
    assert (counts.served, counts.without_category, counts.coerced_fields) == (0, None, {})


def test_the_notes_of_model_usage() -> None:
    chosen = [ChosenUsage(dimension="usage_tag", key="gen", rows=4, value=3.0),
              ChosenUsage(dimension="usage_category", key=None, rows=1, value=1.0)]  # fmt: skip
    counts = UsageCounts(rows=2, spaces=5, spaces_naming_models=4, pairs=6, chosen_usage=chosen)
    notes = counts.to_json()
    assert notes == {
        "rows": 2,
        "Spaces": 5,
        "Spaces naming a model": 4,
        "(Space, model) pairs": 6,
        "models named": 0,
        "models unknown": 0,
        "pairs of chosen models, tag gen": 4,
        "Spaces with chosen models, tag gen": 3,
        "pairs of chosen models, category None": 1,
        "Spaces with chosen models, category None": 1,
        "chosen_usage": [
            {"dimension": "usage_tag", "key": "gen", "rows": 4, "value": 3.0},
            {"dimension": "usage_category", "key": None, "rows": 1, "value": 1.0},
        ],
    }
    assert UsageCounts.read(notes) == counts
