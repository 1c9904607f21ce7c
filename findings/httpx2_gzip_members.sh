#!/usr/bin/env bash
# A body of two gzip members (RFC 1952, 2.2: members simply follow each other; `cat a.gz b.gz`, a proxy that
# compresses block by block, BGZF) is half a body to httpx2, and a whole one to requests.
#
# httpx2 2.16.2, requests 2.34.2, urllib3 2.8.0, backports.zstd 1.8.0, Python 3.11. Seen, of one answer over HTTP:
#   httpx2, Content-Encoding: gzip, two members    the first member alone; status 200, no error
#   httpx2, the same two as zstd frames            both (with backports.zstd)
#   requests (urllib3), gzip, two members          both
#   gzip.decompress of the raw bytes               both
# Where the first member ends at the end of a line, what is lost is whole lines: a list of JSON lines is shorter,
# and nobody notices. (huggingface_hub 2 asks through httpx2, so its callers have this, too.) What works: read
# `iter_raw()` and unpack member by member, or ask for `Accept-Encoding: identity`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  httpx2==2.16.2 backports.zstd==1.8.0 requests==2.34.2 urllib3==2.8.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import requests
from backports import zstd

LINES = [b'{"id": "ada/%d"}\n' % number for number in range(4)]
HALVES = b"".join(LINES[:2]), b"".join(LINES[2:])
BODIES = {
    "gzip": b"".join(map(gzip.compress, HALVES)),
    "zstd": b"".join(map(zstd.compress, HALVES)),
}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        coding = self.path.strip("/")
        self.send_response(200)
        self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(BODIES[coding])))
        self.end_headers()
        self.wfile.write(BODIES[coding])

    def log_message(self, *_: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), Answers)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"

client = httpx2.Client(trust_env=False)
with client.stream("GET", f"{url}/gzip") as answer:
    raw = b"".join(answer.iter_raw())
session = requests.Session()
session.trust_env = False
whole = client.get(f"{url}/gzip")
seen = {
    "httpx2, gzip": (whole.status_code, len(whole.text.splitlines())),
    "httpx2, zstd": len(client.get(f"{url}/zstd").text.splitlines()),
    "requests, gzip": len(session.get(f"{url}/gzip").text.splitlines()),
    "the raw bytes, gzip.decompress": len(gzip.decompress(raw).splitlines()),
}
for name, value in seen.items():
    print(f"{name}: {value}")
expected = {
    "httpx2, gzip": (200, 2),
    "httpx2, zstd": 4,
    "requests, gzip": 4,
    "the raw bytes, gzip.decompress": 4,
}
assert seen == expected, f"it is otherwise now: {seen}"
PYTHON
