"""What is wrong with the files and folders of settings, and with the settings themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hf_assets.classifiers.training.base_models import BASE_MODELS, folder_problems
from hf_assets.configuration import Problem, problems
from hf_assets.settings import Settings, SettingsError, settings

CONFIG = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


def write(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


def test_nothing_is_wrong_with_the_defaults() -> None:
    assert problems(Settings()) == []


def test_every_problem_names_its_variable(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[a]\nzzz = 1\n[b]\nsource = "new_questions"\nrare_share = 0.1\n[c]\nx =\n')
    write(tmp_path / "models" / "roberta-base", *CONFIG[:2])
    known = Settings(corpora=own, base_models=tmp_path / "models", archive=f"{tmp_path}/archive")
    found = problems(known)
    assert [problem.where for problem in found] == [
        *("HF_ASSETS_CORPORA", "HF_ASSETS_CORPORA", "HF_ASSETS_BASE_MODELS", "HF_ASSETS_ARCHIVE")
    ]
    assert "[a] has an unknown key 'zzz'" in found[0].message
    assert "[c] is no TOML" in found[1].message
    assert "copy of FacebookAI/roberta-base: no tokenizer (tokenizer.json)" in found[2].message
    assert "is no folder and no dataset's name" in found[3].message


def test_base_models_that_are_complete_are_no_problem(tmp_path: Path) -> None:
    write(tmp_path / "roberta-base", *CONFIG)
    write(tmp_path / "distilbert" / "distilroberta-base", *CONFIG)
    write(tmp_path / "another-model", "notes.txt")
    assert folder_problems(tmp_path) == []


def test_a_folder_of_base_models_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    assert folder_problems(tmp_path / "none") == [
        f"{tmp_path}/none is no folder: create it, or set another one."
    ]
    (tmp_path / "file").write_text("")
    assert "is no folder" in folder_problems(tmp_path / "file")[0]
    (nothing,) = folder_problems(write(tmp_path / "empty"))
    assert "has no copy of a base model" in nothing
    assert all(name in nothing for name in BASE_MODELS)
    (unread,) = folder_problems(Path("/" + "x" * 5000))
    assert "cannot be read (File name too long)" in unread
    clone = write(tmp_path / "clone" / "roberta-base", *CONFIG)
    (clone / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    (pointer,) = folder_problems(tmp_path / "clone")
    assert "is a pointer of Git LFS" in pointer


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        ("none", None),
        ("", None),
        ("cfahlgren1/hub-stats", None),  # not looked up
        ("nobody/nothing", None),
        ("/nowhere/at/all", "is no folder and no dataset's name"),
        ("~no-such-user-here/days", "cannot be read"),
        ("/" + "x" * 5000, "cannot be read"),
        ("{empty}", "holds no recorded day"),
        ("{other}", "holds no recorded day"),
        ("{days}", None),
    ],
)
def test_an_archive_that_gives_no_day_says_why(
    tmp_path: Path, archive: str, said: str | None
) -> None:
    write(tmp_path / "empty")
    write(tmp_path / "other", "readme.txt", "config.json")
    write(tmp_path / "days", "models-2025-05-22.json")
    where = archive.format(**{name: tmp_path / name for name in ("empty", "other", "days")})
    found = problems(Settings(archive=where))
    if said is None:
        assert found == []
    else:
        (problem,) = found
        assert problem.where == "HF_ASSETS_ARCHIVE"
        assert said in problem.message


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FIRST_DAY", "foo"),
        ("FIRST_DAY", "2999-01-01"),
        ("FIRST_DAY", "0001-01-01"),
        ("RECOVER_DAYS", "0"),
        ("CONNECT_TIMEOUT", "soon"),
        ("SAMPLE_SPACES", "perhaps"),
    ],
)
def test_a_setting_of_the_hub_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"HF_ASSETS_{variable}", value)
    with pytest.raises(SettingsError) as failed:
        settings()
    assert f"HF_ASSETS_{variable}='{value}' cannot be used: " in str(failed.value)
    assert "docs/settings.md" in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_a_setting_of_labels_that_cannot_be_used_has_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_ASSETS_ACCEPT_KAGGLE_TERMS", "perhaps")
    monkeypatch.setenv("HF_ASSETS_RECOVER_DAYS", "3")
    known = settings()
    assert known.accept_kaggle_terms is False
    assert known.recover_days == 3
    (problem,) = problems(known)
    assert problem == Problem("HF_ASSETS_ACCEPT_KAGGLE_TERMS", problem.message)
    assert "'perhaps' cannot be used" in problem.message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("gpus=1", "it is no JSON"),
        ('{"deberta-base": {"gpu": 1}}', "deberta-base: gpu: Extra inputs are not permitted"),
        ('{"deberta-base": {"gpus": -1}}', "deberta-base: gpus: Input should be greater"),
        ('{"deberta": {"gpus": 1}}', "deberta is no base model: take one of distilroberta-base"),
        ('{"deberta-base": {"gpus": 1}}', None),
    ],
)
def test_resources_of_base_models_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, value: str, said: str | None
) -> None:
    monkeypatch.setenv("HF_ASSETS_BASE_MODEL_RESOURCES", value)
    found = problems(settings())
    if said is None:
        assert found == []
        assert settings().base_model_resources["deberta-base"].gpus == 1
    else:
        (problem,) = found
        assert problem.where == "HF_ASSETS_BASE_MODEL_RESOURCES"
        assert said in problem.message


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CORPORA", "BASE_MODELS", "FIRST_DAY", "QUESTION_DUMP", "ACCEPT_KAGGLE_TERMS"):
        monkeypatch.setenv(f"HF_ASSETS_{name}", "")
    assert problems(settings()) == []
    assert settings().corpora is None
    assert settings().question_dump is None
