"""Lists that were written down as text, as tables have them in a cell.

What belongs here: what a text must be to be taken for a list. What does not: what is in the list,
and where it came from (`tables.py`).
"""

import ast
import io
import itertools
import json
import re
import tokenize
import warnings
from typing import Any

# Quotes without a comma between: an empty text, or two texts that lack one.
_TOUCHING = re.compile(r"""['"]\s*[bfruBFRU]{0,2}['"]""")


def as_list(text: str) -> Any:
    """A list written as JSON or as Python's list, tuple or set; None of both gives the text.

    So does what Python would read otherwise than it was meant: `['a' 'b']`, as numpy writes two
    texts, is one text to Python.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings(action="ignore"):
            value = ast.literal_eval(text.strip())
        if _TOUCHING.search(text) and _lacks_a_comma(text.strip()):
            return text
    except (ValueError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError):
        return text
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return list(value) if isinstance(value, tuple) else value


def _lacks_a_comma(text: str) -> bool:
    kinds = [one.type for one in tokenize.generate_tokens(io.StringIO(text).readline)]
    kinds = [kind for kind in kinds if kind != tokenize.NL]
    return any(one == other == tokenize.STRING for one, other in itertools.pairwise(kinds))
