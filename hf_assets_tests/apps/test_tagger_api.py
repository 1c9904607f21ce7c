"""The tagger without a browser: its HTTP API, what it finds in a lake, how it starts."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hf_assets.apps.tagger_service import TaggerService
from hf_assets.apps.trained import Taggers, Trained, find
from hf_assets.classifiers.tagger import NotATagger
from hf_assets.storage.folders import replacing_folder
from hf_assets_tests.apps.conftest import PROJECT, TITLE, TORN, Served
from hf_assets_tests.support.apps.models import IMAGE, THRESHOLD, WORDS, write_model

SURE = 0.9525741  # sigmoid of 3


def call(served: Served, *given: Any) -> list[dict[str, Any]] | str:
    """What the API answers, or the error it tells."""
    url = f"{served.url}/gradio_api/call/tag"
    body = json.dumps({"data": given}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request, timeout=60))["event_id"]
    said = urllib.request.urlopen(f"{url}/{event}", timeout=60).read().decode()
    kind, data = (line.partition(": ")[2] for line in said.strip().splitlines()[:2])
    answer = json.loads(data)
    assert kind in ("complete", "error"), said
    return answer[0] if kind == "complete" else answer["error"]


@pytest.mark.heavy
def test_labels_come_back_best_first_with_their_scores(served: Served) -> None:
    assert call(served, "questions", "A forest", "with a prior", None) == [
        {"label": "random-forest", "score": pytest.approx(SURE)},
        {"label": "bayesian", "score": pytest.approx(SURE)},
    ]


@pytest.mark.heavy
def test_a_threshold_of_ones_own_takes_the_place_of_the_models(served: Served) -> None:
    assert call(served, "questions", "", "maybe", None) == []
    found = call(served, "questions", "", "maybe", 0.1)
    assert found == [{"label": "random-forest", "score": pytest.approx(0.1824255)}]
    assert call(served, "questions", "forest", "", 0.99) == []


@pytest.mark.heavy
def test_long_texts_and_labels_of_any_kind_pass(served: Served) -> None:
    text = "image template long " + "and so on " * 10_000
    found = call(served, "questions", "", text, None)
    assert [tag["label"] for tag in found] == list(WORDS.values())[2:]  # ty: ignore


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("questions", "", " \n", None), "write a title or a text"),
        (("nowhere", "a", "b", None), "choose from datasets, questions, torn"),
        ((None, "a", "b", None), "choose from datasets, questions, torn"),
        ((TORN, "a", "b", None), "The model cannot answer: no model in"),
        (("questions", None, "b", None), "title cannot be read: a text is wanted, not None"),
        (("questions", "a", 5, None), "text cannot be read: a text is wanted, not 5"),
        (("questions", "a", "b\ud800", None), "text cannot be read: character 1 is half of a"),
        (("questions", "a", "b", float("nan")), "number from 0 to 1, not nan"),
        (("questions", "a", "b", 1.5), "number from 0 to 1, not 1.5"),
        (("questions", "a", "b", "0.5"), "number from 0 to 1, not '0.5'"),
        (("questions", "a"), "didn't receive enough input values"),
    ],
)
def test_what_cannot_be_answered_is_said(served: Served, given: Any, said: str) -> None:
    answer = call(served, *given)
    assert isinstance(answer, str)
    assert said in answer


@pytest.mark.heavy
def test_many_at_a_time_get_each_their_own_answer(served: Served) -> None:
    expected = {"questions": "random-forest", "datasets": "land-use"}
    asked = list(expected) * 12
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda name: call(served, name, "forest", "", None), asked))
    assert [[tag["label"] for tag in one] for one in answers] == [  # ty: ignore
        [expected[name]] for name in asked
    ]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {"Host": "evil.example"}),
        ("POST", "/gradio_api/call/tag", {"Host": "rebound.example:7860"}),
        ("POST", "/gradio_api/call/tag", {"Origin": "https://evil.example"}),
        ("POST", "/gradio_api/queue/join", {"Origin": "null"}),
        ("GET", "/gradio_api/heartbeat/x", {"Origin": "http://127.0.0.1:1"}),
        ("POST", "/gradio_api/upload", {}),
        ("GET", "/monitoring", {}),
        ("GET", "/monitoring/summary", {}),
    ],
)
def test_others_may_not_ask_and_what_nobody_needs_is_closed(
    served: Served, method: str, path: str, headers: dict[str, str]
) -> None:
    body = json.dumps({"data": ["questions", "forest", "", None]}).encode()
    sent = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(
        f"{served.url}{path}", body if method == "POST" else None, sent, method=method
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == 403


@pytest.mark.heavy
def test_what_asks_too_much_is_refused(served: Served) -> None:
    said = call(served, "questions", "", "x" * 200_001, None)
    assert isinstance(said, str)
    assert "200,001 characters are too many: the limit is 200,000" in said
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(served, "questions", "", "x" * (5 << 20), None)
    assert caught.value.code == 413


def refused(tmp_path: Path, *given: str) -> str:
    """What the program says before it ends with 2."""
    ended = subprocess.run(
        [sys.executable, "-m", "hf_assets.apps.tagger", *given],
        cwd=tmp_path,
        env=os.environ | {"HF_ASSETS_DATA": str(tmp_path / "lake"), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.heavy
def test_without_a_model_it_says_what_to_run(tmp_path: Path) -> None:
    said = refused(tmp_path)
    assert f"{tmp_path}/lake/classifiers nor data/demo/classifiers" in said
    assert "make demo" in said


@pytest.mark.heavy
@pytest.mark.release
def test_a_port_that_is_taken_is_said(tmp_path: Path, served: Served) -> None:
    port = served.url.rpartition(":")[2]
    assert port in refused(tmp_path, "--data", str(served.data), "--port", port)


def test_a_model_that_was_not_measured_is_told_without_scores(small_lake: Path) -> None:
    board = small_lake / "classifiers" / "questions" / "leaderboard"
    (board / "leaderboard.json").write_text('{"best": "another"}')
    assert find(small_lake)["questions"].measured == {}
    (board / "leaderboard.parquet").write_bytes(b"torn")
    assert find(small_lake)["questions"].measured == {}


def test_the_model_of_the_space_is_preferred(small_lake: Path) -> None:
    home = small_lake / "classifiers" / "questions"
    write_model(home / "another" / "quantized")
    (small_lake / "classifiers" / "untrained" / "baseline").mkdir(parents=True)
    found = find(small_lake)
    assert {name: model.folder for name, model in found.items()} == {
        "datasets": small_lake / "classifiers" / "datasets" / "some-encoder" / "quantized",
        "questions": home / "tagger_space" / "model",
        TORN: small_lake / "classifiers" / TORN / "tagger_space" / "model",
    }
    assert found["datasets"].base_model == "some-encoder"
    assert found["datasets"].measured == {}


def test_without_a_space_the_model_made_last_serves(tmp_path: Path) -> None:
    for age, name in enumerate(("second", "first", "third")):
        folder = tmp_path / "classifiers" / "corpus" / name / "quantized"
        write_model(folder)
        os.utime(folder, (0, 1_000 - age if name != "third" else 2_000))
    assert find(tmp_path)["corpus"].base_model == "third"


def test_what_is_told_of_a_model_is_what_lies_there(small_lake: Path) -> None:
    model = find(small_lake)["questions"]
    assert model.base_model == "some-encoder"
    assert model.measured == {
        "Micro-F1 on test": "0.610",
        "Floor, constant labels": "0.118",
        "A text": "5.1 ms",
    }
    assert model.generated
    assert model.card.startswith("# A tagger of questions")
    bare = find(small_lake)["datasets"]
    assert (bare.card, bare.generated, bare.examples()) == ("", False, [])


def test_examples_are_short_test_rows_with_different_labels(small_lake: Path) -> None:
    first, second = find(small_lake)["questions"].examples()
    assert first[:2] == (TITLE, "With an informative prior.\n\nThat is all.")
    assert second[:2] == ("", "An image without a title, told in a single paragraph")
    assert (first.link, first.author, first.license) == (
        "https://a.example/1",
        "Author 0 <b>",
        "CC BY-SA 4.0",
    )


def test_the_slider_begins_at_the_tuned_threshold(small_lake: Path) -> None:
    """Who asks before the page has loaded gets an answer at the threshold that is shown then."""
    import gradio as gr

    from hf_assets.apps.tagger import build

    page = build(find(small_lake))
    (slider,) = [one for one in page.blocks.values() if isinstance(one, gr.Slider)]
    assert slider.value == round(THRESHOLD, 3)


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        ("---\na: b\n---\n# Text\n\n---\nmore\n", "# Text\n\n---\nmore"),
        ("# Text\n\n---\nmore\n---\n", "# Text\n\n---\nmore\n---"),
        ("---\nfront matter without an end", ""),
        ("", ""),
    ],
)
def test_a_card_is_shown_without_its_front_matter(tmp_path: Path, card: str, shown: str) -> None:
    (tmp_path / "README.md").write_text(card)
    assert Trained("corpus", tmp_path, tmp_path).card == shown


def test_a_model_is_loaded_once_and_anew_when_it_was_replaced(tmp_path: Path) -> None:
    folder, taggers = tmp_path / "tagger_space" / "model", Taggers()
    write_model(folder)
    tagger = taggers.get(folder)
    assert taggers.get(folder) is tagger
    with replacing_folder(folder.parent) as made:
        write_model(made / "model", {"weather": "climate"})
    assert list(taggers.get(folder).labels) == ["climate"]
    folder.parent.rename(tmp_path / "aside")
    assert list(taggers.get(folder).labels) == ["climate"]
    with pytest.raises(NotATagger):
        Taggers().get(folder)


def test_the_tuned_threshold_is_meant_exactly_where_the_slider_rounds_it(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    desk = TaggerService({"corpus": Trained("corpus", tmp_path / "model", tmp_path)})
    for given, meant in ((None, THRESHOLD), (0.273, THRESHOLD), (0.274, 0.274), (0, 0.0)):
        assert desk.answer("corpus", "", IMAGE, given).threshold == meant
    assert len(desk.answer("corpus", "", IMAGE, 0).fit) == len(WORDS)
