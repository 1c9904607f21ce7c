"""The registry: what an entry may say, and what is said of one that makes no sense."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from hf_assets.corpora.entries import EntryError
from hf_assets.corpora.registry import CorpusSpec, corpora, read_entry

OWN = """
[birds]
source = "birds.csv"
text = ["title", "content"]
labels = "tags"
separator = " "
rare_share = 0.002
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_package_has_three_corpora() -> None:
    found = corpora().specs
    assert {name: (spec.sources, spec.rare_share, spec.code) for name, spec in found.items()} == {
        "questions": (("new_questions", "question_dump"), 0.001, "drop"),
        "datasets": (("new_datasets", "dataset_dump"), 0.005, "drop"),
        "hub_models": (("models",), 0.001, "drop"),
    }
    assert all(spec.file is None for spec in found.values())


def test_a_users_entry_needs_no_code(tmp_path: Path) -> None:
    found = corpora(write(tmp_path, OWN)).specs
    assert list(found) == ["questions", "datasets", "hub_models", "birds"]
    birds = found["birds"]
    assert birds.file == tmp_path / "birds.csv"
    assert birds.sources == ()
    assert (birds.text, birds.labels, birds.separator) == (("title", "content"), "tags", " ")


def test_one_text_column_and_one_asset_need_no_brackets(tmp_path: Path) -> None:
    text = '[a]\nsource = "a.parquet"\ntext = "body"\nrare_share = 0.1\n'
    found = corpora(
        write(tmp_path, text + '[b]\nsource = "new_questions"\nrare_share = 0.1\n')
    ).specs
    assert found["a"].text == ("body",)
    assert found["b"].sources == ("new_questions",)


def test_an_entry_says_how_texts_and_labels_are_written(tmp_path: Path) -> None:
    entry = OWN.replace('"tags"', '["joy", "anger"]').replace('separator = " "', "")
    more = 'format = "markdown"\nquoting = "none"\nlabel_names = ["Joy", "Anger"]\n'
    birds = corpora(write(tmp_path, entry + more)).specs["birds"]
    assert (birds.labels, birds.label_names) == (("joy", "anger"), ("Joy", "Anger"))
    assert (birds.format, birds.quoting, birds.one_label) == ("markdown", "none", False)
    plain = corpora(write(tmp_path, OWN)).specs["birds"]
    assert (plain.format, plain.quoting, plain.label_names) == ("text", None, None)
    packed = OWN.replace(".csv", ".ndjson.gz")
    assert corpora(write(tmp_path, packed)).specs["birds"].file == tmp_path / "birds.ndjson.gz"


def test_an_entry_may_take_another_site(tmp_path: Path) -> None:
    text = '[a]\nsource = "question_dump"\nrare_share = 0.1\nsite = "ai.stackexchange.com"\n'
    found = corpora(write(tmp_path, text)).specs
    assert found["a"].site == "ai.stackexchange.com"
    assert found["questions"].site is None


