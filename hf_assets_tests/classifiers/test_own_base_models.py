"""A TOML file of base models: each entry a partition, a broken one a problem and no more."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from hf_assets.classifiers.drift.table import drift_table
from hf_assets.classifiers.own_base_models import RESERVED, known_base_models
from hf_assets.classifiers.training.base_models import BASE_MODELS, BaseModel, base_problems
from hf_assets.classifiers.training.config import Recipe

FULL = """
[e5-small]
id = "intfloat/e5-small-v2"
revision = "ffb93f3"
pooling = "cls"
layers_to_train = 4
max_length = 256

["own.v2"]
folder = "models/own"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "base_models.toml"
    path.write_text(text)
    return path


def test_a_process_without_a_file_has_those_of_the_package() -> None:
    known = known_base_models(None)
    assert known.models == BASE_MODELS
    assert (known.own, known.problems) == ([], ())


def test_entries_follow_those_of_the_package(tmp_path: Path) -> None:
    known = known_base_models(written(tmp_path, FULL))
    assert known.problems == ()
    assert list(known.models)[:5] == list(BASE_MODELS)
    e5, own = known.own
    assert e5 == BaseModel(
        "e5-small", "intfloat/e5-small-v2", revision="ffb93f3", pooling="cls", layers_to_train=4,
        max_length=256,
    )  # fmt: skip
    assert own == BaseModel("own.v2", "", folder=tmp_path / "models/own")
    assert (e5.origin, own.origin) == ("intfloat/e5-small-v2@ffb93f3", f"{tmp_path}/models/own")
    (wrong,) = base_problems(own)
    assert "models/own is no folder" in wrong
    assert base_problems(e5) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('[x-y]\nid = "a/b"\nrevisio = "1"', "unknown key 'revisio'; did you mean revision?"),
        ('[x-y]\nid = "a/b"\nfolder = "c"', "id or folder: one of them"),
        ("[x-y]\npooling = 'mean'", "id or folder: one of them"),
        ('[x-y]\nfolder = "c"\nrevision = "1"', "revision: only of an id"),
        ('[x-y]\nid = "a/b"\npooling = "max"', "pooling: Input should be 'mean' or 'cls'"),
        ('[x-y]\nid = "a/b"\nlayers_to_train = 0', "layers_to_train: "),
        ('[x-y]\nid = "a/b"\nmax_length = "256"', "max_length: "),
        ('[x-y]\nid = "../../etc"', "id: "),
        ('[x-y]\nid = "a/b"\nrevision = "-x y"', "revision: "),
        ('[roberta-base]\nid = "a/b"', "is a base model of the package; rename it"),
        ('["../x"]\nid = "a/b"', "cannot be the name of a partition and a folder"),
        ('["a..b"]\nid = "a/b"', "cannot be the name of a partition and a folder"),
        ('[Large]\nid = "a/b"', "cannot be the name of a partition and a folder"),
        ('[leaderboard]\nid = "a/b"', "cannot be the name of a partition and a folder"),
        ('[drift]\nid = "a/b"', "cannot be the name of a partition and a folder"),
        ('[x-y]\nfolder = ""', "id or folder: one of them"),
        ("[x-y]\nid = ", "is no TOML"),
        ('id = "a/b"', "stands outside of an entry"),
    ],
)
def test_a_broken_entry_stops_no_other(tmp_path: Path, entry: str, said: str) -> None:
    # What stands outside of an entry comes first in TOML.
    good = '[good]\nid = "a/good"\n'
    text = f"{entry}\n{good}" if entry.startswith("id") else f"{good}{entry}\n"
    known = known_base_models(written(tmp_path, text))
    assert [base.name for base in known.own] == ["good"]
    (problem,) = known.problems
    assert said in str(problem)
    assert str(tmp_path / "base_models.toml") in str(problem)


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    known = known_base_models(tmp_path / "none.toml")
    assert known.models == BASE_MODELS
    (problem,) = known.problems
    assert "is HF_ASSETS_OWN_BASE_MODELS right?" in str(problem)


def test_folders_of_a_corpus_are_no_names() -> None:
    assert {"baseline", "leaderboard", "tagger_space", "predictor"} <= RESERVED
    # The table of drift lies among those of classifiers, too.
    assert drift_table("questions").name.rpartition("/")[2] in RESERVED


def test_the_length_of_an_entry_gives_way_to_that_of_a_run() -> None:
    longer, recipe = BaseModel("x", "a/x", max_length=256), Recipe()
    assert longer.adapted(recipe).max_length == 256
    assert longer.adapted(replace(recipe, max_length=64)).max_length == 64
    assert BaseModel("x", "a/x").adapted(recipe) is recipe
