"""The tagger's command line: lines or JSON lines in, JSON lines out, in constant memory.

What belongs here: reading and writing streams. What does not: the answers (`tagger`).

    hf-assets tag FOLDER < questions.jsonl > tags.jsonl

An answer is an object: `line`, where its text stands in the input, from 1; `id`, where the text
came with one; `labels`, best first, each with its `score`. A line that holds no text ends the work
with exit code 2, after the answers to the lines before it. A blank line is an empty text among
lines, and nothing among JSON lines.
"""

import argparse
import json
import os
import stat
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from hf_assets.classifiers.tagger import NotFinite, Tagger, refusal

PROG = "python -m hf_assets.classifiers.tagger_cli"
# Seconds between two looks of the progress bar.
REDRAW = 0.2
# What a shell reports of a tool that SIGPIPE ended, and of one that Control-C ended.
PIPE_CLOSED, INTERRUPTED = 141, 130


class Lines:
    """The texts of a stream of lines or JSON lines, one at a time.

    `asked` holds, for each text not answered yet, what its answer repeats. Reading ends before a
    line without text, which `bad` then describes; or, where such are skipped, at the end.

    Args:
        stream: UTF-8, with or without a byte order mark.
        form: "lines", "json", or "auto": JSON if the first line is wrapped in braces or quotes.
        skip_bad: count lines that hold no text, and go on.
    """

    def __init__(self, stream: BinaryIO, form: str, skip_bad: bool) -> None:
        self.stream, self.form, self.skip_bad = stream, form, skip_bad
        self.asked: deque[dict[str, Any]] = deque()
        self.bad = ""
        self.bytes = self.skipped = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.stream, 1):
            self.bytes += len(line)
            try:
                read = self._read(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            except (ValueError, RecursionError) as error:
                self.bad = f"line {number}: {error}"
                if not self.skip_bad:
                    return
                self.skipped += 1
                continue
            if read is not None:
                self.asked.append({"line": number, **read[1]})
                yield read[0]

    def _read(self, line: bytes) -> tuple[str, dict[str, Any]] | None:
        text = line.decode().removesuffix("\n").removesuffix("\r")
        if self.form == "auto" and text.strip():
            ends = text.strip()[0] + text.strip()[-1]
            self.form = "json" if ends in ("{}", '""') else "lines"
        if self.form != "json":
            return text, {}
        return _question(json.loads(text)) if text.strip() else None


def _question(given: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(given, dict):
        given = {"text": given}
    names = ["text"] if "text" in given else ["title", "body"]
    parts = [given[name] for name in names if given.get(name) is not None]
    if not parts:
        raise ValueError("neither a text, nor a title or a body, is there")
    if why := next(filter(None, map(refusal, parts)), None):
        raise ValueError(why)
    # As the corpora join them.
    text = "\n\n".join(part.strip() for part in parts if part.strip())
    return text, {"id": given["id"]} if "id" in given else {}


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Answer the texts on standard input as JSON lines on standard output; returns the exit status.

    Args:
        argv: the arguments; by default those of the process.
        prog: the command as a person types it.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Labels for texts: lines or JSON lines in, JSON lines out.",
        epilog='A JSON line is a text in quotes, or an object with "text", or with "title" and '
        '"body"; its "id" is repeated in the answer.',
    )
    parser.add_argument("folder", help="config.json, tokenizer.json and onnx/ are in it")
    parser.add_argument("--file", help="the graph, relative to the folder")
    parser.add_argument("--k", type=int, help="at most so many labels a text")
    parser.add_argument("--threshold", type=float, help="0 to 1, instead of the tuned one")
    parser.add_argument("--no-words", action="store_true", help="the network alone, no TF-IDF")
    parser.add_argument("--workers", type=int, help="processes that share the texts")
    parser.add_argument("--input", choices=["auto", "lines", "json"], default="auto")
    parser.add_argument("--skip-bad", action="store_true", help="count bad lines and go on")
    given = parser.parse_args(argv)
    lines = Lines(sys.stdin.buffer, given.input, given.skip_bad)
    try:
        tagger = Tagger.load(given.folder, given.file, words=not given.no_words)
        _answer(tagger, lines, given.k, given.threshold, given.workers)
    except (ValueError, NotFinite) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The interpreter flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    if lines.skipped:
        print(f"skipped {lines.skipped} bad lines; the last: {lines.bad}", file=sys.stderr)
    elif lines.bad:
        print(f"{lines.bad} (--skip-bad goes on after such lines)", file=sys.stderr)
        return 2
    return 0


def _answer(
    tagger: Tagger, lines: Lines, k: int | None, threshold: float | None, workers: int | None
) -> None:
    choose, out = tagger.chooser(k, threshold), sys.stdout.buffer
    visible, began, shown = sys.stderr.isatty(), time.monotonic(), 0.0
    done = 0
    # Whoever types texts, or pipes them, sees each answer at once; a file can be read ahead.
    ahead = _is_file(lines.stream)
    for done, row in enumerate(tagger.each(lines, workers, ahead), 1):
        tags = [{"label": tag.label, "score": round(tag.score, 6)} for tag in choose(row)]
        answer = json.dumps({**lines.asked.popleft(), "labels": tags}, ensure_ascii=False)
        # Half a surrogate pair in an id becomes its JSON escape again.
        out.write(answer.encode("utf-8", "backslashreplace") + b"\n")
        out.flush()
        if visible and (now := time.monotonic()) - shown > REDRAW:
            _show(lines, done, now - began)
            shown = now
    if visible and done:
        _show(lines, done, time.monotonic() - began, end="\n")


def _is_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # a stream of a program
        return False


def _show(lines: Lines, done: int, seconds: float, end: str = "") -> None:
    says = f"{done:,} texts, {done / max(seconds, 1e-3):,.0f} a second"
    size = os.fstat(lines.stream.fileno()).st_size  # 0 for a pipe
    if size and (share := min(lines.bytes / size, 1.0)):
        left = seconds / share - seconds
        says = f"{'█' * round(share * 24):░<24} {share:4.0%}  {says}, {left:,.0f} s left"
    print(f"\r\x1b[K{says}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
