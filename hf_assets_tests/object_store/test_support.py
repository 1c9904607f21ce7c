"""The store of the tests, and the proxy before it, do what tests take for granted."""

from hf_assets.object_store.commit import commit, overwrite, seen
from hf_assets.object_store.path import StorePath
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault


def test_a_proxy_counts_requests_by_kind(bucket: StorePath, store_proxy: CountingProxy) -> None:
    path = bucket / "a" / "b c.txt"
    assert seen(path) is None
    commit(path, b"hello", None)
    assert path.read_bytes() == b"hello"
    assert [each.key for each, _ in bucket.below()] == ["a/b c.txt"]
    path.unlink()
    assert not path.exists()
    counts = store_proxy.counts()
    assert counts["PUT"] == counts["GET"] == 1
    assert counts["HEAD"] == 3
    assert counts["LIST"] == 2
    assert "LIST v1" not in counts
    assert [each.key for each in store_proxy.asked if each.kind == "PUT"] == [
        f"{bucket.address.prefix}/a/b c.txt"
    ]


def test_faults_happen_as_often_as_they_are_told(
    bucket: StorePath, store_proxy: CountingProxy
) -> None:
    store_proxy.faults = [Fault("SlowDown", kinds=("PUT",), times=2)]
    overwrite(bucket / "x", b"1")
    assert [each.status for each in store_proxy.asked] == [503, 503, 200]
