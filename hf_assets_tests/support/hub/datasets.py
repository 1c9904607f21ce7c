"""Datasets as `/api/datasets` lists them.

A dump of the Hub's datasets is in no package. The shapes are those of huggingface_hub's
`DatasetInfo` and of the Hub's documentation of dataset cards: names and numbers are made up.
"""

from typing import Any

from hf_assets_tests.support.hub.captures import Row, hub_id


def dataset(number: int, *tags: str, **fields: Any) -> Row:
    """A plain dataset; the higher its number, the younger it is."""
    return {
        "_id": hub_id(number),
        "id": f"author{number % 3}/data-{number:04d}",
        "createdAt": f"2024-01-01T00:{number // 60:02d}:{number % 60:02d}.000Z",
        "tags": list(tags),
        **fields,
    }


RECORDED: list[Row] = [
    dataset(
        *(1, "annotations_creators:crowdsourced", "language_creators:found"),
        *("multilinguality:monolingual", "source_datasets:original"),
        *("task_categories:question-answering", "task_ids:extractive-qa", "language:en"),
        *("license:cc-by-4.0", "size_categories:10K<n<100K", "format:parquet", "modality:text"),
        *("library:datasets", "library:pandas", "arxiv:1606.05250", "region:us"),
        id="answers/squares",
        author="answers",
        createdAt="2022-03-02T23:29:22.000Z",
        lastModified="2024-03-04T13:54:37.000Z",
        downloads=45_678,
        downloadsAllTime=1_234_567,
        likes=251,
        trendingScore=2,
        gated=False,
        private=False,
        disabled=False,
        usedStorage=102_400_000,
        mainSize=16_278_203,
    ),
    dataset(
        *(2, "task_categories:text-generation", "task_categories:summarization", "language:de"),
        *("language:fr", "license:apache-2.0", "license:other", "size_categories:1M<n<10M"),
        *("format:json", "modality:text", "croissant"),
        author="author2",
        downloads=900,
        downloadsAllTime=9_000,
        likes=3,
        trendingScore=0.7,
        gated="auto",
        private=False,
        disabled=False,
        usedStorage=5_000_000_000,
        mainSize=4_900_000_000,
    ),
    dataset(
        *(3, "task_categories:text-generation", "task_categories:text-generation"),
        *("language:zh", "language:en", "language:zh", "size_categories:n<1K"),
        *("size_categories:1K<n<10K", "format:csv", "modality:tabular", "modality:text"),
        downloads=12,
        likes=0,
        gated="manual",
    ),
    dataset(4, "en", "task_categories:", "language:", "size_categories:", "Task_Categories:x"),
    dataset(
        *(5, "task_categories:image-classification", "size_categories:unknown", "modality:image"),
        *("language:code", "format:imagefolder", "region:us"),
        downloads=0,
        likes=1,
        disabled=True,
        private=True,
    ),
    dataset(6, "region:us", downloads=5, downloadsAllTime=5),
    {"_id": hub_id(7), "id": "squares", "downloads": 3},
]
