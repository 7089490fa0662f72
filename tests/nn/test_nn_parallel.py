"""Training in parts: bits that do not depend on processes, and processes that fail."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from convcore import nn
from convcore.nn.training.parallel import Row, tree_sum

ROOT = next(path for path in Path(__file__).parents if (path / "pyproject.toml").exists())


def bars(n, seed=0):
    """Images of 8 x 8, half of them with a bright row; and their classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.3, (n, 1, 8, 8)).astype(np.float32)
    y = np.arange(n) % 2
    x[np.arange(n), 0, rng.integers(0, 8, n)] += y[:, np.newaxis]
    return x, y


def moved(x, rng):
    return np.roll(x, rng.integers(-1, 2), axis=3)


def model(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=rng, dtype=dtype), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(36, 2, rng=rng, dtype=np.float64),
    )  # fmt: skip


def digest(net):
    return sha256(b"".join(array.tobytes() for array in net.state().values())).hexdigest()


def fitted(parts=4, comm=None, net=None, **options):
    net = net or model()
    x, y = bars(70)
    given = {"optimizer": nn.Adam(0.01), "epochs": 2, "batch_size": 16, "rng": 7} | options
    history = nn.fit(net, x, y, progress=False, parts=parts, comm=comm, **given)
    return net, history


def together(size, function):
    """Run a function of a communicator in threads; return results or exceptions."""
    exchange = nn.Exchange(size)

    def one(rank):
        try:
            return function(nn.ExchangeComm(exchange, rank, timeout=20))
        except Exception as error:
            return error

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(one, range(size)))


@pytest.mark.parametrize("parts", [2, 4, 6, 8, 12])
def test_bits_do_not_depend_on_the_number_of_processes(parts):
    options = {"augment": moved, "validation": bars(20, 1)}
    alone, history = fitted(parts, **options)
    for size in (1, 2, 3, 4):
        if parts % size:
            continue
        for net, found in together(size, lambda comm: fitted(parts, comm, **options)):
            assert digest(net) == digest(alone)
            assert found == history
    assert digest(alone) != digest(fitted(1, **options)[0])


def test_one_part_is_what_it_was():
    net, history = fitted(1)
    plain = model()
    x, y = bars(70)
    again = nn.fit(plain, x, y, optimizer=nn.Adam(0.01), epochs=2, batch_size=16, rng=7,
                   progress=False)  # fmt: skip
    assert digest(net) == digest(plain)
    assert history == again


def test_gradients_of_parts_are_those_of_the_batch():
    """Without what looks at a part as a whole, only the order of sums differs."""
    rng = np.random.default_rng(0)
    nets = [
        nn.Sequential(nn.Conv2d(1, 3, 3, rng=1, dtype=np.float64), nn.Tanh(), nn.Flatten(),
                      nn.Linear(108, 2, rng=2, dtype=np.float64))
        for _ in range(2)
    ]  # fmt: skip
    x, y = rng.normal(size=(13, 1, 8, 8)), rng.integers(0, 2, 13)
    histories = [
        nn.fit(net, x, y, optimizer=nn.SGD(0.1, momentum=0.9), epochs=3, batch_size=7, rng=0,
               progress=False, parts=parts)
        for net, parts in zip(nets, (1, 4), strict=True)
    ]  # fmt: skip
    for one, other in zip(*(net.state().values() for net in nets), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    for one, other in zip(*histories, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-12)
        assert one.accuracy == other.accuracy


def test_a_rule_takes_gradients_from_elsewhere():
    layer = nn.Linear(2, 1, rng=0)
    before = layer.weight.copy()
    given = {"weight": np.ones((1, 2)), "bias": np.zeros(1)}
    nn.SGD(0.5).step(layer, given)
    np.testing.assert_allclose(layer.weight, before - 0.5)
    with pytest.raises(ValueError, match="parameter 'bias' has no gradient"):
        nn.SGD(0.5).step(layer, {"weight": np.ones((1, 2))})


def test_numbers_instead_of_classes():
    x = np.linspace(-1, 1, 40)[:, np.newaxis]
    net = nn.Linear(1, 1, rng=0, dtype=np.float64)
    history = nn.fit(net, x, 3 * x - 1, optimizer=nn.Adam(0.1), loss=nn.mse, epochs=60, rng=0,
                     progress=False, parts=3)  # fmt: skip
    assert history[-1].accuracy is None
    np.testing.assert_allclose([net.weight[0, 0], net.bias[0]], [3, -1], atol=0.05)


def test_running_statistics_are_the_mean_of_the_parts():
    net = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1, rng=0))
    x = np.array([[0.0], [2.0], [10.0], [14.0]])
    nn.fit(net, x, x, optimizer=nn.SGD(0.0), loss=nn.mse, batch_size=4, rng=0, parts=2,
           progress=False)  # fmt: skip
    # whatever the order, each part has two examples and the mean of the means is that of all
    assert net[0].running_mean[0] == pytest.approx(0.1 * x.mean())


