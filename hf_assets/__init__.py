"""Daily captures of the Hugging Face Hub, and classifiers of labels, as one Dagster graph.

`hf_assets.Corpus`, the component, is imported when it is asked for: an installation that serves a
tagger has no Dagster.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_assets.defs.labels.component import Corpus as Corpus

_COMPONENT = "Corpus"


def __getattr__(name: str) -> Any:
    if name != _COMPONENT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if find_spec("dagster") is None:
        raise ImportError("hf_assets.Corpus needs Dagster: pip install 'hf_assets[labels]'")
    from hf_assets.defs.labels import component

    return component.Corpus


def __dir__() -> list[str]:
    # Dagster looks for components among these names.
    return [*globals(), *([_COMPONENT] if find_spec("dagster") else [])]
