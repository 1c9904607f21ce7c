"""A proxy as strict as the S3 gateway of Hugging Face Storage Buckets is documented to be.

After `storage-buckets-s3` of the Hub's documentation, read in November 2026, never tried live.
Where it leaves open what the gateway does, this proxy refuses: a lake that works here asks for
nothing that is not documented. The namespace is a part of the endpoint.
"""

import secrets
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from hf_assets_tests.support.object_store.counting import (
    Answer,
    CountingProxy,
    PlainServer,
    Request,
)
from hf_assets_tests.support.object_store.signing import signed_for
from hf_assets_tests.support.object_store.weed import SECRET

NAMESPACE = "an-org"
# Who gets the object from the gateway itself; all others are sent to a server of copies.
PROXIED_AGENTS = ("aws-cli", "botocore", "aws-sdk-rust")
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
SUPPORTED = {"list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys"}
SUPPORTED |= {"encoding-type", "fetch-owner", "uploads", "uploadId", "partNumber", "delete", "x-id"}


def refused(request: Request) -> tuple[str, str] | None:
    """The error code, and the limit that the request breaks; None where it breaks none."""
    key, query = request.key, request.query
    if extra := set(query) - SUPPORTED:
        return "NotImplemented", f"not documented: {sorted(extra)}"
    if request.kind == "LIST v1":
        return "NotImplemented", "ListObjectsV2 only"
    if request.method == "GET" and "uploads" in query:
        return "NotImplemented", "ListMultipartUploads is not documented"
    if query.get("delimiter", ["/"]) != ["/"]:
        return "InvalidArgument", "the delimiter is /"
    if key.endswith(("/", "..")) or key.startswith(("/", "./")) or _is_odd(key):
        return "InvalidArgument", f"not a key: {key}"
    if request.method in ("GET", "HEAD") and any(map(request.header, CONDITIONS)):
        return "NotImplemented", "no condition on GetObject"
    payload = request.header("x-amz-content-sha256") or ""
    encoding = request.header("content-encoding") or ""
    if payload.startswith("STREAMING-") or "aws-chunked" in encoding:
        return "InvalidArgument", "aws-chunked is not parsed"
    if request.header("x-amz-trailer"):
        return "InvalidArgument", "no trailing checksums"
    if request.method == "PUT" and request.header("x-amz-copy-source") and "uploadId" in query:
        return "NotImplemented", "no UploadPartCopy"
    return None


def _is_odd(key: str) -> bool:
    return any(part in key for part in ("//", "../", "\\", "\0"))


class StrictBucket(CountingProxy):
    """The proxy; its `url` is the endpoint, with the namespace.

    Attributes:
        broken: the limits that requests broke, oldest first.
        dropped: names of metadata headers that were sent and are not stored.
        redirected: user agents that followed a redirect to the object.
    """

    def __init__(self, port: int, namespace: str = NAMESPACE) -> None:
        super().__init__(port)
        self.url = f"{self.url}/{namespace}"
        self._prefix = f"/{namespace}"
        self._copies: dict[str, Answer] = {}
        self._copy_server = PlainServer(self._copy)
        self.broken: list[str] = []
        self.dropped: list[str] = []
        self.redirected: list[str] = []

    def answered(self, request: Request) -> Answer | None:
        """The answer to a request below the namespace."""
        if not request.path.startswith(f"{self._prefix}/"):
            return Answer.error("NoSuchBucket", request)
        path = request.path.removeprefix(self._prefix)
        signed = signed_for(path, request, SECRET)
        if signed is None:
            self.broken.append("a signature is wrong")
            return Answer.error("SignatureDoesNotMatch", request)
        headers = [each for each in request.headers if each[0].lower() != "authorization"]
        headers.append(("Authorization", signed))
        return super().answered(replace(request, path=path, headers=headers))

    def ask(self, request: Request) -> Answer:
        """The server's answer, as the gateway would give it."""
        if refusal := refused(request):
            code, limit = refusal
            self.broken.append(limit)
            return Answer.error(code, request)
        metadata = [name for name, _ in request.headers if name.lower().startswith("x-amz-meta-")]
        self.dropped.extend(metadata)
        answer = super().ask(request)
        answer.headers = [
            (name, value)
            for name, value in answer.headers
            if not name.lower().startswith("x-amz-meta-")
        ]
        agent = (request.header("user-agent") or "").lower()
        to_copy = request.kind in ("GET", "GET range") and answer.status in (200, 206)
        if not to_copy or any(name in agent for name in PROXIED_AGENTS):
            return answer
        token = f"/{secrets.token_urlsafe(16)}"
        self._copies[token] = answer
        return Answer(302, [("Location", f"{self._copy_server.url}{token}")], b"")

    def _copy(self, request: Request) -> Answer:
        # What is signed is the address: a server of copies refuses two signatures.
        if request.header("authorization"):
            self.broken.append("the signature was sent to another server")
            return Answer.error("InvalidArgument", request)
        self.redirected.append(request.header("user-agent") or "")
        return self._copies.pop(unquote(urlsplit(request.path).path))

    def __enter__(self) -> "StrictBucket":
        self._copy_server.start()
        super().__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        super().__exit__(*ended)
        self._copy_server.stop()