def test_the_tree_is_the_same_for_every_grouping():
    rng = np.random.default_rng(0)
    rows = [Row(rng.normal(size=5), rng.normal(size=3).astype(np.float32)) for _ in range(12)]
    whole = tree_sum(rows)
    for size in (2, 4):
        branches = [tree_sum(rows[i : i + size]) for i in range(0, 12, size)]
        again = tree_sum(branches)
        assert (again.wide == whole.wide).all()
        assert (again.narrow == whole.narrow).all()


def test_checkpoints(tmp_path):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    path = tmp_path / "run"
    whole, history = fitted(4, epochs=3)
    for size, epochs in ((2, 1), (1, 2), (4, 3)):
        found = together(size, lambda comm, n=epochs: fitted(4, comm, epochs=n, checkpoint=path))
        assert [len(h) for _, h in found] == [epochs] * size
    for net, again in found:
        assert digest(net) == digest(whole)
        assert again == history
    with pytest.raises(ValueError, match="its parts is 4, not 2"):
        fitted(2, epochs=3, checkpoint=path)


# Processes that fail or disagree


def only(rank, comm, value, other):
    return value if comm.rank == rank else other


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("rng", (7, 8), "rng must be equal in all processes"),
        ("epochs", (2, 3), "epochs must be equal"),
        ("batch_size", (16, 8), "batch_size must be equal"),
        ("optimizer", (nn.Adam(0.01), nn.Adam(0.02)), "optimizer must be equal"),
        ("validation", (None, bars(8, 1)), "validation must be equal"),
    ],
)
def test_processes_that_disagree(name, values, words):
    for found in together(2, lambda comm: fitted(4, comm, **{name: values[comm.rank]})):
        assert isinstance(found, ValueError)
        assert words in str(found)


def test_processes_with_other_weights():
    for found in together(2, lambda comm: fitted(4, comm, model(comm.rank))):
        assert "initial weights must be equal in all processes, got another in process 1" in str(
            found
        )


@pytest.mark.parametrize("call", [0, 3, 8])
def test_a_process_that_fails_stops_the_others(call):
    def failing(comm):
        calls = [0]

        def augment(batch, rng):
            calls[0] += 1
            if comm.rank == 1 and calls[0] == call + 1:
                raise OSError("no image")
            return batch

        return fitted(4, comm, augment=augment)

    first, second, third, fourth = together(4, failing)
    assert isinstance(second, OSError)
    for found in (first, third, fourth):
        assert isinstance(found, RuntimeError)
        assert "fit: process 1 of 4 failed; its own error says why" in str(found)


def test_a_process_with_bad_arguments_stops_the_others():
    found = together(2, lambda comm: fitted(4, comm, loss=only(1, comm, None, nn.cross_entropy)))
    assert isinstance(found[0], RuntimeError)
    assert "loss must be a function" in str(found[1])


def test_a_training_that_diverges():
    for found in together(2, lambda comm: fitted(4, comm, optimizer=nn.SGD(1e30))):
        assert isinstance(found, ValueError)
        assert "training diverged" in str(found)


def test_a_process_that_does_not_come():
    with pytest.raises(TimeoutError, match=r"all 2 processes must meet within 0\.05 seconds"):
        fitted(4, nn.ExchangeComm(nn.Exchange(2), 0, timeout=0.05))


