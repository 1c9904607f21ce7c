"""The embedded repositories refuse what the Hub refuses, and answer huggingface_hub."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.storage.lake import iso
from hf_assets_tests.conftest import DAY
from hf_assets_tests.publishing.conftest import Served
from hf_assets_tests.support.publishing import NAME, READER, TOKEN

LARGE = b"PAR1" + bytes(9_000)
NDJSON = "application/x-ndjson"


def commit(hub: Served, *lines: Any, kind: str = NDJSON, token: str = TOKEN) -> httpx2.Response:
    """A commit as it goes over the wire; the first line is a header unless it is another."""
    body = b"\n".join(json.dumps(line).encode() for line in lines)
    return httpx2.post(
        f"{hub.url}/api/datasets/{NAME}/commit/main",
        content=body,
        headers={"Content-Type": kind, "Authorization": f"Bearer {token}"},
    )


def header(**more: Any) -> dict[str, Any]:
    return {"key": "header", "value": {"summary": "x", "description": "", **more}}


def file(path: Any, data: bytes = b"text", **more: Any) -> dict[str, Any]:
    text = base64.b64encode(data).decode()
    return {"key": "file", "value": {"path": path, "content": text, "encoding": "base64", **more}}


def large(path: str, content: bytes = LARGE, **more: Any) -> dict[str, Any]:
    oid = hashlib.sha256(content).hexdigest()
    value = {"path": path, "algo": "sha256", "oid": oid, "size": len(content), **more}
    return {"key": "lfsFile", "value": value}


@pytest.mark.parametrize(
    ("lines", "status", "reason"),
    [
        ([file("a.txt")], 400, "first line must be the header"),
        ([], 400, "first line must be the header"),
        ([header(), header(), file("a.txt")], 400, "one header"),
        ([header(summary=""), file("a.txt")], 400, "not allowed to be empty"),
        ([header()], 400, "No files have been modified"),
        ([header(parentCommit="0" * 40), file("a.txt")], 412, "A commit has happened since"),
        ([header(parentCommit="not a commit"), file("a.txt")], 400, "must be a commit"),
        ([header(), file("../a.txt")], 400, "Invalid path"),
        ([header(), file("/a.txt")], 400, "Invalid path"),
        ([header(), file("a/.git/config")], 400, "Invalid path"),
        ([header(), file(None)], 400, "Invalid path"),
        ([header(), file("a.txt", content="%%")], 400, "must be base64"),
        ([header(), file("a.txt", encoding="utf-8")], 400, "must be base64"),
        ([header(), file("a.txt", b"x" * 10_000_001)], 400, "must be committed with LFS"),
        ([header(), file("a.parquet")], 400, "must be committed with LFS"),
        ([header(), file("a.dat", b"\0\1")], 400, "must be committed with LFS"),
        ([header(), large("a.parquet")], 400, "does not exist: a.parquet"),
        ([header(), large("a.parquet", algo="md5")], 400, "has a sha256"),
        ([header(), large("a.parquet", oid="beef")], 400, "has a sha256"),
        ([header(), {"key": "deletedFile", "value": {"path": "none"}}], 404, "name doesn't exist"),
        ([header(), {"key": "deletedFolder", "value": {"path": "none/"}}], 404, "doesn't exist"),
        ([header(), file("a"), file("a/b")], 400, "a is a file and a folder"),
        ([header(), {"key": "rename", "value": {"path": "a"}}], 400, "Unknown operation"),
        ([header(), {"key": "file"}], 400, "key and value"),
        ([header(), file("README.md", b"---\nlicense: own\n---\n")], 400, "Invalid metadata"),
    ],
)
def test_a_commit_that_the_hub_refuses(
    hub: Served, lines: list[Any], status: int, reason: str
) -> None:
    answer = commit(hub, *lines)
    assert (answer.status_code, reason in answer.json()["error"]) == (status, True), answer.text
    assert len(hub.repository.commits) == 1


def test_who_may_write(hub: Served) -> None:
    lines = (header(), file("a.txt"))
    assert commit(hub, *lines, token=READER).status_code == 403
    assert commit(hub, *lines, token="nobody").status_code == 401
    assert commit(hub, *lines, kind="application/json").status_code == 400
    assert httpx2.post(f"{hub.url}/api/repos/create", json={"type": "dataset"}).status_code == 401
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(endpoint=hub.url, token=TOKEN).create_repo("other/x", repo_type="dataset")
    assert commit(hub, *lines).status_code == 200


def test_a_commit_is_all_or_nothing(hub: Served) -> None:
    refused = commit(hub, header(), file("a.txt"), {"key": "deletedFile", "value": {"path": "b"}})
    assert refused.status_code == 404
    assert hub.paths == [".gitattributes"]


def test_huggingface_hub_writes_and_reads(hub: Served, api: HfApi, tmp_path: Any) -> None:
    additions = [
        CommitOperationAdd("data/a/1.parquet", LARGE),
        CommitOperationAdd("data/a/2.parquet", b"PAR1" + b"2" * 50),
        CommitOperationAdd("notes/read.txt", b"read"),
        CommitOperationAdd("empty.parquet", b""),
    ]
    head = api.dataset_info(NAME).sha
    done = api.create_commit(
        NAME, additions, commit_message="First", repo_type="dataset", parent_commit=head
    )
    tree: dict[str, Any] = {
        one.path: one for one in api.list_repo_tree(NAME, repo_type="dataset", recursive=True)
    }
    assert {"data", "data/a", "data/a/1.parquet", "notes/read.txt"} <= set(tree)
    assert tree["data/a/1.parquet"].lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert tree["notes/read.txt"].lfs is None
    top = api.list_repo_tree(NAME, repo_type="dataset")
    assert [one.path for one in top] == [".gitattributes", "data", "empty.parquet", "notes"]
    (info,) = api.get_paths_info(NAME, ["data/a/1.parquet", "none"], repo_type="dataset")
    assert isinstance(info, RepoFile)
    assert info.size == len(LARGE)
    path = hf_hub_download(
        NAME, "data/a/1.parquet", repo_type="dataset", endpoint=hub.url, local_dir=tmp_path
    )
    assert open(path, "rb").read() == LARGE  # noqa: SIM115
    # Content that is there already is sent by name alone.
    before = hub.service.received
    api.upload_file(
        path_or_fileobj=LARGE, path_in_repo="copy.parquet", repo_id=NAME, repo_type="dataset"
    )
    assert hub.service.received == before
    with pytest.raises(HfHubHTTPError, match="412"):
        api.create_commit(
            NAME,
            [CommitOperationDelete("notes/", is_folder=True)],
            commit_message="Late",
            repo_type="dataset",
            parent_commit=done.oid,
        )
    api.delete_folder("notes", repo_id=NAME, repo_type="dataset")
    assert "notes/read.txt" not in hub.paths


def test_a_long_tree_comes_in_pages(hub: Served, api: HfApi) -> None:
    lines = [file(f"d/{number:04}.txt", b"%d" % number) for number in range(1_200)]
    assert commit(hub, header(), *lines).status_code == 200
    files = [one.path for one in api.list_repo_tree(NAME, "d", repo_type="dataset")]
    assert files == [f"d/{number:04}.txt" for number in range(1_200)]


def test_what_is_not_there(hub: Served, api: HfApi) -> None:
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info("acme/none")
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(NAME, revision="0" * 40)
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(NAME, "none", repo_type="dataset"))
    hub.repository.private = True
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=False).dataset_info(NAME)
    assert HfApi(endpoint=hub.url, token=READER).dataset_info(NAME).private


def test_a_range_of_a_file(hub: Served, api: HfApi) -> None:
    api.upload_file(
        path_or_fileobj=LARGE, path_in_repo="a.parquet", repo_id=NAME, repo_type="dataset"
    )
    address = f"{hub.url}/datasets/{NAME}/resolve/main/a.parquet"
    part = httpx2.get(address, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    head = httpx2.head(address)
    assert head.headers["X-Linked-Size"] == str(len(LARGE))
    assert head.headers["X-Repo-Commit"] == hub.repository.head.oid
    assert httpx2.get(address, headers={"Range": "bytes=99999-"}).status_code == 416


# --- large files ---------------------------------------------------------------------------------


def batch(hub: Served, *contents: bytes, **more: Any) -> httpx2.Response:
    kind = "application/vnd.git-lfs+json"
    objects = [{"oid": hashlib.sha256(one).hexdigest(), "size": len(one)} for one in contents]
    asked = {"operation": "upload", "transfers": ["basic"], "objects": objects, **more}
    return httpx2.post(
        f"{hub.url}/datasets/{NAME}.git/info/lfs/objects/batch",
        content=json.dumps(asked),
        headers={"Accept": kind, "Content-Type": kind, "Authorization": f"Bearer {TOKEN}"},
    )


def test_a_large_file_is_checked(hub: Served) -> None:
    (action,) = batch(hub, LARGE).json()["objects"]
    href = action["actions"]["upload"]["href"]
    assert httpx2.put(href, content=LARGE[1:]).status_code == 400
    assert httpx2.put(href.split("?")[0], content=LARGE).status_code == 403
    with_token = httpx2.put(href, content=LARGE, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (with_token.status_code, "auth mechanism" in with_token.text) == (400, True)
    verify = action["actions"]["verify"]["href"]
    asked = {"oid": action["oid"], "size": action["size"]}
    writer = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx2.post(verify, json=asked, headers=writer).status_code == 404
    assert httpx2.put(href, content=LARGE).status_code == 200
    assert httpx2.post(verify, json=asked, headers=writer).status_code == 200
    assert httpx2.put(href, content=LARGE).status_code == 403
    assert "actions" not in batch(hub, LARGE).json()["objects"][0]
    assert commit(hub, header(), large("a.parquet", size=5)).status_code == 400
    assert commit(hub, header(), large("a.parquet")).status_code == 200


def test_parts_are_joined_only_if_they_are_the_file(hub: Served) -> None:
    (action,) = batch(hub, LARGE, transfers=["basic", "multipart"]).json()["objects"]
    upload = action["actions"]["upload"]
    size = int(upload["header"]["chunk_size"])
    etags = [
        httpx2.put(upload["header"][str(at)], content=LARGE[(at - 1) * size : at * size])
        .headers["ETag"]
        for at in (1, 2, 3)
    ]  # fmt: skip
    parts = [{"partNumber": at, "etag": etag} for at, etag in enumerate(etags, 1)]
    for wrong in ({"oid": "0"}, {"parts": parts[:2]}, {"parts": parts[::-1]}):
        asked = {"oid": action["oid"], "parts": parts, **wrong}
        assert httpx2.post(upload["href"], json=asked).status_code == 400
    done = httpx2.post(upload["href"], json={"oid": action["oid"], "parts": parts})
    assert done.status_code == 200
    assert hub.repository.objects[action["oid"]] == LARGE


def test_a_list_of_large_files_is_checked(hub: Served) -> None:
    assert batch(hub, LARGE, operation="download").status_code == 400
    assert batch(hub, LARGE, hash_algo="sha1").status_code == 409
    assert batch(hub).status_code == 422
    assert batch(hub, objects=[{"oid": "x", "size": 1}]).status_code == 422
    assert batch(hub, b"").json()["objects"][0]["error"]["code"] == 422
    address = f"{hub.url}/datasets/{NAME}.git/info/lfs/objects/batch"
    plain = httpx2.post(address, json={}, headers={"Authorization": f"Bearer {TOKEN}"})
    assert plain.status_code == 422


def test_the_embedded_hub_has_them_beside_its_listings(hub: Served) -> None:
    app = create_app(GeneratedHub(20, 5, seed=1, day=iso(DAY)), repositories=hub.service)
    with LoopbackServer(app) as server:
        api = HfApi(endpoint=server.url, token=TOKEN)
        api.upload_file(
            path_or_fileobj=LARGE, path_in_repo="a.parquet", repo_id=NAME, repo_type="dataset"
        )
        assert len(list(api.list_models(limit=5))) == 5
        with pytest.raises(RepositoryNotFoundError):
            api.dataset_info("acme/none")
    assert "a.parquet" in hub.paths


def test_models_and_spaces_are_repositories_too(hub: Served, api: HfApi, tmp_path: Any) -> None:
    """Of the same name: each kind has its own."""
    api.create_repo(NAME)
    api.create_repo(NAME, repo_type="space", space_sdk="gradio")
    for kind, prefix in (("model", ""), ("space", "spaces/")):
        files = [CommitOperationAdd("weights.bin", LARGE), CommitOperationAdd("a.txt", b"text")]
        done = api.create_commit(NAME, files, commit_message="x", repo_type=kind)
        assert done.commit_url == f"{hub.url}/{prefix}{NAME}/commit/{done.oid}"
        path = api.hf_hub_download(NAME, "weights.bin", repo_type=kind, cache_dir=tmp_path)
        assert Path(path).read_bytes() == LARGE
    assert {*hub.of("models", NAME).head.files} == {".gitattributes", "a.txt", "weights.bin"}
    assert "README.md" in hub.of("spaces", NAME).head.files
    assert {*hub.repository.head.files} == {".gitattributes"}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"type": "space", "name": "x"}, '"sdk" must be one of'),
        ({"type": "space", "name": "x", "sdk": "flask"}, '"sdk" must be one of'),
        ({"type": "bucket", "name": "x"}, '"type" must be one of'),
    ],
)
def test_a_repository_that_cannot_be_created(
    hub: Served, asked: dict[str, Any], reason: str
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx2.post(f"{hub.url}/api/repos/create", json=asked, headers=headers)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert httpx2.get(f"{hub.url}/api/papers/{NAME}").status_code == 404
