"""Each fault that readers once had is seen in a table made by hand; right tables pass.

The check must see a fault whatever the readers make of the file today.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from hf_assets.hub.client.wire import Kind
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.reconciliation import (
    CREATED,
    Rows,
    put,
    verdict,
)

PRINTED = """\
_id,id,downloads,tags
aa01,ada/one,5000,['transformers' 'license:mit' 'base_model:finetune:ada/two']
aa02,ada/two,900,"['transformers' 'license:apache-2.0' 'text-generation' 'en'
 'region:us']"
"""
BASE = [{"id": "ada/two", "relation": "finetune"}]
PRINTED_RIGHT: Rows = [
    {
        "id": "ada/one",
        "downloads": 5000,
        "license": "mit",
        "tags": ["transformers", "license:mit", "base_model:finetune:ada/two"],
        "base_models": BASE,
    },
    {
        "id": "ada/two",
        "downloads": 900,
        "license": "apache-2.0",
        "tags": ["transformers", "license:apache-2.0", "text-generation", "en", "region:us"],
    },
]


def texts_of(rows: Rows, **texts: list[str]) -> pa.Table:
    """Rows as Parquet whose lists are texts."""
    plain = [{name: row[name] for name in ("id", "downloads")} for row in rows]
    frame = pl.DataFrame(plain).with_columns(pl.Series(n, t) for n, t in texts.items())
    return frame.to_arrow()


GLUED = [
    row | {"tags": ["".join(row["tags"])], "license": None, "base_models": None}
    for row in PRINTED_RIGHT
]
PRINTS = [
    "['transformers' 'license:mit' 'base_model:finetune:ada/two']",
    "array(['transformers', 'license:apache-2.0', 'text-generation', 'en',\n       'region:us'],"
    " dtype='<U18')",
]
TIMES = json.dumps(
    [{"id": "a/x", "createdAt": 1704067200000}, {"id": "a/y", "createdAt": 1704067200000.0}]
)


@dataclass(frozen=True)
class Fault:
    """A file, the right table, the wrong one, and what the check says of that.

    Args:
        warns: the run itself names what it left out: a warning, no error.
    """

    name: str
    content: Any
    right: Rows
    wrong: Rows
    says: tuple[str, ...]
    warns: bool = False
    notes: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    kind: Kind = "models"
    right_notes: dict[str, Any] = field(default_factory=dict)


FAULTS = {
    "numpy prints glued into one tag": Fault(
        "a.csv",
        PRINTED,
        PRINTED_RIGHT,
        GLUED,
        (
            "tags in all: 8 in the file, 2 in the table",
            "rows with a licence: 2 in the file, 0 in the table",
            "rows with a base model: 1 in the file, 0 in the table",
        ),
    ),
    "the same prints in a column of Parquet": Fault(
        "a.parquet",
        texts_of(PRINTED_RIGHT, tags=PRINTS),
        PRINTED_RIGHT,
        GLUED,
        ("tags in all: 8 in the file, 2 in the table",),
    ),
    "the same prints in JSON lines": Fault(
        "a.jsonl",
        "\n".join(
            json.dumps({"id": row["id"], "downloads": row["downloads"], "tags": text})
            for row, text in zip(PRINTED_RIGHT, PRINTS, strict=True)
        ),
        PRINTED_RIGHT,
        GLUED,
        ("tags in all: 8 in the file, 2 in the table",),
    ),
    "prints of what Spaces use": Fault(
        "spaces.csv",
        "id,likes,models\na/s,1,\"['a/x' 'b/y' 'a/x']\"\n",
        [{"id": "a/s", "likes": 1, "models": ["a/x", "b/y"]}],
        [{"id": "a/s", "likes": 1, "models": ["a/xb/ya/x"]}],
        ("models in all: 2 in the file, 1 in the table",),
        kind="spaces",
    ),
    "a list without a comma": Fault(
        "a.csv",
        "id,tags\na/x,\"['a' 'license:mit', 'c']\"\n",
        [{"id": "a/x", "tags": ["a", "license:mit", "c"], "license": "mit"}],
        [{"id": "a/x", "tags": ["alicense:mit", "c"]}],
        ("tags in all: 3 in the file, 2 in the table", "rows with a licence: 1"),
    ),
    "licences that the file does not have": Fault(
        "a.csv",
        "id,tags\na/x,\"['x', 'a license:mit b']\"\n",
        [{"id": "a/x", "tags": ["x", "a license:mit b"]}],
        [{"id": "a/x", "tags": ["x", "a license:mit b"], "license": "mit b"}],
        ("rows with a licence: 0 in the file, 1 in the table",),
    ),
    "counters that JSON writes as floats": Fault(
        "a.jsonl",
        '{"id":"a/x","downloads":5000.0,"likes":3.0}\n{"id":"a/y","downloads":null,"likes":4.0}\n',
        [{"id": "a/x", "downloads": 5000, "likes": 3}, {"id": "a/y", "likes": 4}],
        [{"id": "a/x"}, {"id": "a/y"}],
        ("sum of downloads: 5,000 in the file, 0 in the table", "sum of likes: 7 in the file"),
        warns=True,
        notes={"nulled downloads": 1, "nulled likes": 2},
    ),
    "counters lost without a word": Fault(
        "a.csv",
        "id,likes\na/x,3.0\na/y,4\n",
        [{"id": "a/x", "likes": 3}, {"id": "a/y", "likes": 4}],
        [{"id": "a/x", "likes": 3}, {"id": "a/y"}],
        ("sum of likes: 7 in the file, 3 in the table", "rows with likes: 2 in the file, 1 in"),
    ),
    "field names of the client, unread": Fault(
        "a.csv",
        ",id,created_at,downloads_all_time,trending_score\n"
        "0,a/x,2024-01-03 02:24:41+00:00,63019,50\n1,a/y,2024-02-03 02:24:41+00:00,7019,0.5\n",
        [
            {"id": "a/x", "created_at": CREATED, "downloads_all_time": 63019, "trending_score": 50},
            {"id": "a/y", "created_at": CREATED, "downloads_all_time": 7019, "trending_score": 0.5},
        ],
        [{"id": "a/x"}, {"id": "a/y"}],
        (
            "rows with createdAt: 2 in the file, 0 in the table",
            "sum of downloadsAllTime: 70,038 in the file, 0 in the table",
            "sum of trendingScore in millionths: 50,500,000 in the file, 0 in the table",
        ),
    ),
    "unread columns that the run names": Fault(
        "a.csv",
        "id,created_at\na/x,2024-01-03\n",
        [{"id": "a/x", "created_at": CREATED}],
        [{"id": "a/x"}],
        ("rows with createdAt: 1 in the file, 0 in the table",),
        warns=True,
        unread={"created_at": "any reason"},
    ),
    "a header in the middle": Fault(
        "a.csv",
        "id,downloads,likes\na/x,5,1\nid,downloads,likes\n\ufeffid,downloads,likes\na/y,6,2\n",
        [{"id": "a/x", "downloads": 5, "likes": 1}, {"id": "a/y", "downloads": 6, "likes": 2}],
        [
            {"id": "a/x", "downloads": 5, "likes": 1},
            {"id": "id"},
            {"id": "a/y", "downloads": 6, "likes": 2},
        ],
        ("rows: 2 in the file, 3 in the table",),
        notes={"nulled downloads": 1, "nulled likes": 1},
    ),
    "rows lost": Fault(
        "a.json",
        json.dumps({"models": [{"id": "a/x"}, {"id": "a/y"}, {"id": ""}], "spaces": [{}]}),
        [{"id": "a/x"}, {"id": "a/y"}],
        [{"id": "a/x"}],
        ("rows: 2 in the file, 1 in the table",),
        notes={"quarantined": 1},
        right_notes={"quarantined": 1},
    ),
    "rows put aside that have a name": Fault(
        "a.jsonl",
        '{"model_id": "a/x", "likes": 3}\n{"model_id": "a/y", "likes": 4}\n',
        [{"id": "a/x", "likes": 3}, {"id": "a/y", "likes": 4}],
        [{"id": "a/x", "likes": 3}],
        ("rows: 2 in the file, 1 in the table",),
        warns=True,
        notes={"quarantined": 1},
    ),
    "gated in DuckDB's JSON type": Fault(
        "a.parquet",
        pa.table(
            {
                "id": ["a/x", "a/y", "a/z"],
                "gated": pa.array(['"auto"', "false", None], pa.json_(pa.utf8())),
            }
        ),
        [{"id": "a/x", "gated": "auto"}, {"id": "a/y", "gated": "false"}, {"id": "a/z"}],
        [{"id": "a/x"}, {"id": "a/y"}, {"id": "a/z"}],
        ("rows with gated: 2 in the file, 0 in the table",),
        warns=True,
        unread={"gated": "a column of extension<arrow.json>"},
    ),
    "gated as true": Fault(
        "a.json",
        '[{"id": "a/x", "gated": true}, {"id": "a/y", "gated": false}]',
        [{"id": "a/x", "gated": "auto"}, {"id": "a/y", "gated": "false"}],
        [{"id": "a/x"}, {"id": "a/y", "gated": "false"}],
        ("rows with gated: 2 in the file, 1 in the table",),
        warns=True,
        notes={"nulled gated": 1},
    ),
    "times in milliseconds": Fault(
        "a.json",
        TIMES,
        [{"id": "a/x", "created_at": CREATED}, {"id": "a/y", "created_at": CREATED}],
        [{"id": "a/x"}, {"id": "a/y"}],
        ("rows with createdAt: 2 in the file, 0 in the table",),
        warns=True,
        notes={"nulled createdAt": 2},
    ),
    "a model's weights": Fault(
        "a.csv",
        "id,safetensors,gguf\na/x,\"{'total': 7, 'parameters': {'F16': 7}}\",\n"
        'a/y,,"{""total"": 5}"\na/z,,\n',
        [{"id": "a/x", "parameters": 7}, {"id": "a/y", "parameters": 5}, {"id": "a/z"}],
        [{"id": "a/x", "parameters": 7}, {"id": "a/y"}, {"id": "a/z"}],
        ("sum of parameters: 12 in the file, 7 in the table",),
    ),
    "bases in their own field": Fault(
        "a.jsonl",
        json.dumps({"id": "a/x", "baseModels": {"relation": "merge", "models": [{"id": "b/y"}]}})
        + "\n"
        + json.dumps({"id": "a/y", "baseModels": {"models": []}, "tags": ["base_model:b/y"]}),
        [
            {"id": "a/x", "base_models": [{"id": "b/y", "relation": "merge"}]},
            {
                "id": "a/y",
                "tags": ["base_model:b/y"],
                "base_models": [{"id": "b/y", "relation": None}],
            },
        ],
        [{"id": "a/x"}, {"id": "a/y", "tags": ["base_model:b/y"]}],
        ("rows with a base model: 2 in the file, 0 in the table",),
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_seen_and_the_right_table_passes(
    tmp_path: Path, lake: Lake, fault: Fault
) -> None:
    path = put(tmp_path / fault.name, fault.content)
    right = verdict(lake, path, fault.right, fault.kind, notes=fault.right_notes)
    assert right.passed, right.description
    assert "numbers agree" in right.description
    facts = {"unread": fault.unread}
    wrong = verdict(lake, path, fault.wrong, fault.kind, facts=facts, notes=fault.notes)
    assert not wrong.passed
    assert (wrong.severity == "WARN") is fault.warns
    for words in fault.says:
        assert words in wrong.description, wrong.description