class Comm:
    rank, size = 0, 2

    def __init__(self, **given):
        vars(self).update(given)

    def allgather(self, array):
        return [array]


@pytest.mark.parametrize(
    ("parts", "comm", "kind", "words"),
    [
        (0, None, ValueError, "parts must be at least 1, got 0"),
        (2.0, None, TypeError, "parts must be an integer"),
        (17, None, ValueError, "parts must be from 1 to 16, got 17"),
        (3, Comm(), ValueError, r"parts must be divisible by the number of processes \(2\), got 3"),
        (2, Comm(rank=2), ValueError, "comm.rank must be from 0 to 1, got 2"),
        (2, Comm(size=0), ValueError, "comm.size must be at least 1, got 0"),
        (2, "world", TypeError, "comm must have rank, size and allgather"),
        (2, Comm(), ValueError, "comm must gather 2 arrays of shape"),
    ],
)
def test_what_is_refused(parts, comm, kind, words):
    with pytest.raises(kind, match=f"fit: {words}"):
        fitted(parts, comm)


def test_processes_need_a_seed():
    for found in together(2, lambda comm: fitted(4, comm, rng=None)):
        assert "fit: rng must be given to several processes, got None" in str(found)


def test_what_exchanges_refuse():
    with pytest.raises(ValueError, match="Exchange: size must be at least 1"):
        nn.Exchange(0)
    with pytest.raises(TypeError, match="exchange must be an Exchange, got 3"):
        nn.ExchangeComm(3, 0)
    with pytest.raises(ValueError, match="rank must be from 0 to 1"):
        nn.ExchangeComm(nn.Exchange(2), 2)
    with pytest.raises(ValueError, match="timeout must be"):
        nn.ExchangeComm(nn.Exchange(2), 1, timeout=0)
    exchange = nn.Exchange(2)
    exchange.put(0, 0, np.zeros(1))
    with pytest.raises(ValueError, match="rank must be of one process alone, got 0 twice"):
        exchange.put(0, 0, np.zeros(1))


# Real processes

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from mpi4py import MPI
from tests.nn.test_nn_parallel import digest, fitted

comm = MPI.COMM_WORLD
net, history = fitted(4, comm)
found = comm.gather((digest(net), history[-1].loss.hex()))
if comm.rank == 0:
    print("ranks", comm.size, *sorted(set(found))[0], len(set(found)))
"""


@pytest.mark.parametrize("size", [1, 2, 4])
def test_mpi(size, tmp_path):
    pytest.importorskip("mpi4py", reason="needs mpi4py")
    beside = Path(sys.executable).parent / "mpiexec"
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("there is no mpiexec")
    program = tmp_path / "train.py"
    program.write_text(PROGRAM)
    command = [mpiexec, "-n", str(size), sys.executable, "-m", "mpi4py", str(program), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    net, history = fitted(4)
    line = next(line for line in done.stdout.splitlines() if line.startswith("ranks"))
    assert line == f"ranks {size} {digest(net)} {history[-1].loss.hex()} 1"


def train_in_dask(exchange, rank):
    net, _ = fitted(4, nn.ExchangeComm(exchange, rank, timeout=60))
    return digest(net)


PROGRAM_OF_DASK = """
import sys
sys.path.insert(0, sys.argv[1])
from distributed import Client, LocalCluster
from convcore import nn
from tests.nn.test_nn_parallel import digest, fitted, train_in_dask

if __name__ == "__main__":
    options = dict(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        exchange = client.submit(nn.Exchange, 2, actor=True).result()
        runs = client.map(train_in_dask, [exchange] * 2, range(2), pure=False)
        print("digests", *client.gather(runs))
"""


def test_dask(tmp_path):
    pytest.importorskip("distributed", reason="needs distributed")
    program = tmp_path / "train.py"
    program.write_text(PROGRAM_OF_DASK)
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(program), str(ROOT)], capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": paths}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("digests"))
    assert line.split()[1:] == [digest(fitted(4)[0])] * 2
