"""`load_torch`: files of PyTorch, read without PyTorch; nothing in one is run or believed."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from convcore import nn

STORAGES = {"f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage", "b1": "BoolStorage",
            "f2": "HalfStorage", "u1": "ByteStorage"}  # fmt: skip


def text(word):
    data = word.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(n):
    return b"J" + struct.pack("<i", n)


def numbers(values):
    return b"(" + b"".join(map(integer, values)) + b"t"


def a_tensor(key, array, size=None, stride=None, **more):
    """The steps that make a tensor, as torch.save writes them."""
    size = array.shape if size is None else size
    steps = [s // array.itemsize for s in array.strides] if stride is None else stride
    kind = more.get("storage") or STORAGES[array.dtype.str[1:]]
    cells = more.get("cells", array.size)
    return b"".join([
        b"ctorch._utils\n_rebuild_tensor_v2\n((", text("storage"), b"ctorch\n", kind.encode(),
        b"\n", text(key), text("cpu"), integer(cells), b"tQ", integer(more.get("offset", 0)),
        numbers(size), numbers(steps), b"\x89ccollections\nOrderedDict\n)RtR",
    ])  # fmt: skip


def a_mapping(**values):
    return b"\x80\x02}(" + b"".join(text(k) + v for k, v in values.items()) + b"u."


def write(path, data, members=(), folder="archive", **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr(f"{folder}/data.pkl", data)
        for key, content in members:
            file.writestr(f"{folder}/data/{key}", content)
    return path


X = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pth"


def read(path, data, *members, **options):
    return nn.load_torch(write(path, data, members, **options))


def test_a_file_by_hand(path):
    found = read(path, a_mapping(weight=a_tensor("0", X), n=integer(-3)), ("0", X.tobytes()))
    assert list(found) == ["weight", "n"]
    assert found["n"] == -3
    assert np.array_equal(found["weight"], X)
    assert found["weight"].flags.owndata
    assert found["weight"].flags.writeable


def test_views_of_one_storage(path):
    data = a_mapping(
        part=a_tensor("0", X, (2, 2), (4, 2), offset=4), turned=a_tensor("0", X, (4, 3), (1, 4)),
        none=a_tensor("0", X, (0, 5), (5, 1)), one=a_tensor("0", X, (), (), offset=7),
    )  # fmt: skip
    found = read(path, data, ("0", X.tobytes()))
    assert np.array_equal(found["part"], X[1:, ::2])
    assert np.array_equal(found["turned"], X.T)
    assert found["none"].shape == (0, 5)
    assert found["one"] == X.ravel()[7]


@pytest.mark.parametrize("dtype", STORAGES)
def test_dtypes(path, dtype):
    array = X > 3 if dtype == "b1" else X.astype(dtype)
    found = read(path, a_mapping(x=a_tensor("0", array)), ("0", array.tobytes()))["x"]
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


def test_bfloat16_becomes_float32(path):
    words = (X.view(np.uint32) >> 16).astype(np.uint16)
    data = a_mapping(x=a_tensor("0", words, storage="BFloat16Storage"))
    found = read(path, data, ("0", words.tobytes()))["x"]
    assert found.dtype == np.float32
    assert np.array_equal(found, X)


def test_big_endian_files(path):
    write(path, a_mapping(x=a_tensor("0", X)), [("0", X.astype(">f4").tobytes())])
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("archive/byteorder", "big")
    assert np.array_equal(nn.load_torch(path)["x"], X)


def test_values_beside_tensors(path):
    values = {"epoch": 3, "lr": 0.5, "names": ["a", None, True], "shape": (1, (2, 3)),
              "inner": {"deep": [{}, [], ()]}, "large": 2**70, 5: False}  # fmt: skip
    assert read(path, pickle.dumps(values, protocol=2)) == values


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_nothing_is_run(path, tmp_path):
    mark = tmp_path / "mark"
    for thing in (Hostile(open, str(mark), "w"), Hostile(eval, "1"), Hostile(print, 1)):
        with pytest.raises(ValueError, match=r"load_torch: path must be .* got an object of"):
            read(path, pickle.dumps({"a": thing}, protocol=2))
    assert not mark.exists()


FILE = X.tobytes()
DEEP = b"\x80\x02}" + text("a") + b"]" * 100 + b"a" * 99 + b"s."

# A list in itself, lists that hold the next twice, and so on.
WRONG = [
    ("a global", a_mapping(a=b"cos\nsystem\n"), "the name 'os system'"),
    ("an object", a_mapping(a=b"cos\nsystem\n" + text("ls") + b"\x85R"), "of 'os system'"),
    ("a new object", a_mapping(a=b"cos\nsystem\n)\x81"), "the pickle's step NEWOBJ"),
    ("an instance", a_mapping(a=b"(ios\nsystem\n"), "the pickle's step INST"),
    ("a global of the stack", b"\x80\x04" + text("os") * 2 + b"\x93.", "the name 'os os'"),
    ("a list", b"\x80\x02].", "list instead of a mapping"),
    ("nothing", b"", "pickle"),
    ("no end", b"\x80\x02}", "a damaged pickle"),
    ("two values", b"\x80\x02}}.", "a damaged pickle"),
    ("an empty stack", b"\x80\x02.", "a damaged pickle"),
    ("a missing memo", b"\x80\x02h\x07.", "a damaged pickle"),
    ("a missing mark", b"\x80\x02}u.", "a damaged pickle"),
    ("an odd mapping", b"\x80\x02}(" + text("a") + b"u.", "a damaged pickle"),
    ("a key that is a list", b"\x80\x02}]K\x01s.", "a damaged pickle"),
    ("lists in lists", DEEP, "too deep"),
    ("a list in itself", b"\x80\x02}" + text("a") + b"]q\x00h\x00as.", "too deep"),
    ("a build on a list", b"\x80\x02]}b.", "list where a pickle needs dict"),
    ("a tensor of nothing", a_mapping(a=b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR"), "no sizes"),
    ("too few bytes", a_mapping(a=a_tensor("0", X, cells=13)), "48 bytes for a storage of 13"),
    ("too far", a_mapping(a=a_tensor("0", X, offset=1)), "a tensor of shape (3, 4) in 12 cells"),
    ("too many", a_mapping(a=a_tensor("0", X, (4, 4))), "a tensor of shape (4, 4) in 12 cells"),
    ("repeated", a_mapping(a=a_tensor("0", X, (2**30,), (0,))), "in 12 cells"),
    ("overflow", a_mapping(a=a_tensor("0", X, (2**31 - 1,) * 3, (0,) * 3)), "in 12 cells"),
    ("negative", a_mapping(a=a_tensor("0", X, (-1, 4))), "no sizes"),
    ("negative steps", a_mapping(a=a_tensor("0", X, stride=(-1, 1))), "no sizes"),
    ("negative offset", a_mapping(a=a_tensor("0", X, offset=-1)), "no sizes"),
    ("other axes", a_mapping(a=a_tensor("0", X, (12,), (1, 1))), "no sizes"),
    ("empty and huge", a_mapping(a=a_tensor("0", X, (0, *(2**31 - 1,) * 3), (0,) * 4)), "a tensor"),
    ("many axes", a_mapping(a=a_tensor("0", X, (1,) * 40, (0,) * 40)), "a tensor of shape"),
    ("another storage", a_mapping(a=a_tensor("0", X, storage="QInt8Storage")), "'QInt8Storage'"),
    ("complex", a_mapping(a=a_tensor("0", X, storage="ComplexFloatStorage")), "'Complex"),
    ("no such storage", a_mapping(a=a_tensor("1", X)), "a damaged member 'data/1'"),
    ("a path", a_mapping(a=a_tensor("../../x", X)), "a damaged member"),
    ("two types", a_mapping(a=a_tensor("0", X), b=a_tensor("0", X, storage="IntStorage")), "two"),
    ("a name that is no tuple", a_mapping(a=b"K\x01Q"), "the name 1 of a storage"),
    ("an order of its own", a_mapping(a=b"ccollections\nOrderedDict\nK\x01\x85R"), "OrderedDict"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "data", "words"), WRONG, ids=[row[0] for row in WRONG])
def test_hostile_pickles(path, what, data, words):
    with pytest.raises(ValueError, match=r"load_torch: path must be a file of torch.save") as error:
        read(path, data, ("0", FILE))
    assert words in str(error.value)
    assert "model.pth" in str(error.value)


def test_lists_that_double_are_walked_once(path):
    """Each list holds the one before twice: 2 ** 50 ways through them."""
    lists = {"k0": b"]q\x00"}
    for i in range(50):
        lists[f"k{i + 1}"] = (
            b"]q" + bytes([i + 1]) + (b"(h" + bytes([i]) + b"h" + bytes([i]) + b"e")
        )
    found = read(path, a_mapping(**lists))
    assert found["k50"][0] is found["k50"][1] is found["k49"]


def test_tensors_take_no_more_than_the_file_allows(path):
    cells = np.zeros(10**6, np.float32)
    many = {f"t{i}": a_tensor("0", cells) for i in range(20)}
    with pytest.raises(ValueError, match="a tensor of shape"):
        read(path, a_mapping(**many), ("0", cells.tobytes()))


def test_compressed_members(path):
    with pytest.raises(ValueError, match="compressed or overlapping"):
        read(path, a_mapping(a=a_tensor("0", X)), ("0", FILE), compression=zipfile.ZIP_DEFLATED)


def test_other_files(path):
    for data in (b"", b"PK", b"PK\x03\x04", b"PK\x03\x04" + bytes(100), b"\x93NUMPY",
                 b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.rest"):  # fmt: skip
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"load_torch: path must be a file of torch.save"):
            nn.load_torch(path)
    with pytest.raises(ValueError, match="an archive of another kind"):
        read(path, a_mapping(), folder="a/b")
    with pytest.raises(FileNotFoundError):
        nn.load_torch(path.parent / "none.pth")
    with pytest.raises(TypeError, match="load_torch: path must be a str or a path"):
        nn.load_torch(3)
    with pytest.raises(IsADirectoryError):
        nn.load_torch(path.parent)


def test_damaged_files(path):
    """Any change of a byte gives a result or a ValueError."""
    data = a_mapping(a=a_tensor("0", X), b=a_tensor("0", X, (2, 2), (4, 2)), c=integer(5))
    raw = write(path, data, [("0", FILE)]).read_bytes()
    rng = np.random.default_rng(0)
    for turn in range(300):
        broken = bytearray(data if turn % 2 else raw)
        for _ in range(rng.integers(1, 4)):
            broken[rng.integers(len(broken))] = rng.integers(256)
        if turn % 5 == 0:
            del broken[rng.integers(len(broken)) :]
        if turn % 2:
            write(path, bytes(broken), [("0", FILE)])
        else:
            path.write_bytes(broken)
        try:
            found = nn.load_torch(path)
        except ValueError as error:
            found = {} if "load_torch: path must be" in str(error) else None
        assert isinstance(found, dict)


def test_load_takes_such_files(path):
    layer = nn.Conv2d(1, 2, 3)
    weight = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)
    bias = np.ones(2, np.float32)
    members = ("0", weight.tobytes()), ("1", bias.tobytes())
    write(path, a_mapping(weight=a_tensor("0", weight), bias=a_tensor("1", bias)), members)
    assert nn.load(layer, path) is layer
    assert np.array_equal(layer.weight, weight)
    assert np.array_equal(layer.bias, bias)
    write(path, a_mapping(weight=a_tensor("0", weight)), members)
    with pytest.raises(ValueError, match=r"load: .* lacks bias"):
        nn.load(layer, path)
    write(path, a_mapping(weight=integer(3)), members)
    with pytest.raises(ValueError, match="load: path must be a file of tensors by name, got int"):
        nn.load(layer, path)


def test_pytorch_and_this_agree(path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).half()
    x = torch.arange(12.0).reshape(3, 4)
    saved = {
        "model": model.state_dict(), "t": x.t(), "part": x[1:, ::2], "b": x.bfloat16(),
        "p": torch.nn.Parameter(x), "n": {"step": 3, "size": x.shape}, "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3), "flags": x > 3,
    }  # fmt: skip
    torch.save(saved, path)
    found = nn.load_torch(path)

    def check(one, other):
        if isinstance(one, dict):
            assert list(one) == list(other)
            for name in one:
                check(one[name], other[name])
        elif isinstance(one, torch.Tensor):
            assert np.array_equal(one.detach().float().numpy(), other.astype(np.float32))
        else:
            assert one == other

    check(saved, found)
    torch.save(model, path)
    with pytest.raises(ValueError, match=r"load_torch: path must be .* tensors alone"):
        nn.load_torch(path)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer, _use_new_zipfile_serialization=False)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="the format of PyTorch before"):
        nn.load_torch(path)


def saved(path, values, **options):
    """What is read of a file that PyTorch wrote."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    torch.save(values(torch), path, **options)
    return nn.load_torch(path)


