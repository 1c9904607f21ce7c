"""The address of a lake on an S3 store, and the client that speaks to it.

Keys, region and endpoint come from the AWS variables, so that polars, pyarrow and this package read
one store with one set of them. Requests have the path style.
"""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hf_assets.errors import InputError

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"
# Of any scheme, so that a misspelt one is refused: as the name of a folder it would become one.
_SCHEMED = re.compile(r"s3:|[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SERVER = re.compile(r"https?://[^/\s]+(/\S*)?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
# The variables that decide where requests go and who signs them.
_VARIABLES = (
    *("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_REGION"),
    *("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)
# A store that is away, or asks to slow down, is asked again for so many seconds: some 25 times.
RETRY_SECONDS = 120
# Before a command begins, a person waits for the answer.
SHORT_SECONDS = 5
_BACKOFF: Any = {
    "init_backoff": timedelta(milliseconds=100),
    "max_backoff": timedelta(seconds=10),
    # A wait is drawn between the first and so many times the last one: with 2, the default, waits
    # hardly grow.
    "base": 3,
}


class AddressError(InputError):
    """The address of a store is invalid, or the packages for it are missing."""


@dataclass(frozen=True, order=True)
class StoreAddress:
    """A bucket, and what all keys of the lake begin with; without slashes at its ends."""

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> "StoreAddress":
        """The address `s3://bucket/prefix`.

        Raises:
            AddressError: it is another text; the message does not repeat it.
        """
        bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
        prefix = prefix.strip("/")
        if not (
            text.startswith(SCHEME)
            and _BUCKET.fullmatch(bucket)
            and (not prefix or _PREFIX.fullmatch(prefix))
        ):
            # It may hold a key.
            raise AddressError(
                "the address of a lake on a store is s3://bucket/prefix, of letters, digits, dots, "
                "dashes and underscores; keys belong into AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY. A folder is a path without ://"
            )
        return cls(bucket, prefix)

    def __str__(self) -> str:
        """As a URL."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def client(self, seconds: float | None = None) -> "S3Store":
        """The client for keys under the prefix; one a process for the same variables.

        Args:
            seconds: how long a store that does not answer is asked again; None: `RETRY_SECONDS`.

        Raises:
            AddressError: obstore is not installed, or the endpoint is not an address.
        """
        variables = tuple(os.environ.get(name, "") for name in _VARIABLES)
        return _client(self, variables, RETRY_SECONDS if seconds is None else seconds)


def is_address(text: str) -> bool:
    """Whether a text is an address, right or wrong, and not the path of a folder."""
    return bool(_SCHEMED.match(text))


def without_obstore(path: object) -> AddressError:
    """The error of a lake on a store without the extra `cluster`."""
    return AddressError(
        f"{path} is on a store, which requires obstore: pip install 'hf_assets[cluster]'"
    )


def endpoint() -> str | None:
    """The server that requests go to, as the AWS variables name it; None: Amazon's."""
    values = (os.environ.get(name) for name in _VARIABLES if "ENDPOINT" in name)
    return next(filter(None, values), None)


@lru_cache(maxsize=16)
def _client(address: StoreAddress, variables: tuple[str, ...], seconds: float) -> "S3Store":
    try:
        from obstore.store import S3Store
    except ImportError:
        raise without_obstore(address) from None
    known, server = dict(zip(_VARIABLES, variables, strict=True)), endpoint()
    # obstore ends the process on some of the others.
    if server and not _SERVER.fullmatch(server):
        raise AddressError("AWS_ENDPOINT_URL is not the address of a server: https://HOST:PORT")
    options: dict[str, Any] = {"endpoint": server} if server else {}
    return S3Store(
        address.bucket,
        prefix=address.prefix or None,
        region=known["AWS_REGION"] or known["AWS_DEFAULT_REGION"] or "us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": bool(server and server.startswith("http://"))},
        retry_config={
            # The time is to end it.
            "max_retries": 1000,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": _BACKOFF,
        },
        **options,
    )