def test_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    assert "birds" in corpora(path).specs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[birds\n", "line 1"),
        ("x = 1\n", "'x' stands outside of an entry"),
        (OWN.replace("separator", "seperator"), "unknown key 'seperator'; did you mean separator"),
        (OWN + "zzz = 1\n", "unknown key 'zzz'; there are source"),
        (OWN.replace("birds]", "questions]"), "[questions] is a corpus of the package"),
        (OWN + OWN, "[birds] stands more than once (lines 2 and 9); remove or rename one"),
        (OWN.replace("birds]", "Birds]"), "its name must be"),
        (OWN.replace("birds]", '"../birds"]'), "its name must be"),
        (OWN.replace("birds]", "new_questions]"), "its name is taken"),
        (OWN.replace("0.002", "0"), "rare_share"),
        (OWN.replace("0.002", "1"), "rare_share"),
        (OWN.replace("0.002", "nan"), "rare_share"),
        (OWN.replace("rare_share = 0.002", ""), "rare_share: Field required"),
        (OWN.replace('source = "birds.csv"', ""), "source: Field required"),
        (OWN.replace("birds.csv", "birds.xlsx"), "birds.xlsx"),
        (OWN.replace('"birds.csv"', "[]"), "source must be a file"),
        (OWN.replace('"birds.csv"', '["birds"]'), "source must be a file"),
        (OWN.replace('"birds.csv"', '["new_questions"]'), "only for a file"),
        (OWN.replace('separator = " "', 'separator = ""'), "separator"),
        (OWN + 'code = "perhaps"\n', "'keep' or 'drop'"),
        (OWN + 'site = "ai"\n', "only for questions of source assets"),
        ('[a]\nsource = "question_dump"\nrare_share = 0.1\nsite = "a b"\n', "'a b' names no site"),
        (OWN + 'quoting = "some"\n', "'standard' or 'none'"),
        (OWN.replace("csv", "jsonl") + 'quoting = "none"\n', "quoting: only for CSV and TSV"),
        (OWN + 'format = "rtf"\n', "'html', 'markdown' or 'text'"),
        (OWN + "one_label = true\n", "separator or one_label, not both"),
        (OWN.replace('"tags"', '["a", "b"]'), "not with several columns of labels"),
        (OWN.replace('"tags"', '["a"]'), "labels: a column, or two and more different ones"),
        (OWN.replace('"tags"', '["a", "a"]'), "labels: a column, or two and more different ones"),
        (OWN + 'label_names = ["a"]\n', "label_names"),
        (OWN + 'label_names = ["a", " a"]\n', "label_names: each must be a name of its own"),
        (OWN + 'label_names = ["a", " "]\n', "label_names: each must be a name of its own"),
        (
            OWN.replace('"tags"', '["a", "b"]').replace('separator = " "', "")
            + 'label_names = ["a", "b", "c"]\n',
            "label_names: as many as there are columns of labels",
        ),
        (
            '[a]\nsource = "question_dump"\nrare_share = 0.1\nformat = "html"\n',
            "format: only for a file",
        ),
        (OWN + 'license = "x"\nlicense_column = "y"\n', "license or license_column, not both"),
    ],
)
def test_what_makes_no_sense_names_file_and_entry(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    found = corpora(path)
    assert [*found.specs] == ["questions", "datasets", "hub_models"]
    (problem,) = found.problems
    message = str(problem)
    assert str(path) in message
    assert said in message
    assert problem.permanent
    if message.count("[") and "line" not in said and "outside" not in said:
        assert f"{path}: [" in message


def test_a_file_that_is_not_there_names_the_variable(tmp_path: Path) -> None:
    found = corpora(tmp_path / "none.toml")
    assert [*found.specs] == ["questions", "datasets", "hub_models"]
    (problem,) = found.problems
    assert "No such file" in str(problem)
    assert "HF_ASSETS_CORPORA" in str(problem)


@pytest.mark.parametrize(
    ("broken", "problems"),
    [
        ("[b]\nsource = 1\nzzz = 2\n", ["[b] has an unknown key 'zzz'; there are source"]),
        ("[b]\nsource = \n", ["[b] is no TOML: Invalid value (at line 5, column 10)"]),
        ('[b]\ntext = ["a"\n', ["[b] is no TOML: Unclosed array"]),
        ('[b]\nlicense = """\n', ["[b] is no TOML: Unterminated string"]),
        ("[b\nsource = 1\n", ["[b] is no TOML: Expected ']'"]),
        ('["b c"]\n\x00 = 1\n', ["[b c] is no TOML: Invalid statement"]),
        ("[[b]]\nx = \n", ["[b] is no TOML: Invalid value"]),
        (f"[b]\nx = {'[' * 5000}\n", ["[b] is no TOML: brackets are nested too deeply"]),
        ("[b]\n[b.x]\n=\n", ["[b] is no TOML: Invalid"]),
        ("[b]\nx = \n[c]\ny =\n", ["[b] is no TOML", "[c] is no TOML"]),
        ("[b]\n[c]\n[b]\n", ["[b] stands more than once (lines 4 and 6)", "[c] source: Field"]),
        ("[questions]\n[b]\nx = \n", ["[questions] is a corpus of the package", "[b] is no"]),
    ],
)
def test_a_broken_entry_stops_no_other(tmp_path: Path, broken: str, problems: list[str]) -> None:
    good = '[{}]\nsource = "new_questions"\nrare_share = 0.1\n'
    path = write(tmp_path, good.format("before") + broken + good.format("after"))
    found = corpora(path)
    assert [*found.specs] == ["questions", "datasets", "hub_models", "before", "after"]
    assert len(found.problems) == len(problems)
    for problem, said in zip(found.problems, problems, strict=True):
        assert f"{path}: {said}" in str(problem)


def test_what_stands_before_a_broken_entry_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "x = 1\ny\n[a]\nsource = 'new_questions'\nrare_share = 0.1\n")
    found = corpora(path)
    assert [*found.specs] == ["questions", "datasets", "hub_models", "a"]
    assert [str(problem) for problem in found.problems] == [
        f"{path}: is no TOML: Expected '=' after a key in a key/value pair (at line 2, column 2)"
    ]


@pytest.mark.parametrize("kind", ["folder", "pipe", "latin", "unreadable"])
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "own.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes("# a\n# Vögel\n".encode("latin-1" if kind == "latin" else "utf-8"))
        if kind == "unreadable":
            path = path / "below.toml"
    found = corpora(path)
    assert [*found.specs] == ["questions", "datasets", "hub_models"]
    (problem,) = found.problems
    said = {
        "folder": "cannot be read (not a file); is HF_ASSETS_CORPORA right?",
        "pipe": "cannot be read (not a file); is HF_ASSETS_CORPORA right?",
        "latin": "is no TOML: line 2 is not UTF-8; save the file as UTF-8",
        "unreadable": "cannot be read (Not a directory); is HF_ASSETS_CORPORA right?",
    }
    assert str(problem) == f"{path} {said[kind]}"


def test_an_entry_of_another_file_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "defs.yaml"
    spec = read_entry("birds", {"source": "birds.csv", "rare_share": 0.1}, path)
    assert spec.file == tmp_path / "birds.csv"
    with pytest.raises(EntryError, match=r"defs.yaml: \[birds\] has an unknown key 'sourc'"):
        read_entry("birds", {"sourc": "birds.csv"}, path)


def test_an_entry_does_not_change() -> None:
    spec = corpora().specs["questions"]
    with pytest.raises(ValidationError):
        spec.name = "other"  # ty: ignore[invalid-assignment]
    assert hash(spec)


def test_the_registry_imports_nothing_heavy() -> None:
    code = "import sys, hf_assets.corpora.registry; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "sklearn", "matplotlib", "pandas", "polars", "selectolax"}
    assert "pydantic" in done.stdout.split()
    assert not heavy & set(done.stdout.split())


def test_paths_in_code_are_files() -> None:
    spec = CorpusSpec(name="a", source=Path("x.csv"), rare_share=0.1)
    assert spec.file == Path("x.csv")
