"""Errors that tell a person what to do, and foreign texts that a message may contain.

Text written by others (a server's answer, an exception of a library) passes `clean` before it
becomes part of a message: it has any length, steers terminals, and may repeat the request with its
token. Raise an error with such a cause `from None`: Dagster's event log stores the texts of the
complete chain.
"""

import logging
import os
import re
from collections.abc import Iterable

# Characters of a foreign text in a message.
LIMIT = 300
# Characters of a foreign text that `clean` reads: removals leave enough for a message.
_MAX_READ = 20_000
# No secret is longer. A cut text loses as many characters: it may end within a secret.
_LONGEST_SECRET = 1000
_HIDDEN = "***"
_ENVIRONMENT = (
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "KAGGLE_API_TOKEN", "KAGGLE_KEY"),
    *("HF_ASSETS_STACKEXCHANGE_KEY", "PGPASSWORD"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)
# Secrets where they are addresses; a command may be a word such as `mail`.
_ADDRESSES = ("HF_ASSETS_ALARM", "HF_ASSETS_SMTP")
# Colours, cursor moves (CSI) and titles, links, clipboard (OSC and its like), in 7 and 8 bits.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*+(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*+[0-~]?",
    re.DOTALL,
)
# Patterns of secrets, and the prefix of each that stays.
_SECRETS = (
    (re.compile(r"(\bauthorization[\"']? ?[:=] ?[\"']?)(?:[a-z]+ )?[^\s\"',;]+", re.I), r"\1"),
    (re.compile(r"(\bbearer )[^\s\"',;]{8,}", re.I), r"\1"),
    (re.compile(r"()\bhf_(?:[A-Za-z0-9]{16,}|(?:oauth|jwt)_[\w.-]{16,})"), r"\1"),
    (re.compile(r"()\b(?:api_org|KGAT)_\w{16,}"), r"\1"),
    (re.compile(r"(://)[^/\s]+(?=@)"), r"\1"),
    (
        re.compile(
            r"([?&](?:access_|api_)?(?:key|token|signature|x-amz-[a-z-]+|policy)=)[^&\s\"'<>]+",
            re.I,
        ),
        r"\1",
    ),
)


class HfAssetsError(RuntimeError):
    """The root of this package's errors; the message says what to do.

    Args:
        message: for the run log and the UI.
        permanent: a retry would fail in the same way.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class InputError(HfAssetsError):
    """A source, a file or a setting is invalid or missing."""


def clean(text: object, limit: int = LIMIT, *, secrets: Iterable[str] = ()) -> str:
    """Make a foreign text fit for a message: a single line, short, inert and without secrets.

    Removes terminal escapes, control characters and those that reverse or hide text. Replaces
    tokens, keys and passwords: the values of this process, and any text in their form.

    Args:
        text: any object that has a text, such as an exception.
        limit: characters of the result.
        secrets: further values to replace.
    """
    full = str(text)
    line = _ESCAPES.sub("", full[:_MAX_READ])
    line = "".join(character for character in " ".join(line.split()) if character.isprintable())
    line = redact(line, secrets)
    if len(full) > _MAX_READ:
        line = line[:-_LONGEST_SECRET] + "…"
    return line if len(line) <= limit else line[: limit - 1] + "…"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace this process's secrets, and any text in the form of a secret."""
    values = {*_secrets_of_process(), *filter(None, secrets)}
    for secret in sorted(values, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    for pattern, prefix in _SECRETS:
        text = pattern.sub(prefix + _HIDDEN, text)
    return text


def _secrets_of_process() -> set[str]:
    """Tokens and keys of the environment, and the token that huggingface_hub would send."""
    from huggingface_hub import get_token

    values = {os.environ.get(name, "").strip() for name in _ENVIRONMENT} | {get_token() or ""}
    addresses = {os.environ.get(name, "").strip() for name in _ADDRESSES}
    values |= {address for address in addresses if "://" in address}
    # A shorter value is no secret, and part of many words.
    return {value for value in values if len(value) >= 4}


class CleanRecords(logging.Filter):
    """Cleans the records of a library that logs a server's answers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record, and log it."""
        record.msg, record.args = clean(record.getMessage(), 2000), ()
        return True
