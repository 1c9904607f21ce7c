"""Cards of models and Spaces by the Hub's documented rules, before the Hub sees them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hf_assets.demo.repositories.card_rules import card_errors
from hf_assets.publishing.front_matter import card_problems, front_matter
from hf_assets.publishing.repository import Kind

SPACE: dict[str, Any] = {
    "title": "Tags",
    "emoji": "🏷️",
    "colorFrom": "blue",
    "colorTo": "indigo",
    "sdk": "gradio",
    "sdk_version": "6.31.0",
    "python_version": "3.11",
    "app_file": "app.py",
    "license": "mit",
    "models": ["acme/tags"],
}
RESULT: dict[str, Any] = {
    "task": {"type": "text-classification"},
    "dataset": {"type": "toys", "name": "toys"},
    "metrics": [{"type": "f1", "value": 0.5}],
}
MODEL: dict[str, Any] = {
    "license": "cc-by-sa-4.0",
    "pipeline_tag": "text-classification",
    "library_name": "transformers.js",
    "base_model": "sentence-transformers/all-MiniLM-L6-v2",
    "base_model_relation": "finetune",
    "language": ["en"],
    "datasets": ["acme/toys"],
    "metrics": ["f1"],
    "tags": ["onnx"],
    "model-index": [{"name": "toys", "results": [RESULT]}],
}
FILES = ("README.md", "app.py", "LICENSE")


def card(data: dict[str, Any]) -> str:
    kept = {name: value for name, value in data.items() if value is not ...}
    return f"---\n{yaml.safe_dump(kept, allow_unicode=True)}---\n\n# A card\n"


def problems(kind: Kind, **changed: Any) -> str:
    """What is wrong with a card of that kind; with `...`, a key is missing."""
    data = (SPACE if kind == "space" else MODEL) | {
        name.replace("__", "-"): value for name, value in changed.items()
    }
    return "; ".join(card_problems(card(data), kind, FILES))


@pytest.mark.parametrize("kind", ["model", "space"])
def test_a_valid_card_has_no_problem(kind: Kind) -> None:
    assert problems(kind) == ""
    assert problems(kind, license="other", license_name="my-1.0", license_link="LICENSE") == ""
    assert problems(kind, license="other", license_name="x", license_link="https://x.example") == ""


@pytest.mark.parametrize(
    "card_of", ["tagger/README.md", "tagger/model/README.md"], ids=["Space", "model"]
)
def test_the_cards_that_are_built_are_valid(tagger: Path, card_of: str) -> None:
    path = tagger / card_of.partition("/")[2]
    kind: Kind = "model" if "model" in card_of else "space"
    files = [one.relative_to(path.parent).as_posix() for one in path.parent.rglob("*")]
    assert card_problems(path.read_text("utf-8"), kind, files) == []
    assert card_errors(path.read_text("utf-8"), kind) == ([], [])
    if kind == "model":
        relation = front_matter(path.read_text("utf-8"))["base_model_relation"]
        assert relation == "finetune"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"license": ...}, '"license": Field required'),
        ({"license": "mine"}, "must be one of the Hub's, or other, not 'mine'"),
        ({"license": "other"}, "license_name is required"),
        ({"license": "other", "license_name": "my-1.0", "license_link": "NOTICE"}, "LICENSE.md"),
        (
            {"license": "other", "license_name": "my-1.0", "license_link": "LICENSE.md"},
            "names LICENSE.md, which is missing",
        ),
        ({"pipeline_tag": "Text Classification"}, '"pipeline_tag"'),
        ({"library_name": 3}, '"library_name"'),
        ({"tags": "onnx"}, '"tags"'),
        ({"tags": [1]}, '"tags.0"'),
        ({"language": "English"}, '"language.0"'),
        ({"datasets": ["no id"]}, "must be an id on the Hub, owner/name, not 'no id'"),
        ({"base_model": "/srv/models/mine"}, '"base_model.0": must be an id'),
        ({"base_model": ...}, "base_model_relation takes a base_model"),
        ({"base_model_relation": "trained"}, '"base_model_relation"'),
        ({"metrics": "f1"}, '"metrics"'),
        ({"model__index": {}}, '"model-index"'),
        ({"model__index": [{"results": [RESULT]}]}, '"model-index.0.name"'),
        (
            {"model__index": [{"name": "x", "results": [RESULT | {"dataset": {"name": "x"}}]}]},
            '"model-index.0.results.0.dataset.type": Field required',
        ),
        (
            {"model__index": [{"name": "x", "results": [
                RESULT | {"metrics": [{"type": "f1", "value": float("nan")}]}]}]},
            "finite",
        ),
    ],
)  # fmt: skip
def test_a_model_card_that_the_hub_refuses(changed: dict[str, Any], said: str) -> None:
    assert said in problems("model", **changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": ...}, '"title": Field required'),
        ({"emoji": "tag"}, '"emoji": must be an emoji'),
        ({"emoji": ""}, '"emoji": must be an emoji'),
        ({"colorFrom": "teal"}, '"colorFrom": Input should be'),
        ({"colorTo": ...}, '"colorTo": Field required'),
        ({"sdk": "flask"}, '"sdk"'),
        ({"sdk_version": ...}, '"sdk_version": Field required'),
        # Without quotes, YAML reads a number.
        ({"python_version": 3.1}, '"python_version": Input should be a valid string'),
        ({"python_version": "2.7"}, '"python_version"'),
        ({"app_file": "main.py"}, '"app_file": must be a file of the repository'),
        ({"pinned": "no"}, '"pinned"'),
        ({"short_description": "x" * 61}, '"short_description"'),
        ({"models": ["a/b/c"]}, '"models.0": must be an id'),
    ],
)
def test_a_space_card_that_the_hub_refuses(changed: dict[str, Any], said: str) -> None:
    assert said in problems("space", **changed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# No front matter", "must begin with front matter"),
        ("---\nlicense: [\n---\n", "is no YAML"),
        ("---\n- license\n---\n", "must be an object"),
        # PyYAML takes the last of two; the Hub refuses.
        ("---\nlicense: mit\nlicense: mit\n---\n", '"license" stands twice'),
    ],
)
def test_a_card_without_readable_front_matter(text: str, said: str) -> None:
    (problem,) = card_problems(text, "model")
    assert said in problem
