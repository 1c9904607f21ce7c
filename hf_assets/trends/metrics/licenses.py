"""Licences in groups, and their strictness: a derivative's licence against its base model's.

Identifiers are those of the Hub's list (hub-docs, docs/hub/repositories-licenses.md, read 2026-11).
The group is what the licence asks of a user of the model: credit at most (permissive), the same
terms for derived works (copyleft), no listed uses (openrail), or anything else (restricted: no
sale, research only, a company's own terms, or `other`). An identifier outside the list is
restricted: nobody may assume that it is open. `unknown` counts as no licence: none.
"""

import polars as pl

# Least strict first. The order is ours: copyleft leaves every use free and binds those who pass the
# model on, OpenRAIL forbids some uses, the others forbid more or reserve the right to.
STRICTNESS = ("permissive", "copyleft", "openrail", "restricted")
NONE = "none"

_PERMISSIVE = """
    afl-3.0 apache-2.0 apple-ascl artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
    bsl-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0
    ecl-2.0 etalab-2.0 isc lppl-1.3c mit ncsa odc-by openmdw-1.0 pddl postgresql unlicense wtfpl
    zlib
"""
_COPYLEFT = """
    agpl-3.0 cc-by-sa-3.0 cc-by-sa-4.0 cdla-sharing-1.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 gfdl gpl
    gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 lgpl-lr mpl-2.0 ms-pl odbl ofl-1.1 osl-3.0
"""
_OPENRAIL = """
    bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m creativeml-openrail-m
    openrail openrail++
"""
_GROUP_OF = {
    **dict.fromkeys(_PERMISSIVE.split(), "permissive"),
    **dict.fromkeys(_COPYLEFT.split(), "copyleft"),
    **dict.fromkeys(_OPENRAIL.split(), "openrail"),
    "unknown": NONE,
}


def license_group(license: pl.Expr) -> pl.Expr:
    """The group of a licence identifier: one of `STRICTNESS`, or `NONE` where there is none."""
    group = license.str.to_lowercase().replace_strict(
        _GROUP_OF, default=STRICTNESS[-1], return_dtype=pl.String
    )
    return pl.when(license.is_null()).then(pl.lit(NONE)).otherwise(group)


def strictness(license: pl.Expr) -> pl.Expr:
    """The rank of its group in `STRICTNESS`, 0 is the loosest; null without a licence."""
    ranks = {group: rank for rank, group in enumerate(STRICTNESS)}
    return license_group(license).replace_strict(ranks, default=None, return_dtype=pl.Int8)


def against_base(models: pl.LazyFrame) -> pl.DataFrame:
    """Each derivative with the first of its base models that is listed on the same day.

    Ids are compared as 64-bit hashes: of 2.5 M, two are the same once in five million days.

    Args:
        models: a day's `models`: id, license, base_models and counters are read.

    Returns:
        A row a derivative whose base model is listed: against_base (looser, same, stricter;
        unknown where one of the two has no licence), downloads, downloads_all_time, likes.
    """
    derived = (
        models.filter(pl.col("base_models").list.len() > 0)
        .select(
            *("downloads", "downloads_all_time", "likes"),
            base=pl.col("base_models").list.eval(pl.element().struct.field("id").hash()),
            strict=strictness(pl.col("license")),
        )
        .collect(engine="streaming")
        .with_row_index("at")
    )
    named = derived.select("at", "base").explode("base")
    listed = (
        models.select("license", base=pl.col("id").hash())
        .join(named.lazy().select("base").unique(), on="base", how="semi")
        .collect(engine="streaming")
        .sort("base", "license")  # of two that share a name, the same on any number of threads
        .unique("base", keep="first", maintain_order=True)
        .select("base", base_strict=strictness(pl.col("license")))
    )
    bases = named.join(listed, on="base", how="inner", maintain_order="left").unique(
        "at", keep="first"
    )
    step = _step(pl.col("strict"), pl.col("base_strict")).alias("against_base")
    return derived.join(bases.select("at", "base_strict"), on="at", how="inner").select(
        step, "downloads", "downloads_all_time", "likes"
    )


def strictness_step(license: pl.Expr, base_license: pl.Expr) -> pl.Expr:
    """looser, same or stricter than the base's licence; unknown where one of them is missing."""
    return _step(strictness(license), strictness(base_license))


def _step(strict: pl.Expr, base_strict: pl.Expr) -> pl.Expr:
    step = strict - base_strict
    words = {"looser": step < 0, "same": step == 0, "stricter": step > 0}
    found = pl.when(step.is_null()).then(pl.lit("unknown"))
    for word, fits in words.items():
        found = found.when(fits).then(pl.lit(word))
    return found
