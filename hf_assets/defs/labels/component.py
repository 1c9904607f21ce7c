"""The component `hf_assets.Corpus`: a corpus as an entry of a defs.yaml.

The model is that of the TOML file, and so are the assets. Every `dg` command of an environment, in
other projects, too, loads this module: it imports the graph only to build it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster.components.component.component import ComponentTypeSpec
from dagster.components.resolved.context import ResolutionContext
from dagster.components.resolved.errors import ResolutionException
from pydantic import GetJsonSchemaHandler, RootModel

from hf_assets.corpora.entries import EntryError
from hf_assets.corpora.registry import CorpusSpec, read_entry
from hf_assets.defs.common.broken import broken_component
from hf_assets.defs.labels.scaffolding import CorpusScaffolder
from hf_assets.errors import clean

# Shown in the docs tab of the UI, in an entry that is otherwise of dots.
EXAMPLES = {
    "name": "biology",
    "source": "biology.csv",
    "rare_share": 0.001,
    "text": ["title", "body"],
    "labels": "tags",
    "format": "html",
    "code": "drop",
}


class Attributes(RootModel[dict[str, Any]]):
    """The attributes of a component, unchecked; their schema is that of an entry.

    An error at this point would stop the complete code location.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, __: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = CorpusSpec.model_json_schema()
        keys = schema["properties"]
        # What `read_entry` completes may be missing, or shorter.
        schema["required"].remove("name")
        keys["name"]["description"] += " Without it, the name of the folder."
        columns = {key: keys["text"].pop(key) for key in ("type", "items", "minItems")}
        keys["text"]["anyOf"] = [columns, {"type": "string"}]
        for name, example in EXAMPLES.items():
            keys[name]["examples"] = [example]
        return schema | {"title": "Corpus", "description": "An entry of a corpus."}


@dg.scaffold_with(CorpusScaffolder)
@dataclass(frozen=True)
class Corpus(dg.Component):
    """A corpus of texts with labels, and all assets from it to a tagger.

    `source` is a file of yours (CSV, TSV, JSON lines, Parquet; a path is relative to defs.yaml), or
    source assets of the graph. `rare_share` is required, too. The name of the corpus is that of the
    folder. An entry that is invalid becomes an asset with a failing check; all else loads.

    The lake, where everything is stored, is the folder that HF_ASSETS_DATA names.
    """

    name: str
    spec: CorpusSpec | None = None
    problem: str = ""
    file: str = ""
    line: int = 0

    @classmethod
    def get_spec(cls) -> ComponentTypeSpec:
        """Who owns it, and what it produces."""
        return ComponentTypeSpec(
            owners=["team:labels"], tags=["labels"], produces=["asset", "asset_check"]
        )

    @classmethod
    def get_model_cls(cls) -> type[Attributes]:
        """What a defs.yaml may contain."""
        return Attributes

    @classmethod
    def load(cls, attributes: Any, context: dg.ComponentLoadContext) -> "Corpus":
        """The corpus of those attributes, or what is wrong with them."""
        values = dict(attributes.root) if attributes else {}
        resolution = context.resolution_context
        tree = resolution.source_position_tree
        file = Path(tree.position.filename) if tree else context.path / "defs.yaml"
        line = tree.position.start.line if tree else 0
        name = values.pop("name", context.path.name)
        try:
            name = _resolved(name, resolution)
            return cls(
                name, read_entry(name, _resolved(values, resolution), file), "", str(file), line
            )
        except EntryError as error:
            return cls(str(name), None, str(error), str(file), line)
        except ResolutionException as error:
            # Its last line is the error; those before it show the file.
            return cls(str(name), None, clean(str(error).strip().splitlines()[-1]), str(file), line)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The corpus with its chain, or an asset that fails a check with what is wrong."""
        from hf_assets.defs.labels.chain import chain, taken

        problem = self.problem or taken(self.name) or self._also_in(context)
        if self.spec and not problem:
            return chain(self.spec)
        component = context.component_path.get_relative_key(context.defs_module_path)
        where = self.file or str(context.path)
        message = problem if where in problem else f"{where}: {problem}"
        return broken_component(component.removesuffix("[0]"), where, message)

    def _also_in(self, context: dg.ComponentLoadContext) -> str:
        """Where a component before this one has the same name; empty where none has."""
        if not self.line:
            return ""
        for other in context.component_tree.get_all_components(Corpus):
            if (other.file, other.line) == (self.file, self.line):
                break
            if other.spec and other.name == self.name:
                return f"{self.name} is the corpus of {other.file}, too: set another `name` here"
        return ""


def _resolved(value: Any, context: ResolutionContext) -> Any:
    """The value with its templates filled in; `{{ env.NAME }}` is one, and all else stays."""
    if isinstance(value, Mapping):
        return {key: _resolved(each, context.at_path(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, context.at_path(index)) for index, each in enumerate(value)]
    # Jinja would take the text "1" for a number.
    if not isinstance(value, str) or "{{" not in value:
        return value
    filled = context.resolve_value(value)
    if filled is None:
        raise ResolutionException(f"{value} is empty: is that environment variable set?")
    return filled
