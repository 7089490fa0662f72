"""Tables of connections: their shapes, what they connect, how they are drawn, what is refused."""

import numpy as np
import pytest

from convcore import reference
from convcore.connections import full, lenet5_c3, one_to_one, random, show
from convcore.spec.connections import as_connections

# Table I of LeCun et al. (1998): the maps of S2 that each map of C3 sees.
TABLE_I = [
    {0, 1, 2},
    {1, 2, 3},
    {2, 3, 4},
    {3, 4, 5},
    {4, 5, 0},
    {5, 0, 1},
    {0, 1, 2, 3},
    {1, 2, 3, 4},
    {2, 3, 4, 5},
    {3, 4, 5, 0},
    {4, 5, 0, 1},
    {5, 0, 1, 2},
    {0, 1, 3, 4},
    {1, 2, 4, 5},
    {0, 2, 3, 5},
    {0, 1, 2, 3, 4, 5},
]


def seen(table):
    return [set(np.flatnonzero(row).tolist()) for row in table]


def test_full():
    table = full(3, 5)
    assert table.shape == (3, 5)
    assert table.dtype == bool
    assert table.all()
    assert full(in_=2, out=1).shape == (1, 2)


def test_one_to_one():
    assert (one_to_one(4) == np.eye(4, dtype=bool)).all()
    assert one_to_one(channels=1).tolist() == [[True]]


@pytest.mark.parametrize(("out", "in_", "fan_in"), [(16, 6, 3), (1, 1, 1), (5, 7, 7), (100, 9, 1)])
def test_random(out, in_, fan_in):
    table = random(out, in_, fan_in, rng=3)
    assert table.shape == (out, in_)
    assert table.dtype == bool
    assert (table.sum(axis=1) == fan_in).all()
    assert (table == random(out, in_, fan_in=fan_in, rng=np.int64(3))).all()
    assert (table == random(out, in_, fan_in, np.random.default_rng(3))).all()


def test_random_tables_differ():
    assert len({random(16, 6, 3, seed).tobytes() for seed in range(20)}) == 20
    rng = np.random.default_rng(0)  # a generator goes on
    assert (random(16, 6, 3, rng) != random(16, 6, 3, rng)).any()
    often = sum(random(50, 6, 2, seed).sum(axis=0) for seed in range(40))
    assert often.sum() == 4000
    assert (abs(often - 4000 / 6) < 100).all()  # no input is preferred


@pytest.mark.item("f33")
def test_the_table_of_lenet5():
    table = lenet5_c3()
    assert table.shape == (16, 6)
    assert seen(table) == TABLE_I
    assert table.sum(axis=0).tolist() == [10] * 6
    assert sum(25 * len(maps) + 1 for maps in TABLE_I) == 1516
    assert len(set(map(frozenset, seen(table)))) == 16  # no two maps see the same
    table[0] = False  # everybody has their own
    assert seen(lenet5_c3()) == TABLE_I


def test_it_is_a_table_that_the_convolution_takes():
    x, weight = np.ones((6, 14, 14)), np.ones((16, 6, 5, 5))
    z = reference.conv2d(x, weight, connections=lenet5_c3())
    assert z.shape == (16, 10, 10)
    assert (z == 25.0 * np.array([len(maps) for maps in TABLE_I])[:, None, None]).all()


def test_show():
    lines = show(lenet5_c3()).splitlines()
    assert lines[0].split() == [str(i) for i in range(16)]
    ends = [
        i + len(str(n)) for n, i in enumerate([lines[0].index(f" {n}") for n in range(16)])
    ]  # of the columns
    for row, line in enumerate(lines[1:]):
        assert line.startswith(f"{row} ")
        found = {n for n, end in enumerate(ends) if line[end : end + 1] == "X"}
        assert found == {n for n, maps in enumerate(TABLE_I) if row in maps}
        assert line.count("X") == 10
        assert line == line.rstrip()
    assert show([[True]]) == "  0\n0 X"
    assert show(np.zeros((2, 11), bool)).splitlines()[1:3] == [" 0", " 1"]


def test_check():
    table = as_connections("op", [[True, False]], (1, 2))
    assert table.array.tolist() == [[True, False]]
    assert table.transposed.array.tolist() == [[True], [False]]
    assert [list(found) for found in table.lists] == [[0, 1], [0]]
    assert hash(table) == hash(as_connections("op", np.array([[True, False]]), None))
    with pytest.raises(
        ValueError, match=r"op: connections must have shape .*\(2, 1\), got \(1, 2\)"
    ):
        as_connections("op", [[True, False]], (2, 1))
    with pytest.raises(ValueError, match=r"op: connections.*groups = 3"):
        as_connections("op", [[True, False]], (1, 2), groups=3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("full(0, 3)", "out.*0"),
        ("full(3, -1)", "in_.*-1"),
        ("full(2**40, 2**40)", "table.*2\\*\\*60"),
        ("full(2**64, 1)", "out"),
        ("one_to_one(0)", "channels.*0"),
        ("one_to_one(-5)", "channels.*-5"),
        ("random(4, 3, 0, 0)", "fan_in.*0"),
        ("random(4, 3, 4, 0)", "fan_in.*from 1 to 3.*4"),
        ("random(0, 3, 1, 0)", "out"),
        ("random(4, 0, 1, 0)", "in_"),
        ("random(4, 3, 1, -1)", "rng.*-1"),
        ("show(np.ones((0, 3), bool))", r"table.*\(0, 3\)"),
        ("show(np.ones(3, bool))", "table"),
        ("show(True)", "table"),
    ],
)
def test_bad_values(call, words):
    with pytest.raises(ValueError, match=rf"{call.partition('(')[0]}: .*{words}"):
        eval(call)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("full(3.0, 2)", "out.*3.0"),
        ("full(3, None)", "in_"),
        ("full(True, 2)", "out"),
        ("one_to_one('3')", "channels"),
        ("random(4, 3, 1.5, 0)", "fan_in"),
        ("random(4, 3, 1, None)", "rng.*Generator.*None"),
        ("random(4, 3, 1, 0.5)", "rng.*0.5"),
        ("random(4, 3, 1, np.random.RandomState(0))", "rng"),
        ("show(np.ones((2, 3)))", "table.*float64"),
        ("show('X')", "table"),
    ],
)
def test_bad_types(call, words):
    with pytest.raises(TypeError, match=rf"{call.partition('(')[0]}: .*{words}"):
        eval(call)
