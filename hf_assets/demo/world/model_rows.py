"""Rows of a generated Hub's models as JSON text."""

import datetime as dt
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world import vocabulary as words
from hf_assets.demo.world.columns import join_rows, scores, shas, times
from hf_assets.demo.world.draws import Index, cumulative
from hf_assets.demo.world.lineage import FORMATS, QUANTIZED, RELATIONS
from hf_assets.demo.world.models import CATEGORIES, LIBRARIES, ModelWorld
from hf_assets.demo.world.source import KEY_ORDER
from hf_assets.demo.world.timeline import DAY_SECONDS, Mix, moment
from hf_assets.demo.world.vocabulary import quoted

_LICENSES = list(words.LICENSES)
_LICENSE_MIX = Mix(words.LICENSES, words.YEARLY)
# Parameters of the usual sizes.
_SIZES = (22_713_216, 66_955_010, 109_482_240, 334_100_000, 494_032_768, 1_543_714_304,
          3_212_749_824, 7_241_732_096, 8_030_261_248, 13_015_864_320, 70_553_706_496)  # fmt: skip
_SIZE_CDF = cumulative([6, 14, 18, 8, 12, 12, 8, 12, 7, 2, 1])
_ARCHITECTURES = ("llama", "qwen2", "qwen3", "gemma3", "mistral", "phi3", "deepseek2", "gpt-oss")


