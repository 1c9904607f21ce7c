"""A run that asks for files of Spaces, in a process of its own, so that it can be killed.

`python -m hf_assets_tests.support.hub.asking URL LAKE NUMBER…`
"""

import sys
from pathlib import Path

from hf_assets.storage.lake import Lake, today
from hf_assets_tests.support.hub.space_files import chosen, listed, space, tree_days


def main(url: str, lake: str, *numbers: str) -> None:
    rows = listed(space(int(number)) for number in numbers)
    tree_days(Lake(Path(lake)), url).get_or_ask(today(), rows, chosen())


if __name__ == "__main__":
    main(*sys.argv[1:])
