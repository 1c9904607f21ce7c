"""What goes wrong outside this program, in words for the person who can mend it.

What others wrote (a server's answer, an exception of a library) passes `clean` before it becomes
part of a message: it is of any length, steers terminals, and may repeat the request with its token.
An error raised for such a cause is raised `from None`: Dagster's event log keeps the texts of a
whole chain.
"""

import logging
import os
import re
from collections.abc import Iterable

# Characters of a foreign text in a message.
LIMIT = 300
# Characters of it that are looked at: enough for what is shown after all else was taken out.
_LOOKED_AT = 20_000
# No secret is longer; so much of a text that was cut is not shown, as it may end within one.
_LONGEST_SECRET = 1000
_HIDDEN = "***"
_ENVIRONMENT = (
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "KAGGLE_API_TOKEN", "KAGGLE_KEY"),
    "HF_ASSETS_STACKEXCHANGE_KEY",
)
# Colours, cursor moves (CSI) and titles, links, clipboard (OSC and its like), in 7 and 8 bits.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*+(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*+[0-~]?",
    re.DOTALL,
)
# Forms of secrets, with what stays of each.
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


class InputError(RuntimeError):
    """A source, a file or a setting is not as it must be; the message says what to do.

    `permanent`: another try would end the same way.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


def clean(text: object, limit: int = LIMIT, *, secrets: Iterable[str] = ()) -> str:
    """A foreign text as a message can hold it: one line, short, inert and without secrets.

    Terminal escapes, control characters and those that turn or hide text are taken out; tokens,
    keys and passwords are replaced: those of this process, and what has their form.

    Args:
        text: anything with a text; an exception, too.
        limit: characters of the result.
        secrets: further values that must not appear.
    """
    whole = str(text)
    said = _ESCAPES.sub("", whole[:_LOOKED_AT])
    said = "".join(one for one in " ".join(said.split()) if one.isprintable())
    said = redact(said, secrets)
    if len(whole) > _LOOKED_AT:
        said = said[:-_LONGEST_SECRET] + "…"
    return said if len(said) <= limit else said[: limit - 1] + "…"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The same text without this process's secrets and what has the form of one."""
    for secret in sorted({*_known(), *filter(None, secrets)}, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    for form, kept in _SECRETS:
        text = form.sub(kept + _HIDDEN, text)
    return text


def _known() -> set[str]:
    """The secrets that this process holds, wherever huggingface_hub has its token from."""
    from huggingface_hub import get_token

    found = {os.environ.get(name, "").strip() for name in _ENVIRONMENT}
    # What is shorter is no secret, and part of many a word.
    return {one for one in (*found, get_token() or "") if len(one) >= 4}


class CleanRecords(logging.Filter):
    """Passes what a library logs of a server's answers through `clean`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record is kept."""
        record.msg, record.args = clean(record.getMessage(), 2000), ()
        return True