def test_views_with_pytorchs_negative_bit(path):
    found = saved(path, lambda torch: {"a": torch.full((2,), 1j).conj().imag})
    assert found["a"].tolist() == [-1.0, -1.0]


def test_marks_of_tensors_that_are_not_known(path):
    tensor = a_tensor("0", X)
    for mark, says in ((b"neg", None), (b"conj", "marks"), (b"odd", "marks")):
        marks = b"}" + text(mark.decode()) + b"\x88s"
        data = a_mapping(a=tensor[: -len(b"tR")] + marks + b"tR")
        if says is None:
            assert np.array_equal(read(path, data, ("0", X.tobytes()))["a"], -X)
        else:
            with pytest.raises(ValueError, match=says):
                read(path, data, ("0", X.tobytes()))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickles(path, protocol):
    state = {"bias": X[0], "weight": X}
    found = saved(
        path,
        lambda torch: torch.nn.ParameterDict(
            {name: torch.nn.Parameter(torch.tensor(each)) for name, each in state.items()}
        ).state_dict(),
        pickle_protocol=protocol,
    )
    assert list(found) == list(state)
    assert all(np.array_equal(found[name], each) for name, each in state.items())


def test_expanded_tensors(path):
    found = saved(path, lambda torch: {"a": torch.tensor([3.0]).expand(2, 5)})
    assert np.array_equal(found["a"], np.full((2, 5), 3.0))
    with pytest.raises(ValueError, match="in 1 cells"):
        saved(path, lambda torch: {"a": torch.ones(1).expand(1_000_000)})
