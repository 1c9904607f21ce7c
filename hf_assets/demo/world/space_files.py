"""Files of generated Spaces: a function of the Space's identity and its last commit.

A third are duplicates of a few templates; sizes are log-normal, and grow from commit to commit. One
in fifty has over a thousand files.
"""

import hashlib
import random
from dataclasses import dataclass
from functools import cache
from typing import Literal

# Shares of the Spaces that cannot be read, and of those with a thousand files and more.
GONE, GATED, PRIVATE, DISABLED, HUGE = 0.010, 0.004, 0.003, 0.003, 0.02
TEMPLATES = 12
DUPLICATES = 0.33
_PACKAGES = (
    *("gradio", "torch", "transformers", "numpy", "pandas", "requests", "pillow", "diffusers"),
    *("accelerate", "sentencepiece", "scipy", "matplotlib", "openai", "langchain", "fastapi"),
    *("uvicorn", "huggingface_hub", "datasets", "scikit-learn", "nltk", "spaces", "librosa"),
)
_LINES = (
    "--extra-index-url https://download.pytorch.org/whl/cu118",
    "git+https://github.com/huggingface/diffusers.git",
    "# pinned for the build",
    "torch==2.1.0 ; platform_system != 'Darwin'",
    "https://example.org/wheels/flash_attn-2.5.8-cp310-cp310-linux_x86_64.whl",
    "-r requirements-dev.txt",
)
# Larger files are Git LFS files, as are weights and media of any size.
_LFS = 10 << 20
_LFS_SUFFIXES = (".bin", ".safetensors", ".png", ".jpg", ".mp4", ".wav")

Access = Literal["open", "gone", "gated", "private", "disabled"]


@dataclass(frozen=True)
class SpaceFile:
    """A file, or a folder without a size."""

    path: str
    size: int | None
    oid: str

    @property
    def lfs(self) -> bool:
        """Whether it is a Git LFS file."""
        return self.size is not None and (self.size >= _LFS or self.path.endswith(_LFS_SUFFIXES))


def access_of(hub_id: str) -> Access:
    """Whether a caller may read that Space's files."""
    draw = random.Random(f"access {hub_id}").random()
    shares: tuple[tuple[Access, float], ...] = (
        ("gone", GONE), ("gated", GATED), ("private", PRIVATE), ("disabled", DISABLED),
    )  # fmt: skip
    for access, share in shares:
        if draw < share:
            return access
        draw -= share
    return "open"


@cache
def _root(name: str) -> tuple[str, ...]:
    return {
        "docker": ("Dockerfile", "main.py", "requirements.txt", "start.sh"),
        "static": ("index.html", "style.css", "script.js"),
    }.get(name, ("app.py", "requirements.txt"))


@dataclass(frozen=True)
class SpaceContent:
    """Files and folders in the order of their paths, and requirements.txt if it is there."""

    entries: list[SpaceFile]
    requirements: bytes | None


def content_of(hub_id: str, commit: str, sdk: str | None) -> SpaceContent:
    """The files of a Space at a commit.

    Args:
        hub_id: of the Space.
        commit: whatever changes with its last commit.
        sdk: gradio, streamlit, docker, static or None.
    """
    own = random.Random(f"files {hub_id}")
    if own.random() < DUPLICATES:
        # A duplicate is never changed: it has the files of its template.
        hub_id, commit = f"template {own.randrange(TEMPLATES)}", "first"
        own = random.Random(hub_id)
    sizes = {".gitattributes": 1519, "README.md": own.randrange(180, 900)}
    growth = 1 + random.Random(f"{hub_id} {commit}").random() / 2
    for name in _root(sdk or "gradio"):
        sizes[name] = round(own.lognormvariate(7.6, 1.2) * growth) + 20
    for nth in range(int(own.lognormvariate(0.4, 1.1))):
        name = own.choice(("utils.py", "model.py", "ui.py", "src/api.py", "web/main.ts"))
        sizes[f"{name[:-3]}_{nth}{name[-3:]}"] = round(own.lognormvariate(7.4, 1.1) * growth)
    if own.random() < 0.08:
        sizes["notebooks/demo.ipynb"] = round(own.lognormvariate(10.5, 1.2))
    for nth in range(int(own.lognormvariate(-0.2, 1.3))):
        sizes[f"examples/{nth}.png"] = round(own.lognormvariate(11.5, 1.0))
    if own.random() < 0.1:
        sizes["model/pytorch_model.bin"] = round(own.lognormvariate(18.5, 1.2))
    if own.random() < HUGE:
        for nth in range(int(min(1000 * own.paretovariate(1.1), 14_000))):
            sizes[f"data/{nth // 500:03d}/{nth:06d}.json"] = own.randrange(200, 4000)
    requirements = None
    if "requirements.txt" in sizes:
        requirements = _requirements(hub_id, commit)
        sizes["requirements.txt"] = len(requirements)
    return SpaceContent(_with_folders(sizes, commit), requirements)


def _requirements(hub_id: str, commit: str) -> bytes:
    """Packages, and lines that pip reads otherwise."""
    draw = random.Random(f"requirements {hub_id} {commit}")
    names = draw.sample(_PACKAGES, draw.randrange(1, 9))
    lines = [f"{name}=={draw.randrange(9)}.{draw.randrange(30)}" if draw.random() < 0.4 else name
             for name in names]  # fmt: skip
    lines += [line for line in _LINES if draw.random() < 0.1]
    return ("\n".join(lines) + "\n").encode()


def _with_folders(sizes: dict[str, int], commit: str) -> list[SpaceFile]:
    folders = {path.rsplit("/", n)[0] for path in sizes for n in range(1, path.count("/") + 1)}
    every: dict[str, int | None] = {**dict.fromkeys(folders), **sizes}
    return [SpaceFile(path, size, _oid(f"{path} {size} {commit}"))
            for path, size in sorted(every.items())]  # fmt: skip


def _oid(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
