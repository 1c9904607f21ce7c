"""A process that replaces a folder on a store again and again, until it is killed.

    python -m hf_assets_tests.support.object_store.folder_writer s3://tests/1/corpora/q 12 [rounds]

Each version has so many files, and all of them have the version's number.
"""

import sys

from hf_assets.object_store.errors import CommitConflict
from hf_assets.object_store.path import LakePath, StorePath, location
from hf_assets.storage.folders import local_folder, read_folder, replacing_folder


def names(files: int) -> list[str]:
    """The names of a version's files, with one in a folder below."""
    return [f"deep/{number}" if number == 0 else f"{number}.bin" for number in range(files)]


def version_in(path: LakePath, files: int) -> str:
    """The number of the version in a folder; fails unless each of its files has it."""
    texts = read_folder(path, lambda at: [(at / name).read_text() for name in names(files)])
    assert len(set(texts)) == 1, texts
    assert sum(file.is_file() for file in local_folder(path).rglob("*")) == files
    return texts[0].partition(" ")[0]


def write(path: LakePath, files: int, number: str) -> None:
    """Store that version; the files are large enough to take several writes."""
    with replacing_folder(path) as folder:
        (folder / "deep").mkdir()
        for name in names(files):
            (folder / name).write_text(f"{number} " * 3000)


def put(path: LakePath, *, public: bool = False, **files: str) -> None:
    """Store a version of these files; `one_png` is the file one.png."""
    with replacing_folder(path, public=public) as folder:
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_text(content)


def keys(path: StorePath) -> list[str]:
    """The names of all objects below."""
    return [str(below.relative_to(path)) for below, _ in path.below()]


if __name__ == "__main__":
    path, files = location(sys.argv[1]), int(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    won = 0
    for number in range(rounds):
        try:
            write(path, files, str(number))
            won += 1
        except CommitConflict:
            pass
        print(won, flush=True)
