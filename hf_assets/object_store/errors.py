"""What a store refuses, in words; nothing of its answer but the error code reaches a message.

An answer may repeat the signed request and the name of a key: no text of it, and no traceback that
holds it, goes into a log.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager

from hf_assets.errors import InputError
from hf_assets.object_store.address import without_obstore

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_READ = 20_000
# What to do, by the store's error code, and whether another try can help.
_ADVICE = {
    "AccessDenied": (
        "let this key read and write there, or set another by AWS_ACCESS_KEY_ID",
        True,
    ),
    "InvalidAccessKeyId": ("set AWS_ACCESS_KEY_ID to a key that the store knows", True),
    "SignatureDoesNotMatch": ("set AWS_SECRET_ACCESS_KEY to the secret of that key", True),
    "ExpiredToken": ("renew AWS_SESSION_TOKEN", True),
    "RequestTimeTooSkewed": ("set the clock of this machine: the store has another time", True),
    "NoSuchBucket": ("create the bucket, or correct HF_ASSETS_DATA", True),
    "SlowDown": ("the store asks for fewer requests: run again later", False),
    "ServiceUnavailable": ("run again when the store is up", False),
    "InternalError": ("look at the store's log: its disk may be full; then run again", False),
    "InsufficientStorage": ("free some space under the store; then run again", False),
}
_BY_STATUS = {
    "403": "AccessDenied",
    "500": "InternalError",
    "503": "ServiceUnavailable",
    "507": "InsufficientStorage",
}


class StoreError(InputError, OSError):
    """A store does not take or give an object; the message names the object and what to do."""

    def __init__(self, path: object, code: str, advice: str, *, permanent: bool) -> None:
        InputError.__init__(self, f"{path}: {code}: {advice}", permanent=permanent)
        self.code = code

    def __str__(self) -> str:
        """The message alone: an OSError puts its number first."""
        return str(self.args[0])


class CommitConflict(InputError):
    """Another run stored or deleted the same object while this one made it."""

    def __init__(self, path: object, *, deleted: bool = False) -> None:
        super().__init__(
            f"{path} was deleted while this run made it: run this again if it is to be stored"
            if deleted
            else f"another run stored {path} while this one made it: what it stored stands. Run "
            "this again if it is to be replaced",
            permanent=False,
        )


class ReplacedError(InputError):
    """A file was replaced while it was read: what was not read yet is of another version."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} was replaced while it was read: read it again", permanent=False)


@contextmanager
def asking(path: object) -> Generator[None]:
    """The block asks a store for `path`; what it refuses is a StoreError.

    A missing object stays a FileNotFoundError, a failed condition what obstore raises. AddressError
    where obstore is missing.
    """
    try:
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
    except ImportError:
        raise without_obstore(path) from None
    try:
        yield
    except (AlreadyExistsError, PreconditionError):
        raise
    except FileNotFoundError as error:
        if _code(error) == "NoSuchBucket":
            raise _refused(path, error) from None
        raise FileNotFoundError(2, "no such object", str(path)) from None
    except BaseError as error:
        raise _refused(path, error) from None


def _code(error: BaseException) -> str:
    text = str(error)[:_READ]
    if match := _CODE.search(text):
        return match[1]
    match = _STATUS.search(text)
    return _BY_STATUS.get(match[1], f"HTTP {match[1]}") if match else "no answer"


def _refused(path: object, error: BaseException) -> StoreError:
    code = _code(error)
    advice, permanent = _ADVICE.get(
        code, ("look whether the store is up and AWS_ENDPOINT_URL is right; then run again", False)
    )
    return StoreError(path, code, advice, permanent=permanent)
