"""convcore.dask on a cluster of processes, one of which is killed in the middle."""

import os
import signal
import time

import numpy as np
import pytest

import convcore

distributed = pytest.importorskip("distributed", reason="clusters are the package distributed's")
da = pytest.importorskip("dask.array")

from convcore import dask as bridge  # noqa: E402

pytestmark = [pytest.mark.auto, pytest.mark.filterwarnings("ignore")]


def slowly(block):
    time.sleep(0.02)
    return block


def processed(client):
    return sum(len(keys) for keys in client.has_what().values())


def test_a_process_is_killed_in_the_middle(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((16, 240, 250)).astype(np.float32)
    weight = rng.standard_normal((16, 16, 3, 3)).astype(np.float32)
    want = convcore.max_pool2d(convcore.conv2d(x, weight, padding="same"), 3, 2)
    monkeypatch.chdir(tmp_path)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            local_directory=str(tmp_path), memory_limit=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        lazy = da.map_blocks(
            slowly, da.from_array(x, (16, 30, 30)), dtype=x.dtype, meta=np.empty(())
        )
        y = bridge.max_pool2d(bridge.conv2d(lazy, weight, padding="same"), 3, 2)
        # each process knows another default: the algorithm is the graph's
        client.run(lambda: convcore.set_algorithm("direct") and None)
        result = client.compute(y)
        pids = client.run(os.getpid)
        deadline = time.monotonic() + 20
        while processed(client) < 15:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not result.done()
        os.kill(min(pids.values()), signal.SIGKILL)
        assert np.array_equal(result.result(timeout=60), want)
        assert set(client.run(os.getpid).values()) != set(pids.values())
