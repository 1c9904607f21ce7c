"""The tagger's command line: its rules in this process, its pipes and signals as processes."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.tagger_cli import main
from hf_assets.corpora.corpus import joined
from hf_assets_tests.support.classifiers.artefacts import make_model

COMMAND = [sys.executable, "-m", "hf_assets.cli.main", "tag"]


@pytest.fixture
def folder(make_corpus, tmp_path: Path) -> Path:
    return make_model(tmp_path / "small", make_corpus(4, 4)) / "onnx"


def ask(folder: Path, given: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a process."""
    return subprocess.run(
        [*COMMAND, str(folder), *options],
        input=given,
        capture_output=True,
        timeout=120,
        check=False,
    )


def call(folder: Path, given: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    """The same in this process."""
    streams = [io.TextIOWrapper(io.BytesIO(content)) for content in (given, b"", b"")]
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        status = main([str(folder), *options])
    for stream in streams[1:]:
        stream.flush()
    out, err = (stream.buffer.getvalue() for stream in streams[1:])
    return subprocess.CompletedProcess([], status, out, err)


def answers(ran: subprocess.CompletedProcess[bytes]) -> list[dict]:
    return [json.loads(line) for line in ran.stdout.decode().splitlines()]


def labels(answer: dict) -> list[str]:
    return [tag["label"] for tag in answer["labels"]]


def test_the_earlier_name_still_answers(folder: Path) -> None:
    earlier = [sys.executable, "-m", "hf_assets.classifiers.tagger", str(folder)]
    ran = subprocess.run(earlier, input=b"alpha", capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0
    assert ran.stdout == call(folder, b"alpha").stdout != b""
    assert b"hf-assets tag FOLDER" in ran.stderr


def test_lines(folder: Path) -> None:
    texts = ["word0 and word3", "", 'a "quoted" word1', "word4\tétoile 👩‍🔬", "{ not JSON"]
    ran = ask(folder, "\r\n".join(texts).encode())
    assert ran.returncode == 0, ran.stderr
    wanted = Tagger.load(folder).predict(texts)
    assert [labels(one) for one in answers(ran)] == [[t.label for t in tags] for tags in wanted]
    assert labels(answers(ran)[0]) == ["../x", "z" * 300]
    assert [one["line"] for one in answers(ran)] == [1, 2, 3, 4, 5]
    assert ran.stderr == b""


def test_json_lines(folder: Path) -> None:
    title, body = " word0\n", "  what of word2? "
    rows = [
        {"id": "a/ü", "title": title, "body": body},
        {"id": 7, "text": joined([title, body]), "title": "not this word4"},
        "word1",
        {"title": "word1", "body": None},
        {"id": None, "body": "word1"},
        {"id": "\ud83d", "text": "word1"},
    ]
    given = b"\xef\xbb\xbf" + "\n\n".join(map(json.dumps, rows)).encode()
    ran = call(folder, given)
    assert ran.returncode == 0, ran.stderr
    found = answers(ran)
    assert [one.get("id", "none") for one in found] == ["a/ü", 7, "none", "none", None, "\ud83d"]
    assert [one["line"] for one in found] == [1, 3, 5, 7, 9, 11]
    assert found[0]["labels"] == found[1]["labels"]
    assert [labels(one) for one in found[2:]] == [[Tagger.load(folder).labels[1]]] * 4


BAD = {
    b'{"text": NaN}': b"float",
    b'{"text": 3}': b"int",
    b'{"text": null}': b"neither",
    b'{"other": "x"}': b"neither",
    b'{"title": "x", "body": ["y"]}': b"list",
    b"[1]": b"list",
    b"null": b"neither",
    b'{"text": "x"': b"delimiter",
    b'{"text": "\\ud800"}': b"surrogate",
    b'{"text": "\xff"}': b"utf-8",
    b"[" * 100_000: b"recursion",
}


def test_a_bad_line_is_named_and_ends_it(folder: Path) -> None:
    for bad, why in BAD.items():
        ran = call(folder, b'"word1"\n' + bad + b'\n"word1"\n')
        assert ran.returncode == 2, bad
        assert b"line 2: " in ran.stderr
        assert why in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
        assert [one["line"] for one in answers(ran)] == [1]


def test_bad_lines_can_be_skipped(folder: Path) -> None:
    given = b'"word1"\n' + b"\n".join(BAD) + b'\n{"id": 1, "text": "word1"}'
    ran = call(folder, given, "--skip-bad")
    assert ran.returncode == 0
    assert [one["line"] for one in answers(ran)] == [1, len(BAD) + 2]
    assert f"skipped {len(BAD)} bad lines".encode() in ran.stderr


def test_form_is_the_users_if_said(folder: Path) -> None:
    line = b'{"text": "word1"}\n'
    assert labels(answers(call(folder, line, "--input", "json"))[0])
    ran = call(folder, b"word1\n", "--input", "json")
    assert (ran.returncode, b"line 1" in ran.stderr) == (2, True)
    two = answers(call(folder, b"\n" + line, "--input", "lines"))
    assert [one["line"] for one in two] == [1, 2]


def test_k_and_threshold(folder: Path) -> None:
    given = b"word0 word1 word2\n"
    assert len(labels(answers(call(folder, given))[0])) == 3
    assert len(labels(answers(call(folder, given, "--k", "2"))[0])) == 2
    assert len(labels(answers(call(folder, given, "--threshold", "0"))[0])) == 5
    for wrong in (["--k", "0"], ["--threshold", "2"], ["--workers", "0"]):
        ran = call(folder, given, *wrong)
        assert ran.returncode == 2
        assert wrong[0].strip("-").encode() in ran.stderr
        assert b"Traceback" not in ran.stderr


@pytest.mark.heavy
def test_workers_answer_alike_and_in_order(folder: Path) -> None:
    given = "\n".join(f"word{i % 5} {'how ' * (i % 7)}" for i in range(400)).encode()
    ran = ask(folder, given, "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ask(folder, given).stdout
    stopped = ask(folder, given.replace(b"word4 how", b"\xff", 1), "--workers", "2")
    assert stopped.returncode == 2
    bad = int(stopped.stderr.split(b"line ")[1].split(b":")[0])
    assert len(answers(stopped)) == bad - 1


def test_no_folder(tmp_path: Path) -> None:
    ran = ask(tmp_path, b"text\n")
    assert ran.returncode == 2
    assert b"no model in" in ran.stderr
    assert b"Traceback" not in ran.stderr


@pytest.mark.heavy
def test_a_closed_pipe_is_no_error(folder: Path, tmp_path: Path) -> None:
    source, said = tmp_path / "lines.txt", tmp_path / "said.txt"
    source.write_bytes(b"word1\n" * 20_000)
    for options in ([], ["--workers", "2"]):
        with source.open("rb") as lines, said.open("wb") as errors:
            one = subprocess.Popen(
                [*COMMAND, str(folder), *options],
                stdin=lines,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            assert one.stdout is not None
            assert b"labels" in one.stdout.readline()
            one.stdout.close()
            assert one.wait(60) == 141
        assert said.read_bytes() == b""


def test_a_line_is_answered_before_the_next_is_there(folder: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as one:
        assert one.stdin is not None
        assert one.stdout is not None
        for text in (b"word1\n", b"word2\n"):
            one.stdin.write(text)
            one.stdin.flush()
            assert len(labels(json.loads(one.stdout.readline()))) == 1


def test_progress_on_a_terminal(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "lines.txt"
    source.write_bytes(b"word1\n" * 50)
    terminal, shown = pty.openpty()
    with source.open("rb") as lines:
        ran = subprocess.run(
            [*COMMAND, str(folder)],
            stdin=lines,
            stdout=subprocess.PIPE,
            stderr=shown,
            timeout=60,
            check=True,
        )
    os.close(shown)
    said = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert "100%" in said
    assert "50 texts" in said
    assert said.endswith("\n")
    assert len(answers(ran)) == 50


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are listed in /proc")
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_workers_do_not_outlive_their_parent(folder: Path, sent: signal.Signals) -> None:
    one = subprocess.Popen(
        [*COMMAND, str(folder), "--workers", "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert one.stdin is not None
    assert one.stdout is not None
    assert one.stderr is not None
    one.stdin.write(b"word1\n" * 32 * 6)
    one.stdin.flush()
    assert b"labels" in one.stdout.readline()
    children = Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split()
    assert len(children) >= 2
    # Control-C reaches the workers as well.
    os.killpg(one.pid, sent) if sent == signal.SIGINT else one.kill()
    for _ in range(1800):
        if not any(map(_runs, children)):
            break
        time.sleep(0.05)
    assert not any(map(_runs, children))
    one.stdin.close()
    assert one.wait(30) == (130 if sent == signal.SIGINT else -sent)
    if sent == signal.SIGINT:
        assert b"Traceback" not in one.stderr.read()


def _runs(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