class ModelPage:
    """Rows of a few models on one day.

    Args:
        world: the models.
        index: which ones, in the order of the rows.
        day: the day.
    """

    def __init__(self, world: ModelWorld, index: Index, day: dt.date) -> None:
        self._world, self._index, self._day = world, index, day
        self._number = moment(day) // DAY_SECONDS
        self._draws = world.draws

    def rows(self, fields: frozenset[str]) -> list[bytes]:
        """Each row as a JSON object with those of `fields` that it has."""
        writers = self._writers()
        columns = [
            writers[name]() for name in KEY_ORDER["models"] if name in fields & writers.keys()
        ]
        return join_rows(columns)

    def _writers(self) -> dict[str, Callable[[], list[str]]]:
        world, index, day = self._world, self._index, self._day
        return {
            "_id": lambda: [f'"_id":"{x}"' for x in world.timeline.hub_ids(index)],
            "id": lambda: [f',"id":"{x}"' for x in self._ids],
            "author": lambda: [f',"author":"{x}"' for x in self._authors],
            "gated": self._gated,
            "disabled": lambda: [',"disabled":false'] * len(index),
            "lastModified": lambda: times("lastModified", world.modified(index, day)),
            "likes": lambda: [f',"likes":{x}' for x in world.likes(index, day).tolist()],
            "trendingScore": lambda: scores(world.trending(index, day)),
            "private": lambda: [',"private":false'] * len(index),
            "sha": lambda: shas(self._draws, index, world.modified(index, day)),
            "downloads": lambda: [
                f',"downloads":{x}' for x in world.downloads(index, day).tolist()
            ],
            "downloadsAllTime": lambda: [
                f',"downloadsAllTime":{x}' for x in world.downloads_all_time(index, day).tolist()
            ],
            "tags": self._tags,
            "pipeline_tag": self._category,
            "library_name": self._library,
            "createdAt": lambda: times("createdAt", world.timeline.created(index)),
            "modelId": lambda: [f',"modelId":"{x}"' for x in self._ids],
            "siblings": lambda: (
                [
                    ',"siblings":[{"rfilename":".gitattributes"},{"rfilename":"README.md"},'
                    '{"rfilename":"config.json"}]'
                ]
                * len(index)
            ),
            "cardData": self._card,
            "baseModels": self._base_models,
            "gguf": self._gguf,
            "safetensors": self._safetensors,
            "usedStorage": self._storage,
        }

    @cached_property
    def _ids(self) -> list[str]:
        return self._world.ids(self._index, self._number, self._authors)

    @cached_property
    def _authors(self) -> list[str]:
        return self._world.author_names(self._index)

    @cached_property
    def _quantised(self) -> list[int]:
        """Index into FORMATS; below 0 for those that are not quantised."""
        lineage, index = self._world.lineage, self._index
        quantised = (self._world.base_ranks(index) >= 0) & (lineage.relations(index) == QUANTIZED)
        return np.where(quantised, lineage.formats(index), -1).tolist()

    @cached_property
    def _relations(self) -> list[str]:
        return [RELATIONS[code] for code in self._world.lineage.relations(self._index).tolist()]

    @cached_property
    def _categories(self) -> NDArray[np.int64]:
        return self._world.categories(self._index)

    @cached_property
    def _libraries(self) -> NDArray[np.int64]:
        return self._world.libraries(self._index)

    @cached_property
    def _has_safetensors(self) -> NDArray[np.bool_]:
        return self._draws.uniform("safetensors", self._index) < 0.55

    @cached_property
    def _is_gguf(self) -> NDArray[np.bool_]:
        quantized = np.array(self._quantised, dtype=np.int64) == 0
        return (quantized | (self._draws.uniform("gguf", self._index) < 0.03)) & (
            self._draws.uniform("gguf read", self._index) < 0.6
        )

    @cached_property
    def _parameters(self) -> list[int]:
        size = np.asarray(_SIZES)[self._draws.choice("size", self._index, _SIZE_CDF)]
        return (size + self._draws.integers("head", self._index, 40_000) * 256).tolist()

    @cached_property
    def _license_codes(self) -> list[int]:
        born = self._world.timeline.created(self._index)
        codes = _LICENSE_MIX.codes(self._draws, "license", self._index, born)
        codes[self._draws.uniform("licensed", self._index) > words.WITH_LICENSE] = -1
        return codes.tolist()

    def _gated(self) -> list[str]:
        texts = (',"gated":false', ',"gated":"auto"', ',"gated":"manual"')
        draw = self._draws.uniform("gated", self._index)
        return [texts[code] for code in np.searchsorted(np.array([0.97, 0.99]), draw).tolist()]

    def _category(self) -> list[str]:
        return [
            f',"pipeline_tag":"{CATEGORIES[code]}"' if code >= 0 else ""
            for code in self._categories.tolist()
        ]

    def _library(self) -> list[str]:
        # The Hub leaves an unknown library out; now and then a card has put a null there.
        null = (self._draws.uniform("null", self._index) < 0.002).tolist()
        texts = [f',"library_name":"{name}"' if name else "" for name in LIBRARIES]
        return [
            texts[code] or (',"library_name":null' if n else "")
            for code, n in zip(self._libraries.tolist(), null, strict=True)
        ]

    def _base_tags(self) -> list[str]:
        """Tags that name the bases, as they were called when the card was written."""
        world, index, texts = self._world, self._index, [""] * len(self._index)
        bases = world.lineage.bases(index)
        names = world.base_names(bases, world.timeline.created(index) // DAY_SECONDS)
        bare = bases.bare.tolist()
        for at, name in zip(bases.owner.tolist(), names, strict=True):
            texts[at] += f'"base_model:{name}",'
            if not bare[at]:
                texts[at] += f'"base_model:{self._relations[at]}:{name}",'
        return texts

    def _tags(self) -> list[str]:
        d, index = self._draws, self._index
        extra = d.bits("extra tags", index).tolist()
        languages = d.zipf("language", index, len(words.LANGUAGES)).tolist()
        datasets = d.zipf("dataset", index, len(words.DATASETS)).tolist()
        papers = d.zipf("paper", index, len(words.PAPERS))
        papers[d.uniform("names a paper", index) > 0.2] = -1
        columns = zip(
            self._libraries.tolist(), self._has_safetensors.tolist(), self._is_gguf.tolist(),
            self._categories.tolist(), self._license_codes, self._base_tags(),
            self._quantised, extra, languages, datasets,
            self._world.trained_on(index), papers.tolist(), self._hints(), strict=True,
        )  # fmt: skip
        libraries = [f'"{name}",' if name else "" for name in LIBRARIES]
        rows = []
        for lib, safe, gguf, cat, lic, bases, form, x, language, *rest in columns:
            dataset, trained, paper, hint = rest
            text = libraries[lib] + hint
            if safe:
                text += '"safetensors",'
            if gguf:
                text += '"gguf",'
            if cat >= 0:
                text += f'"{CATEGORIES[cat]}",'
            if x & 7 == 0:
                text += '"generated_from_trainer",'
            if x >> 3 & 15 == 0:
                text += '"trl","sft",'
            if x >> 7 & 1:
                text += f'"{words.LANGUAGES[language]}",'
            if x >> 8 & 31 == 0:
                text += f'"{words.LANGUAGES[(language + 5) % len(words.LANGUAGES)]}",'
            if x >> 13 & 7 == 0:
                text += f'"dataset:{words.DATASETS[dataset]}",'
                trained = [one for one in trained if one != words.DATASETS[dataset]]
            text += "".join(f'"dataset:{one}",' for one in trained)
            if x >> 16 & 7 == 0:
                text += f'"arxiv:{1900 + (x >> 19) % 700:04d}.{(x >> 29) % 99999:05d}",'
            if paper >= 0:
                text += f'"arxiv:{words.PAPERS[paper]}",'
            text += bases
            if form >= 0:
                text += "".join(f'"{tag}",' for tag in FORMATS[form][1])
            if lic >= 0:
                text += f'"license:{_LICENSES[lic]}",'
            if x >> 46 & 255 == 0:
                text += quoted(words.ODD_TAGS[(x >> 54) % len(words.ODD_TAGS)]) + ","
            if x >> 60 & 3 == 0:
                text += '"endpoints_compatible",'
            rows.append(f',"tags":[{text}"region:us"]')
        return rows

    def _hints(self) -> list[str]:
        """A tag that most models of a topic have, with a category or without."""
        drawn = (self._draws.uniform("hint", self._index) < words.WITH_HINT).tolist()
        topics = self._world.topics(self._index).tolist()
        hints = [f'"{words.HINTS[name]}",' if name in words.HINTS else "" for name in CATEGORIES]
        return [hints[topic] if there else "" for topic, there in zip(topics, drawn, strict=True)]

    def _card(self) -> list[str]:
        return [
            f',"cardData":{{"license":"{_LICENSES[code]}"}}' if code >= 0 else ',"cardData":{}'
            for code in self._license_codes
        ]

    def _base_models(self) -> list[str]:
        world = self._world
        bases = world.lineage.listed(self._index, self._number)
        names = world.base_names(bases, np.full(len(self._index), self._number))
        hub_ids = world.timeline.hub_ids(bases.base)
        parts: list[list[str]] = [[] for _ in range(len(self._index))]
        for at, x, name in zip(bases.owner.tolist(), hub_ids, names, strict=True):
            parts[at].append(f'{{"_id":"{x}","id":"{name}"}}')
        return [
            f',"baseModels":{{"relation":"{relation}","models":[{",".join(models)}]}}'
            if models
            else ""
            for relation, models in zip(self._relations, parts, strict=True)
        ]

    def _gguf(self) -> list[str]:
        pick = self._draws.integers("architecture", self._index, 8).tolist()
        return [
            f',"gguf":{{"total":{size},"architecture":"{_ARCHITECTURES[a]}",'
            f'"context_length":{2048 << a}}}'
            if gguf
            else ""
            for gguf, size, a in zip(self._is_gguf.tolist(), self._parameters, pick, strict=True)
        ]

    def _safetensors(self) -> list[str]:
        kind = self._draws.integers("dtype", self._index, 10).tolist()
        rows = []
        for safe, n, k in zip(self._has_safetensors.tolist(), self._parameters, kind, strict=True):
            if not safe:
                rows.append("")
            elif k == 0:
                parameters = f'{{"I64":512,"F32":{n - 512}}}'
                rows.append(f',"safetensors":{{"parameters":{parameters},"total":{n}}}')
            else:
                dtype = ("F32", "F16", "BF16")[k % 3]
                rows.append(f',"safetensors":{{"parameters":{{"{dtype}":{n}}},"total":{n}}}')
        return rows

    def _storage(self) -> list[str]:
        many = self._draws.integers("copies", self._index, 7).tolist()
        return [
            f',"usedStorage":{size * m * 2 + 1539}'
            for size, m in zip(self._parameters, many, strict=True)
        ]
