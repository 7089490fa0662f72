"""Files of parameters: written by any program, whatever became of them, wherever they lie."""

import errno
import json
import os
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from convcore import nn
from convcore.nn.io import disk

safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
from safetensors import numpy as st  # noqa: E402

posix = pytest.mark.skipif(os.name != "posix", reason="has no such files")


def layer(seed=0, **options):
    return nn.Linear(3, 2, rng=seed, **options)


def refused(path, net=None, kind=ValueError):
    """The text of load's error; the model is as it was."""
    net = net or layer(5)
    before = {name: array.copy() for name, array in net.parameters().items()}
    with pytest.raises(kind, match=r"^load: ") as caught:
        nn.load(net, path)
    assert os.fspath(path) in str(caught.value)
    assert all((array == before[name]).all() for name, array in net.parameters().items())
    return str(caught.value)


# Written by others


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {"format": "np", "facts": "[1"},
        {"facts": "{}"},
        {"format": "convcore 99"},
    ],
)
def test_a_file_of_any_program(tmp_path, metadata):
    net, path = layer(), tmp_path / "net"
    st.save_file(net.parameters(), path, metadata)
    other = nn.load(layer(1), path)
    assert (other.weight == net.weight).all()
    assert (other.bias == net.bias).all()


def test_a_file_of_torch(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    ours = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    path = tmp_path / "theirs"
    save_file(theirs.state_dict(), path)
    nn.load(ours, path)
    for name, tensor in theirs.state_dict().items():
        assert (ours.parameters()[name] == tensor.numpy()).all()
    save_file({k: t.bfloat16() for k, t in theirs.state_dict().items()}, path)
    assert "must have a dtype of BOOL, U8" in refused(path, ours)
    save_file({k: t.double() for k, t in theirs.state_dict().items()}, path)
    assert "must have the model's dtype float32, got float64" in refused(path, ours)


# Hostile ones


def raw(header, data=b"", size=None):
    """The bytes of a file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


WEIGHT = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
BIAS = {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]}
ZEROS = bytes(32)
HOSTILE = {
    "empty": b"",
    "a header without end": raw({}, size=2**63),
    "a header of 2**64 - 1": raw({}, size=2**64 - 1),
    "a header as large as allowed": raw(b" " * 1000, size=99_999_999),
    "no JSON": raw(b"{]"),
    "a list": raw([1, 2]),
    "a number": raw(3),
    "nothing": raw(None),
    "lists without end": raw(b"[" * 100_000),
    "objects without end": raw(b'{"a":' * 100_000),
    "not UTF-8": raw(b'{"\xff": 1}'),
    "an entry that is a word": raw({"weight": "x", "bias": BIAS}, ZEROS),
    "a dtype that is a number": raw({"weight": {**WEIGHT, "dtype": 1}, "bias": BIAS}, ZEROS),
    "a dtype of its own": raw({"weight": {**WEIGHT, "dtype": "F31"}, "bias": BIAS}, ZEROS),
    "a shape of words": raw({"weight": {**WEIGHT, "shape": ["2", 3]}, "bias": BIAS}, ZEROS),
    "a negative shape": raw({"weight": {**WEIGHT, "shape": [-2, -3]}, "bias": BIAS}, ZEROS),
    "a shape that overflows": raw({"weight": {**WEIGHT, "shape": [2**62, 8]}, "bias": BIAS}, ZEROS),
    "an empty shape that overflows": raw(
        {"weight": {"dtype": "F32", "shape": [2**63, 0, 2**63], "data_offsets": [0, 0]}}
    ),
    "many axes": raw(
        {"weight": {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]}}, bytes(4)
    ),
    "offsets of words": raw({"weight": {**WEIGHT, "data_offsets": ["0", "24"]}}, ZEROS),
    "offsets the other way": raw({"weight": {**WEIGHT, "data_offsets": [24, 0]}}, ZEROS),
    "offsets beyond the end": raw({"weight": {**WEIGHT, "data_offsets": [100, 124]}}, ZEROS),
    "two in one place": raw({"weight": WEIGHT, "bias": {**BIAS, "data_offsets": [0, 8]}}, ZEROS),
    "metadata of numbers": raw(
        {"__metadata__": {"format": 1}, "weight": WEIGHT, "bias": BIAS}, ZEROS
    ),
    "metadata that is a list": raw({"__metadata__": [], "weight": WEIGHT, "bias": BIAS}, ZEROS),
    "facts that are none": raw(
        {"__metadata__": {"format": "convcore 1"}, "weight": WEIGHT, "bias": BIAS}, ZEROS
    ),
    "facts that are no JSON": raw(
        {"__metadata__": {"format": "convcore 1", "facts": "{"}, "weight": WEIGHT, "bias": BIAS},
        ZEROS,
    ),
    "facts that are a list": raw(
        {"__metadata__": {"format": "convcore 1", "facts": "[]"}, "weight": WEIGHT, "bias": BIAS},
        ZEROS,
    ),
    "facts without end": raw(
        {
            "__metadata__": {"format": "convcore 1", "facts": "[" * 100_000},
            "weight": WEIGHT,
            "bias": BIAS,
        },
        ZEROS,
    ),
    "a checkpoint of nothing": raw(
        {
            "__metadata__": {"format": "convcore 1", "facts": '{"content": "checkpoint"}'},
            "weight": WEIGHT,
            "bias": BIAS,
        },
        ZEROS,
    ),
    "NaN": raw({"weight": WEIGHT, "bias": BIAS}, bytes(28) + struct.pack("<f", np.nan)),
    "infinity": raw({"weight": WEIGHT, "bias": BIAS}, struct.pack("<f", np.inf) + bytes(28)),
    "a name of a megabyte": raw({"weight": WEIGHT, "b" * 2**20: BIAS}, ZEROS),
    "a name of two lines": raw({"weight": WEIGHT, "a\nb": BIAS}, ZEROS),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file(tmp_path, name):
    path = tmp_path / "net"
    path.write_bytes(HOSTILE[name])
    text = refused(path)
    assert len(text) < 1500
    assert "\n" not in text


def test_what_is_not_finite_is_named(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(HOSTILE["NaN"])
    assert refused(path).endswith("must be finite, got nan at [1]")
    net = layer()
    net.weight[1, 2] = np.inf
    with pytest.raises(ValueError, match=r"save: parameter 'weight' .*, got inf at \[1, 2\]"):
        nn.save(net, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def mutated(rng, data):
    """A file with bytes changed, cut out, doubled or put in."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        size = len(data)
        place = int(rng.integers(0, min(size, 700) if rng.random() < 0.8 else size))
        kind = rng.integers(0, 5)
        if kind == 0:
            data[place] = rng.integers(0, 256)
        elif kind == 1:
            data[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            del data[place : place + int(rng.integers(1, 20))]
        elif kind == 3:
            data[place:place] = data[place : place + int(rng.integers(1, 20))]
        else:
            words = [b"-1", b"null", b'"a"', b"1e999", b"[", b"{}", b"99999"]
            data[place:place] = rng.choice(words)
        if not data:
            break
    return bytes(data)


def test_mutated_files_are_read_or_refused(tmp_path):
    net, path = layer(), tmp_path / "net"
    nn.save(net, path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refusals = 0
    for _ in range(1500):
        path.write_bytes(mutated(rng, whole))
        other = layer(1)
        before = [array.copy() for array in other.parameters().values()]
        text = None
        try:
            nn.load(other, path)
        except ValueError as error:
            text = str(error)
        if text is not None:
            refusals += 1
            assert text.startswith("load: ")
            assert str(path) in text
            now = other.parameters().values()
            assert all((a == b).all() for a, b in zip(before, now, strict=True))
        assert all(np.isfinite(array).all() for array in other.parameters().values())
    assert refusals > 1000


# Where they lie


@posix
def test_what_is_no_regular_file_is_refused_and_left(tmp_path):
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    x, y, options = np.ones((2, 3)), [0, 1], {"optimizer": nn.SGD(), "progress": False}
    for path in (fifo, link):
        with pytest.raises(ValueError, match="save: path must be a regular file, got a FIFO"):
            nn.save(layer(), path)
        assert "path must be a regular file, got a FIFO" in refused(path)
        with pytest.raises(ValueError, match="fit: checkpoint must be a regular file, got a FIFO"):
            nn.fit(layer(), x, y, checkpoint=path, **options)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert "got a character device, /dev/zero" in refused("/dev/zero")
    with pytest.raises(ValueError, match="got a character device, /dev/null"):
        nn.save(layer(), "/dev/null")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(IsADirectoryError):
        nn.save(layer(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fifo", "link"]


@posix
def test_a_loop_of_links(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    x, y, options = np.ones((2, 3)), [0, 1], {"optimizer": nn.SGD(), "progress": False}
    for call in (
        lambda: nn.save(layer(), loop),
        lambda: nn.load(layer(), loop),
        lambda: nn.fit(layer(), x, y, checkpoint=loop, **options),
    ):
        with pytest.raises(OSError, match="loop") as caught:
            call()
        assert caught.value.errno == errno.ELOOP
    assert loop.is_symlink()


@posix
def test_a_link_to_a_file_that_is_not_there_yet(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    nn.save(layer(), link)
    assert link.is_symlink()
    assert (nn.load(layer(1), tmp_path / "file").weight == layer().weight).all()


@posix
@pytest.mark.parametrize("size", [1, 200, 246, 255])
def test_a_name_as_long_as_names_can_be(tmp_path, size):
    path = tmp_path / ("n" * size)
    nn.save(layer(), path)
    assert (nn.load(layer(1), path).weight == layer().weight).all()
    nn.fit(
        layer(),
        np.ones((2, 3)),
        [0, 1],
        optimizer=nn.SGD(),
        progress=False,
        checkpoint=tmp_path / ("c" * size),
    )
    with pytest.raises(OSError, match="too long"):
        nn.save(layer(), tmp_path / ("n" * 256))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"net", TypeError),
        (3, TypeError),
        (None, TypeError),
        ("a\0b", ValueError),
        ("", ValueError),
    ],
)
def test_what_is_no_path(path, kind):
    for call, words in (
        (lambda: nn.save(layer(), path), "save: path must be a"),
        (lambda: nn.load(layer(), path), "load: path must be a"),
    ):
        with pytest.raises(kind, match=words):
            call()
    if path is not None:
        with pytest.raises(kind, match="fit: checkpoint must be a"):
            nn.fit(layer(), np.ones((2, 3)), [0, 1], optimizer=nn.SGD(), checkpoint=path)


# While they are written


@posix
def test_the_umask_is_not_touched(tmp_path, monkeypatch):
    def touched(mask):
        raise AssertionError("umask is the process's")

    old = os.umask(0o027)
    try:
        (tmp_path / "plain").write_bytes(b"")
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", touched)
            nn.save(layer(), tmp_path / "net")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "net").stat().st_mode) == 0o640
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "plain").stat().st_mode


@posix
def test_a_private_file_is_private_while_it_is_replaced(tmp_path, monkeypatch):
    path, modes = tmp_path / "net", []
    path.write_bytes(b"")
    path.chmod(0o600)
    fsync = os.fsync

    def seen(handle):
        modes.append(stat.S_IMODE(os.fstat(handle).st_mode))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    nn.save(layer(), path)
    assert modes == [0o600]
    path.chmod(0o664)
    nn.save(layer(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def parts(folder):
    return [p for p in folder.iterdir() if p.name.startswith(".")]


def waiting(folder):
    """A process that has begun to write a file and waits; its standard input ends the waiting."""
    code = (
        "import os, sys\nfrom convcore import nn\nfsync = os.fsync\n"
        "def wait(handle):\n    print('writing', flush=True)\n    sys.stdin.read()\n"
        "    fsync(handle)\n"
        "os.fsync = wait\nnn.save(nn.Linear(3, 2, rng=0), sys.argv[1])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "theirs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    return process


@posix
def test_what_a_killed_process_left_is_removed(tmp_path):
    process = waiting(tmp_path)
    process.kill()
    process.communicate()
    assert len(parts(tmp_path)) == 1
    (tmp_path / ".convcore-mine").write_bytes(b"not one of them")
    nn.save(layer(), tmp_path / "ours")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".convcore-mine", "ours"]


@posix
def test_what_a_living_process_writes_is_left(tmp_path):
    process = waiting(tmp_path)
    try:
        for _ in range(3):
            nn.save(layer(), tmp_path / "ours")
        assert len(parts(tmp_path)) == 1
    finally:
        process.communicate("")
    assert process.returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ours", "theirs"]
    assert (nn.load(layer(1), tmp_path / "theirs").weight == layer().weight).all()


def test_threads_write_into_one_folder(tmp_path):
    errors = []

    def run(name):
        try:
            for _ in range(40):
                nn.save(layer(), tmp_path / name)
        except Exception as error:  # what a thread raises is lost
            errors.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c"]


@posix
def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(disk.fcntl, "flock", none)
    (tmp_path / ".convcore-0.part").write_bytes(b"who knows whose")
    nn.save(layer(), tmp_path / "net")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".convcore-0.part", "net"]


@posix
def test_a_writer_whose_new_file_is_taken_for_a_left_one_begins_again(tmp_path, monkeypatch):
    flock, begun = disk.fcntl.flock, []

    def swept(handle, how):
        if len(begun) < 2:  # between its creation and its lock
            begun.append(parts(tmp_path)[0])
            begun[-1].unlink()
        flock(handle, how)

    monkeypatch.setattr(disk.fcntl, "flock", swept)
    nn.save(layer(), tmp_path / "net")
    assert len(set(begun)) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


def test_a_file_that_no_memory_holds(tmp_path, monkeypatch):
    nn.save(layer(), tmp_path / "net")

    class Large:
        def __init__(self, file, mode):
            self.file = open(file, mode)  # noqa: PTH123, SIM115

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def fileno(self):
            return self.file.fileno()

        def read(self):
            raise MemoryError

    monkeypatch.setattr(disk, "open", Large, raising=False)
    with pytest.raises(MemoryError, match=r"load: no memory for the \d+ bytes of .*net"):
        nn.load(layer(), tmp_path / "net")


def missing_folder(folder):
    return folder / "no" / "net", FileNotFoundError


def file_as_folder(folder):
    (folder / "file").write_bytes(b"")
    return folder / "file" / "net", NotADirectoryError


def long_name(folder):
    return folder / ("n" * 300), OSError


def a_folder(folder):
    return folder, IsADirectoryError


@posix
@pytest.mark.parametrize("case", [missing_folder, file_as_folder, long_name, a_folder])
def test_what_the_file_system_refuses(tmp_path, case):
    path, kind = case(tmp_path)
    x, options = np.ones((2, 3)), {"optimizer": nn.SGD(), "progress": False}
    for call, words in (
        (lambda: nn.save(layer(), path), "save: path must be a file that can be written, got "),
        (lambda: nn.load(layer(), path), "load: path must be a file that can be read, got "),
        (
            lambda: nn.fit(layer(), x, [0, 1], checkpoint=path, **options),
            "fit: checkpoint must be a file that can be written, got ",
        ),
    ):
        with pytest.raises(kind) as caught:
            call()
        error = caught.value
        assert type(error) is kind
        assert error.filename == str(path)
        assert error.strerror == f"{words}{os.strerror(error.errno)}"
        assert error.strerror in str(error)


def test_a_checkpoint_that_cannot_be_read(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "another name")

    x, options = np.ones((2, 3)), {"optimizer": nn.SGD(), "progress": False}
    path = tmp_path / "run"
    nn.fit(layer(), x, [0, 1], checkpoint=path, epochs=1, **options)
    monkeypatch.setattr(disk.File, "_read", refuse)
    with pytest.raises(PermissionError, match="fit: checkpoint must be a file that can be read"):
        nn.fit(layer(), x, [0, 1], checkpoint=path, epochs=1, **options)
