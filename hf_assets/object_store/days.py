"""The days of an asset on a store, from few requests."""

from hf_assets.object_store.path import ObjectFacts, StorePath
from hf_assets.object_store.reading import concurrently

_DAY = "day="


def stored_days(folder: StorePath, marker: str, *, pages: bool = False) -> dict[str, ObjectFacts]:
    """The days below a folder that have that file, oldest first, and what the store says of it.

    Args:
        folder: of the asset.
        marker: the file that only a complete day has.
        pages: a day has thousands of objects: a request for each day is less than one for each
            thousand of objects.
    """
    if not pages:
        return {
            path.parent.name.removeprefix(_DAY): facts
            for path, facts in folder.below()
            if path.name == marker
            and path.parent.parent == folder
            and path.parent.name.startswith(_DAY)
        }
    days = [path for path in folder.children()[0] if path.name.startswith(_DAY)]
    every = concurrently(lambda day: (day / marker).facts(), days)
    return {
        day.name.removeprefix(_DAY): facts for day, facts in zip(days, every, strict=True) if facts
    }
