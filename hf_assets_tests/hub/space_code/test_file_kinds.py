import pytest

from hf_assets.hub.space_code.file_kinds import FileKind, code_kinds, kind_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app.py", FileKind("Python", True)),
        ("src/deep/App.TSX", FileKind("TypeScript", True)),
        ("web/main.js", FileKind("JavaScript", True)),
        ("demo.ipynb", FileKind("Notebook", True)),
        ("Dockerfile", FileKind("Docker", True)),
        ("docker/dev.dockerfile", FileKind("Docker", True)),
        ("analysis.R", FileKind("R", True)),
        ("start.sh", FileKind("Shell", True)),
        ("index.html", FileKind("HTML", True)),
        ("style.css", FileKind("CSS", True)),
        ("main.go", FileKind("Go", True)),
        ("lib.rs", FileKind("Rust", True)),
        ("pytorch_model.bin", FileKind("weights", False)),
        ("img/a.b.PNG", FileKind("media", False)),
        ("config.json", FileKind("data", False)),
        ("README.md", FileKind("text", False)),
        (".gitattributes", FileKind("text", False)),
        ("requirements.txt", FileKind("text", False)),
        ("py", FileKind("other", False)),
        ("folder.py/file", FileKind("other", False)),
        ("a.", FileKind("other", False)),
        (".py", FileKind("Python", True)),
    ],
)
def test_a_file_is_what_its_name_says(path: str, kind: FileKind) -> None:
    assert kind_of(path) == kind


def test_no_suffix_is_of_two_kinds() -> None:
    """The table is TOML: a suffix listed twice would count for the last kind in silence."""
    import tomllib
    from importlib.resources import files

    text = files("hf_assets.hub.space_code").joinpath("suffixes.toml").read_text("utf-8")
    for by in ("suffixes", "names"):
        found = [
            value
            for group in tomllib.loads(text).values()
            for values in group.get(by, {}).values()
            for value in values
        ]
        assert len(found) == len(set(found))
        assert all(value == value.lower() for value in found)
    assert {"Python", "Notebook", "JavaScript", "TypeScript", "Docker"} <= {*code_kinds()}
