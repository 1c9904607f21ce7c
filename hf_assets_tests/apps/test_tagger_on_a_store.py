"""The tagger page over a lake in a folder and on a store follows the models as they change."""

import json

import polars as pl
import pytest

from hf_assets.apps.tagger_service import Refused, TaggerService
from hf_assets.apps.trained import find
from hf_assets.object_store.path import StorePath
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.models import write_corpus, write_model
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault

CARD = "---\nlicense: mit\n---\n# A card\n"


def put_model(lake: Lake, path: str, word: str, label: str, *below: str) -> None:
    with replacing_folder(lake.folder(path, None)) as folder:
        model = folder.joinpath(*below)
        write_model(model, {word: label})
        (model / "README.md").write_text(CARD)


def labels(service: TaggerService, text: str) -> list[str]:
    return [tag.label for tag in service.answer("own", "", text, None).fit]


def test_a_page_follows_the_model_of_its_lake(any_lake: Lake) -> None:
    assert find(any_lake.root) == {}
    put_model(any_lake, "classifiers/own/small/quantized", "forest", "trees")
    put_model(any_lake, "classifiers/own/large/quantized", "forest", "woods")
    found = find(any_lake.root)
    assert (found["own"].base_model, found["own"].card) == ("large", "# A card")
    put_model(any_lake, "classifiers/own/tagger_space", "forest", "random-forest", "model")
    service = TaggerService(found := find(any_lake.root))
    assert labels(service, "a forest") == ["random-forest"]
    put_model(any_lake, "classifiers/own/tagger_space", "forest", "bagging", "model")
    assert labels(service, "a forest") == ["bagging"]
    assert found["own"].measured == {}
    assert found["own"].examples() == []
    assert not found["own"].generated


def test_scores_and_examples_come_from_the_lake(any_lake: Lake) -> None:
    put_model(any_lake, "classifiers/own/tagger_space", "forest", "trees", "model")
    with replacing_folder(any_lake.folder("classifiers/own/leaderboard", None)) as folder:
        rows = [("small", "int8", 0.5, 5.0), ("0", "floor", 0.0, None)]
        schema = ["model", "runtime", "micro_f1", "ms_p50"]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        frame.write_parquet(folder / "leaderboard.parquet")
        (folder / "leaderboard.json").write_text(json.dumps({"best": "small"}))
    with replacing_folder(any_lake.folder("corpora/own", None)) as folder:
        row = {"id": "1", "split": "test", "text": "A title\n\n" + "forest " * 9, "labels": ["a"]}
        write_corpus(folder / "made", [row], {"sources": {"x": [{"site": "generated.example"}]}})
        for path in (folder / "made").iterdir():
            path.rename(folder / path.name)
        (folder / "made").rmdir()
    model = find(any_lake.root)["own"]
    assert model.base_model == "small"
    assert model.measured["Micro-F1 on test"] == "0.500"
    assert [one.title for one in model.examples()] == ["A title"]
    assert model.generated


def test_a_page_whose_store_is_away_answers_on(
    bucket: StorePath, store_proxy: CountingProxy
) -> None:
    lake = Lake(bucket)
    put_model(lake, "classifiers/own/tagger_space", "forest", "trees", "model")
    service, late = TaggerService(find(bucket)), TaggerService(find(bucket))
    assert labels(service, "a forest") == ["trees"]
    store_proxy.faults = [Fault("AccessDenied")]
    assert labels(service, "a forest") == ["trees"]
    with pytest.raises(Refused, match=r"no model in s3://.*AccessDenied"):
        labels(late, "a forest")
