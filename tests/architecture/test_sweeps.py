"""`each` runs every case once, whatever becomes of the others, and names those that fail."""

import pytest

from tests.support import sweeps

CASES = [f"case {number}" for number in range(300)]


def bundles(test):
    """The arguments of a decorated test, with the names of their marks."""
    (mark,) = test.pytestmark
    return [(param.values[0], [one.name for one in param.marks]) for param in mark.args[1]]


def test_all_cases_are_run_a_part_of_them_by_default():
    seen = []

    @sweeps.each(CASES, of=4, quick=True)
    def test(case, dtype):
        seen.append((case, dtype))

    default, swept = [], []
    for number, (bundle, marks) in enumerate(bundles(test)):
        assert len(bundle.cases) <= sweeps.SIZE
        assert ("quick" in marks) == (number == 0)
        test(case=bundle, dtype=float)
        (swept if "sweep" in marks else default).extend(bundle.cases)
    assert sorted(default + swept) == sorted(CASES)
    assert 50 < len(default) < 100
    assert seen == [(case, float) for case in default + swept]


def test_a_failure_names_its_cases():
    def test(case):
        if case in ("case 7", "case 9"):
            pytest.fail(f"no {case}")
        seen.append(case)

    seen = []
    bundle = sweeps.Cases(tuple(CASES[:20]), "0-19")
    with pytest.raises(pytest.fail.Exception, match="no case 7") as failure:
        sweeps.each(CASES)(test)(case=bundle)
    assert failure.value.__notes__ == [
        "2 of 20 cases failed; this is the first:\n  case 7\n  case 9"
    ]
    assert len(seen) == 18


def test_cases_are_chosen_by_name(monkeypatch):
    seen = []

    @sweeps.each(CASES)
    def test(case):
        seen.append(case)

    monkeypatch.setattr(sweeps, "WANTED", ["e 1", "2"])
    test(case=sweeps.Cases(tuple(CASES[:25]), "0-24"))
    assert seen == ["case 12"]
    with pytest.raises(pytest.skip.Exception):
        test(case=sweeps.Cases(tuple(CASES[:9]), "0-8"))


def test_what_all_cases_skip_is_skipped():
    @sweeps.each(CASES)
    def test(case):
        pytest.skip("not here")

    with pytest.raises(pytest.skip.Exception, match="not here"):
        test(case=sweeps.Cases(tuple(CASES[:2]), "0-1"))
