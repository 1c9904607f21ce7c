"""Licences in groups, and of derivatives against their base models."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.trends.metrics import licenses
from hf_assets_tests.support.trends.metrics import frame_of, near, rows_of


def test_licences_are_summed_by_group_before_rare_ones_are_folded() -> None:
    said: list[str | None] = ["mit", "Apache-2.0", "gpl-3.0", "openrail++", "unknown", None]
    said += ["gemma", "cc-by-nc-4.0", "other", "my-own"]
    said += [f"rare-{at}" for at in range(400)]
    rows = [{"id": f"m/{at}", "license": one, "downloads": at} for at, one in enumerate(said)]
    frame = frame_of(rows)
    found = {key: row["rows"] for key, row in rows_of(frame, "license_group").items()}
    assert found == {"permissive": 2, "copyleft": 1, "openrail": 1, "restricted": 404, "none": 2}
    shares = rows_of(frame, "license_group").values()
    assert near(sum(row["share_rows"] for row in shares), 1.0, 1e-5)
    assert near(sum(row["share_downloads"] for row in shares), 1.0, 1e-5)
    assert rows_of(frame, "license_group")["none"]["downloads"] == 4 + 5


def test_every_licence_has_a_group_of_its_own_and_the_strict_are_stricter() -> None:
    said = pl.DataFrame({"license": ["mit", "lgpl-3.0", "openrail", "llama3.1", "unknown", None]})
    groups = said.select(licenses.license_group(pl.col("license"))).to_series().to_list()
    assert groups == ["permissive", "copyleft", "openrail", "restricted", "none", "none"]
    strict = said.select(licenses.strictness(pl.col("license"))).to_series().to_list()
    assert strict == [0, 1, 2, 3, None, None]


A_LICENSE = st.none() | st.sampled_from(["mit", "gpl-3.0", "openrail", "gemma", "unknown", "odd"])


@settings(max_examples=40)
@given(
    drawn=st.lists(
        st.tuples(A_LICENSE, st.lists(st.integers(0, 14), max_size=3), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    )
)
def test_a_derivative_is_put_beside_its_first_listed_base(
    drawn: list[tuple[str | None, list[int], int]],
) -> None:
    rows = [
        {
            "id": f"m/{at}",
            "license": license,
            "downloads": downloads,
            "base_models": [{"id": f"m/{base}", "relation": None} for base in bases],
        }
        for at, (license, bases, downloads) in enumerate(drawn)
    ]
    place = {"mit": 0, "gpl-3.0": 1, "openrail": 2, "gemma": 3, "odd": 3}
    wanted: dict[str, tuple[int, int]] = {}
    for license, bases, downloads in drawn:
        listed = [base for base in bases if base < len(drawn)]
        if not listed:
            continue
        mine, other = place.get(license or ""), place.get(drawn[listed[0]][0] or "")
        if mine is None or other is None:
            key = "unknown"
        else:
            key = "same" if mine == other else "looser" if mine < other else "stricter"
        count, total_downloads = wanted.get(key, (0, 0))
        wanted[key] = (count + 1, total_downloads + downloads)
    found = rows_of(frame_of(rows), "against_base")
    assert {key: (row["rows"], row["downloads"]) for key, row in found.items()} == wanted
