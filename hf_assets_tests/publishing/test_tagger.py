"""A tagger against repositories as strict as the Hub: a model and a Space, by a commit each."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from hf_assets.demo.repositories.store import Repository as Stored
from hf_assets.demo.service.switches import At
from hf_assets.errors import InputError
from hf_assets.publishing.marker import MARKER
from hf_assets.publishing.repository import HeadMoved, PublishError, Repository
from hf_assets.publishing.rules import tagger_matches
from hf_assets.publishing.tagger import TaggerOutcome, Target, publish_tagger, repositories
from hf_assets_tests.publishing.conftest import TAGS, Served
from hf_assets_tests.support.publishing import READER, TOKEN


@pytest.fixture
def folder(tagger: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(tagger, tmp_path / "tagger_space")


def publish_now(folder: Path, hub: Served, **how: Any) -> TaggerOutcome:
    corpus = how.pop("corpus", "toys")
    model, space = repositories(TAGS, private=how.pop("private", True))
    return publish_tagger(folder, Target(model, space, corpus, **how), hub.log.append)


def stored(hub: Served) -> tuple[Stored, Stored]:
    return hub.of("models", TAGS), hub.of("spaces", TAGS)


def contents(repository: Stored) -> dict[str, bytes]:
    files = repository.head.files
    return {path: repository.content(file) for path, file in files.items()}


def marker_of(repository: Stored) -> dict[str, Any]:
    return json.loads(contents(repository)[MARKER])


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def commit_of_another(hub: Served, path: str, kind: str = "model") -> None:
    api = HfApi(endpoint=hub.url, token=TOKEN)
    files = [CommitOperationAdd(path, b"by hand")]
    api.create_commit(TAGS, files, commit_message="By hand", repo_type=kind)


def test_a_commit_each_the_model_before_the_space_that_names_it(hub: Served, folder: Path) -> None:
    done = publish_now(folder, hub)
    model, space = stored(hub)
    for repository, files in ((model, files_of(folder / "model")), (space, files_of(folder))):
        public = contents(repository)
        assert {path: public[path] for path in files} == files
        assert public.keys() == files.keys() | {MARKER, ".gitattributes"}
        assert len(repository.commits) == 2
        assert repository.private
    assert (done.model.commit, done.space.commit) == (model.head.oid, space.head.oid)
    assert done.named is not None
    assert marker_of(space)["model"] == {"repository": TAGS, "commit": model.head.oid}
    posts = [one for one in hub.requests if one.split()[0] in ("POST", "PUT")]
    committed = [at for at, one in enumerate(posts) if "/commit/" in one]
    sent = [at for at, one in enumerate(posts) if "/lfs/" in one]
    first, second = committed
    # Large files come before the commit that names them, the Space after the model.
    assert f"/models/{TAGS}/" in posts[first]
    assert f"/spaces/{TAGS}/" in posts[second]
    assert any(at < first for at in sent)
    assert any(first < at < second for at in sent)
    assert max(sent) < second
    assert done.model.bytes == sum(map(len, contents(model).values())) - len(
        contents(model)[".gitattributes"]
    )


def test_nothing_new_makes_no_commit(hub: Served, folder: Path) -> None:
    first = publish_now(folder, hub)
    hub.requests.clear()
    again = publish_now(folder, hub)
    assert not again.model.changed
    assert not again.space.changed
    assert (again.model.commit, again.space.commit) == (first.model.commit, first.space.commit)
    assert all(one.startswith(("GET ", "HEAD ")) for one in hub.requests)
    assert tagger_matches(publish_now(folder, hub, dry_run=True)).passed


def test_only_what_differs_is_sent_and_only_what_was_ours_removed(
    hub: Served, folder: Path
) -> None:
    publish_now(folder, hub)
    commit_of_another(hub, "notes.txt")
    commit_of_another(hub, "NOTICE")
    (folder / "model" / "tagger.py").write_text("# another\n")
    (folder / "model" / "tfidf.npz").unlink()
    would = publish_now(folder, hub, dry_run=True)
    assert not tagger_matches(would).passed
    assert "model: NOTICE, tagger.py" in tagger_matches(would).description
    hub.log.clear()
    done = publish_now(folder, hub)
    assert done.model.sent.keys() == {"tagger.py", "NOTICE", MARKER}
    assert done.space.sent.keys() == {"model/tagger.py", MARKER}
    assert (done.model.removed, done.space.removed) == (["tfidf.npz"], ["model/tfidf.npz"])
    model, space = stored(hub)
    assert contents(model)["notes.txt"] == b"by hand"
    assert marker_of(space)["model"]["commit"] == done.model.commit == model.head.oid
    assert [one for one in hub.log if "somebody else wrote" in one] == [
        f"{hub.url}/{TAGS}: replaces what somebody else wrote into NOTICE; the history of the "
        "repository keeps it"
    ]


def test_what_somebody_else_changed_of_ours_is_not_removed(hub: Served, folder: Path) -> None:
    publish_now(folder, hub)
    commit_of_another(hub, "NOTICE")
    (folder / "model" / "NOTICE").unlink()
    assert publish_now(folder, hub).model.removed == []
    assert contents(stored(hub)[0])["NOTICE"] == b"by hand"


def test_a_commit_of_another_beside_ours_is_no_reason_for_one(hub: Served, folder: Path) -> None:
    first = publish_now(folder, hub)
    commit_of_another(hub, "notes.txt")
    again = publish_now(folder, hub)
    assert not again.space.changed
    assert marker_of(stored(hub)[1])["model"]["commit"] == first.model.commit
    # A Space that names a commit which is gone is mended.
    model = stored(hub)[0]
    del model.commits[1]
    assert publish_now(folder, hub).space.changed
    assert marker_of(stored(hub)[1])["model"]["commit"] == model.head.oid


@pytest.mark.parametrize("content", [b"by hand", b"[]", b'{"publisher": "me"}', b'{"files": 3}'])
def test_repositories_that_are_not_ours_are_refused(
    hub: Served, folder: Path, content: bytes
) -> None:
    api = HfApi(endpoint=hub.url, token=TOKEN)
    api.create_repo(TAGS)
    api.create_commit(TAGS, [CommitOperationAdd(MARKER, content)], commit_message="x")
    with pytest.raises(PublishError, match=r"did not publish.*or set `adopt`") as failed:
        publish_now(folder, hub)
    assert failed.value.permanent
    assert len(stored_model(hub).commits) == 2
    assert f"spaces/{TAGS}" not in hub.service.repositories.by_name


def stored_model(hub: Served) -> Stored:
    return hub.of("models", TAGS)


def test_a_repository_is_taken_over_where_a_person_says_so(hub: Served, folder: Path) -> None:
    HfApi(endpoint=hub.url, token=TOKEN).create_repo(TAGS, private=False)
    commit_of_another(hub, "theirs.bin")
    with pytest.raises(PublishError, match="did not publish"):
        publish_now(folder, hub)
    publish_now(folder, hub, adopt=True)
    model = stored_model(hub)
    assert contents(model)["theirs.bin"] == b"by hand"
    # Who may see it is a person's choice.
    assert not model.private
    assert not publish_now(folder, hub).model.changed


def test_a_space_of_somebody_else_is_refused_before_the_model_is_sent(
    hub: Served, folder: Path
) -> None:
    HfApi(endpoint=hub.url, token=TOKEN).create_repo(TAGS, repo_type="space", space_sdk="gradio")
    commit_of_another(hub, "app.py", "space")
    with pytest.raises(PublishError, match=f"spaces/{TAGS} has files that hf_assets did not"):
        publish_now(folder, hub)
    assert f"models/{TAGS}" not in hub.service.repositories.by_name


def test_the_tagger_of_another_corpus_is_refused(hub: Served, folder: Path) -> None:
    publish_now(folder, hub)
    with pytest.raises(PublishError, match="has the tagger of toys, not of birds"):
        publish_now(folder, hub, corpus="birds")


def test_a_dry_run_only_looks(hub: Served, folder: Path) -> None:
    would = publish_now(folder, hub, dry_run=True)
    assert (would.model.commit, would.space.commit, would.named) == (None, None, None)
    assert would.model.sent.keys() == {*files_of(folder / "model"), MARKER}
    assert all(one.startswith("GET ") for one in hub.requests)
    assert not hub.service.repositories.by_name


def test_another_publisher_is_not_overwritten(
    hub: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_now(folder, hub)
    commit, others = Repository.commit, iter(["a.txt"])

    def late(self: Repository, *args: Any) -> str:
        if self.kind == "model" and (name := next(others, None)):
            commit_of_another(hub, name)
        return commit(self, *args)

    monkeypatch.setattr(Repository, "commit", late)
    (folder / "model" / "tagger.py").write_text("# another\n")
    publish_now(folder, hub)
    assert "Another commit came first: comparing again" in hub.log
    assert {"a.txt", "tagger.py"} <= contents(stored_model(hub)).keys()
    others = iter(["b.txt", "c.txt", "d.txt"])
    (folder / "model" / "tagger.py").write_text("# a third\n")
    with pytest.raises(HeadMoved) as failed:
        publish_now(folder, hub)
    assert not failed.value.permanent


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (None, "takes a token that may write"),
        (READER, "HTTP 403 .*set an HF_TOKEN that may write"),
        ("hf_of_nobody00000000000000000000001", "HTTP 40[34]"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_without_a_token_that_may_write(
    hub: Served, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, reason: str,
    there: bool,
) -> None:  # fmt: skip
    if there:
        publish_now(folder, hub)
        (folder / "model" / "tagger.py").write_text("# another\n")
    before = {name: len(one.commits) for name, one in hub.service.repositories.by_name.items()}
    monkeypatch.delenv("HF_TOKEN")
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PublishError, match=reason) as failed:
        publish_now(folder, hub)
    assert failed.value.permanent
    assert "hf_" not in " ".join([str(failed.value), *hub.log]).replace("hf_assets", "")
    after = {name: len(one.commits) for name, one in hub.service.repositories.by_name.items()}
    assert after == before


@pytest.mark.parametrize("kind", ["create", "commit"])
@pytest.mark.parametrize("status", [429, 500])
def test_a_hub_that_is_busy_or_down_is_asked_again_later(
    hub: Served, folder: Path, kind: str, status: int
) -> None:
    # Of the Space: the model is public by then.
    hub.faults.errors[status] = [At(page=2, kind=kind)]
    with pytest.raises(PublishError, match=f"HTTP {status}.*run again later") as failed:
        publish_now(folder, hub)
    assert not failed.value.permanent
    assert len(stored_model(hub).commits) == 2
    done = publish_now(folder, hub)
    assert not done.model.changed
    assert done.space.changed
    assert done.named is not None
    assert done.named.commit == done.model.commit


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: Served, folder: Path) -> None:
    hub.faults.lost.append(At(page=1, kind="commit"))
    with pytest.raises(PublishError, match="502"):
        publish_now(folder, hub)
    again = publish_now(folder, hub)
    assert not again.model.changed
    assert [len(one.commits) for one in stored(hub)] == [2, 2]


@pytest.mark.parametrize(
    ("card", "old", "new", "reason"),
    [
        ("README.md", "colorFrom: blue", "colorFrom: teal", r'README\.md: "colorFrom"'),
        ("README.md", "app_file: app.py", "app_file: main.py", "file of the repository"),
        (
            "model/README.md",
            "license: cc-by-sa-4.0",
            "license: mine",
            r'model/README\.md: "license',
        ),
        ("README.md", "- acme/tags", "- acme/other", "written for acme/other, and .* materialise"),
    ],
)
def test_a_wrong_card_stops_before_the_hub_is_asked(
    hub: Served, folder: Path, card: str, old: str, new: str, reason: str
) -> None:
    text = (folder / card).read_text("utf-8")
    assert old in text
    (folder / card).write_text(text.replace(old, new), "utf-8")
    with pytest.raises(InputError, match=reason):
        publish_now(folder, hub)
    assert hub.requests == []


@pytest.fixture(autouse=True)
def _no_token_in_the_log(hub: Served) -> Iterator[None]:
    yield
    assert TOKEN not in " ".join(hub.log)
