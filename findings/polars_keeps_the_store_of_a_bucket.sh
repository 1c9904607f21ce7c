#!/usr/bin/env bash
# A process reads s3://bucket/... with polars, where AWS_ENDPOINT_URL names one server; later the variable names another
# (a second store with a bucket of that name: a replica, a test's own server, a proxy). polars goes on asking the first
# server: it keeps the client that it built for a bucket, and does not look at the variables again. No error, no
# warning: the rows are those of the first server, while pyarrow and boto in the same process read the second. The
# same address with the endpoint as a storage option is another client, and right.
#
# polars 2.1.0, Python 3.11, Linux. Seen: [1] from the first server, [1] again after the variable changed, where a new
# process and storage_options={"aws_endpoint_url": ...} read [2].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import io
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl

URL = "s3://bucket/data.parquet"


class Store(BaseHTTPRequestHandler):
    """One object, whole or a range of it; signatures are not looked at."""

    content = b""

    def do_GET(self) -> None:
        size = len(self.content)
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        start, end = 0, size
        if asked:
            first, last = asked.groups()
            start = int(first) if first else max(size - int(last), 0)
            end = min(int(last) + 1, size) if first and last else size
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Fri, 27 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.content[start:end])

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


def serve(number: int) -> str:
    file = io.BytesIO()
    pl.DataFrame({"n": [number]}).write_parquet(file)
    handler = type("One", (Store,), {"content": file.getvalue()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def read(**options: object) -> list[int]:
    return pl.scan_parquet(URL, **options).collect()["n"].to_list()


os.environ |= {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}
one, two = serve(1), serve(2)
os.environ["AWS_ENDPOINT_URL"] = one
seen = {"the first server": read()}
os.environ["AWS_ENDPOINT_URL"] = two
seen["the variable names the second"] = read()
seen["the option names the second"] = read(storage_options={"aws_endpoint_url": two})
code = f"import polars as pl; print(pl.scan_parquet({URL!r}).collect()['n'].to_list())"
seen["a new process"] = eval(subprocess.check_output([sys.executable, "-c", code], text=True))
for name, rows in seen.items():
    print(f"{name}: {rows}")
assert list(seen.values()) == [[1], [1], [2], [2]], "it has changed"
PYTHON
