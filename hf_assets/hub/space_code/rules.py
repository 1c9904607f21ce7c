"""Rules of the table `space_code`."""

import polars as pl

from hf_assets.hub.space_code.records import CodeCounts
from hf_assets.hub.space_code.schemas import PACKAGE_REASONS, REASONS
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable
from hf_assets.ui_words import percent

# Share of the Spaces whose files are unknown.
UNANSWERED = 0.1


def code_adds_up(stored: StoredTable) -> RuleResult:
    """Languages add up to code, other kinds to the rest, and both to all files and bytes."""
    sums = [
        pl.col(f"{kinds}").list.eval(pl.element().struct.field(field)).list.sum() == pl.col(total)
        for kinds, field, total in (
            ("languages", "files", "n_files_code"),
            ("languages", "bytes", "bytes_code"),
            ("others", "files", "n_files_other"),
            ("others", "bytes", "bytes_other"),
        )
    ]
    whole = [
        pl.col("n_files_code") + pl.col("n_files_other") == pl.col("n_files"),
        pl.col("bytes_code") + pl.col("bytes_other") == pl.col("bytes"),
    ]
    positive = pl.min_horizontal("n_files", "bytes", "packages").fill_null(0) >= 0
    good = pl.all_horizontal(*sums, *whole).fill_null(value=True) & positive
    # A recording has no languages: nothing to add.
    counted, wrong = (
        stored.frame.select(
            pl.col("n_files_code").is_not_null().sum(), wrong=(~good).sum()
        ).collect().row(0)
    )  # fmt: skip
    spaces, repeated = stored.rows, stored.rows - _distinct(stored)
    metadata = {"Spaces": spaces, "with languages": counted}
    faults = {
        f"the parts of {wrong:,} Spaces do not add up": wrong,
        f"{repeated:,} rows repeat a Space": repeated,
    }
    text = "; ".join(fault for fault, there in faults.items() if there)
    return RuleResult(
        not text, f"{text or f'The parts of {counted:,} Spaces add up'}.", metadata
    )  # fmt: skip


def _distinct(stored: StoredTable) -> int:
    return int(stored.frame.select(pl.col("hub_id").n_unique()).collect().item())


def reasons_known(stored: StoredTable) -> RuleResult:
    """Unknown files, bytes and packages have one of the documented reasons, known ones none."""
    unknown = pl.col("n_files").is_null() | pl.col("bytes").is_null()
    no_packages = pl.col("packages").is_null()
    tests = {
        "without files or bytes have no reason": unknown & pl.col("reason").is_null(),
        "with files and bytes have a reason": ~unknown & pl.col("reason").is_not_null(),
        "without packages have no reason": no_packages & pl.col("packages_reason").is_null(),
        "have another reason": ~pl.col("reason").is_in(list(REASONS))
        | ~pl.col("packages_reason").is_in(list(PACKAGE_REASONS)),
    }
    found = stored.frame.select(
        pl.any_horizontal(one).sum().alias(name) for name, one in tests.items()
    ).collect().row(0, named=True)  # fmt: skip
    text = "; ".join(f"{count:,} Spaces {name}" for name, count in found.items() if count)
    counts = CodeCounts.read(stored.notes)
    good = _listed(counts.reasons) or "The files of every Space are known"
    return RuleResult(not text, f"{text or good}.", {**counts.reasons})


def spaces_answered(stored: StoredTable) -> RuleResult:
    """The files of most Spaces are known."""
    counts = CodeCounts.read(stored.notes)
    unknown = counts.rows - counts.known
    metadata = {"Spaces": counts.rows, "known": counts.known, **counts.reasons}
    if not counts.rows:
        text = "No Space uses a chosen model."
        return RuleResult(True, text, metadata)
    text = f"The files of {unknown:,} of {counts.rows:,} Spaces are unknown"
    text += f" ({percent(unknown / counts.rows)})"
    text += f": {_listed(counts.reasons)}." if unknown else "."
    return RuleResult(unknown <= UNANSWERED * counts.rows, text, metadata, severity="WARN")


def _listed(reasons: dict[str, int]) -> str:
    """Such as "12 gone, 3 private or gated"."""
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
