"""Signatures of S3 requests (AWS SigV4), for a proxy that changes the path of what it passes on."""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote, urlsplit

from hf_assets_tests.support.object_store.counting import Request

_SIGNED = re.compile(
    r"Credential=[^/]+/(?P<scope>(?P<date>\d+)/(?P<region>[^/]+)/s3/aws4_request), *"
    r"SignedHeaders=(?P<names>[^,]+), *Signature=(?P<signature>\w+)"
)


def signature(request: Request, path: str, secret: str) -> str:
    """The signature of the request with another path, of the headers that the client has signed.

    Args:
        path: with the query, as it is sent.
    """
    signed = _SIGNED.search(request.header("authorization") or "")
    assert signed is not None, "not a signature of version 4"
    parts = urlsplit(path)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(sorted("=".join(quote(each, safe="") for each in pair) for pair in pairs))
    values = {name: request.header(name) or "" for name in signed["names"].split(";")}
    headers = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in values.items())
    payload = request.header("x-amz-content-sha256") or ""
    canonical = [request.method, parts.path, query, headers, signed["names"], payload]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    date = request.header("x-amz-date") or ""
    text = "\n".join(["AWS4-HMAC-SHA256", date, signed["scope"], digest])
    key = f"AWS4{secret}".encode()
    for part in (signed["date"], signed["region"], "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def signed_for(path: str, request: Request, secret: str) -> str | None:
    """The header `Authorization` for another path; None where the client's is not right."""
    authorization = request.header("authorization") or ""
    client = signature(request, request.path, secret)
    if not authorization.endswith(f"Signature={client}"):
        return None
    return authorization.replace(client, signature(request, path, secret))
