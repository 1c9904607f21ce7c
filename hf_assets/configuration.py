"""What is wrong with the files and folders that settings name, without a step that reads them.

A broken one stops nothing but what is made of it. The graph reports the problems as failing checks,
`hf-assets status` as lines.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hf_assets.classifiers.own_base_models import known_base_models
from hf_assets.classifiers.training.base_models import base_problems, folder_problems
from hf_assets.corpora.registry import corpora
from hf_assets.errors import InputError, clean
from hf_assets.hub.open_archive import why_no_archive
from hf_assets.object_store.listing import folder_names
from hf_assets.settings import Settings, rejected


@dataclass(frozen=True)
class Problem:
    """A setting that cannot be used as it is.

    Attributes:
        where: the environment variable.
        message: what is wrong with it, and what to do.
    """

    where: str
    message: str


def corpora_problems(settings: Settings) -> list[str]:
    """Broken entries of the file of corpora, or why it cannot be read."""
    return [str(problem) for problem in corpora(settings.corpora).problems]


def base_model_problems(settings: Settings) -> list[str]:
    """Incomplete copies in the folder of base models, or why it has none."""
    if not settings.base_models:
        return []
    known = known_base_models(settings.own_base_models).models.values()
    return folder_problems(settings.base_models, [base for base in known if not base.folder])


def own_base_model_problems(settings: Settings) -> list[str]:
    """Broken entries of the file of base models, or why it cannot be read; incomplete folders."""
    known = known_base_models(settings.own_base_models)
    wrong = [str(problem) for problem in known.problems]
    return wrong + [message for base in known.own for message in base_problems(base)]


def resource_problems(settings: Settings) -> list[str]:
    """Resources of base models that are none."""
    known = known_base_models(settings.own_base_models).models
    strange = [clean(name, 80) for name in settings.base_model_resources if name not in known]
    return [f"{name} is no base model: take one of {', '.join(known)}." for name in strange]


def archive_problems(settings: Settings) -> list[str]:
    """Why the archive of past days cannot be used; asks no network."""
    why = why_no_archive(settings.archive)
    return [why] if why else []


def store_problems(settings: Settings) -> list[str]:
    """Why the store of the lake does not answer, in a request; none of a lake in a folder."""
    try:
        folder_names(settings.data)
    except (InputError, OSError) as error:
        return [str(error)]
    return []


_OF_FILES: dict[str, Callable[[Settings], list[str]]] = {
    "HF_ASSETS_CORPORA": corpora_problems,
    "HF_ASSETS_BASE_MODELS": base_model_problems,
    "HF_ASSETS_OWN_BASE_MODELS": own_base_model_problems,
    "HF_ASSETS_BASE_MODEL_RESOURCES": resource_problems,
    "HF_ASSETS_ARCHIVE": archive_problems,
}


def problems(settings: Settings) -> list[Problem]:
    """Every problem of these settings, and of the files and folders that they name.

    Cheap, and without network.
    """
    found = [Problem(name, f"{why}; its default is used.") for name, why in rejected().items()]
    for name, of_file in _OF_FILES.items():
        found += [Problem(name, message) for message in of_file(settings)]
    return found
