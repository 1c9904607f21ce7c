"""Cells of a CSV file that a spreadsheet does not run.

What begins like a formula is one to a spreadsheet, and a name may be anything. It also is where
blanks, line ends or invisible characters come first, and in the full width of East Asian scripts.
"""

import polars as pl

# Blank or not to be seen, in front; then the signs, also small and in full width.
_FORMULA = (
    r"^(?:[\t\r\n]"
    r"|[\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])"
)
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


def inert_cells(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The same columns with an apostrophe before what a spreadsheet would run.

    Numbers stay numbers, those that are text, too.
    """
    kinds = (pl.String, pl.Categorical, pl.Enum)
    return frame.with_columns(
        _inert(name) for name, kind in frame.collect_schema().items() if isinstance(kind, kinds)
    )


def _inert(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    runs = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(runs).then("'" + text).otherwise(text).alias(name)
