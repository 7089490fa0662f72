"""Every case of the tables has the bits that it had: the golden sums of `tools.golden`."""

import pytest

from tools import golden

needed = pytest.mark.skipif(golden.column() is None, reason="the golden sums are those of x86-64")


@needed
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("table", golden.tables())
def test_bits(table, part):
    cases = golden.tables()[table][part::8]
    found = golden.differences(cases, golden.column())
    assert not found, "\n".join(found[:20])


def test_each_case_has_sums():
    names = [golden.name_of(case) for cases in golden.tables().values() for case in cases]
    assert sorted(map(golden.key, names)) == sorted(golden.read())


@needed
def test_a_difference_is_named(monkeypatch):
    case = golden.tables()["layers"][0]
    sums = golden.sums(case)
    changed = sums[:-1] + ("0" if sums[-1] != "0" else "1")
    monkeypatch.setattr(golden, "sums", lambda _: changed)
    assert golden.differences([case], golden.column()) == [
        f"{golden.name_of(case)}: float64 backward"
    ]


def test_numbers_are_the_same_everywhere():
    # splitmix64 as published, and what the golden sums are made of
    assert golden.numbers.hashed(0, 3).tolist() == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]
    assert golden.numbers.integers(1, (2, 4), -4, 5).tolist() == [[1, 3, -3, 1], [0, 1, -3, 0]]
    assert golden.numbers.fractions(1, (2,)).tolist() == [0.9114076368358937, 0.49736577890272105]
