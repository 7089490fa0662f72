"""Which way a pooling is done: one row of the list is chosen, and every other says why not."""

import pytest

from convcore._core import Pool

ONE = (1, 1, 1, 1, 0, 1)


def explain(row, column, *, channels_last=False, kind="max"):
    """The verdicts on windows of one image of 64 channels."""
    return Pool(
        (ONE, row, column),
        kind=kind,
        p=1.0,
        n=1,
        channels=64,
        after=(0, 0, 0),
        adaptive=(False,) * 3,
        adjoint=False,
        count_padding=True,
        channels_last=channels_last,
    ).explain()


@pytest.mark.parametrize(
    ("want", "row", "column", "channels_last"),
    [
        ("whole", (64, 2, 2, 1, 0, 32), (64, 2, 2, 1, 0, 32), False),
        ("doubling", (200, 31, 1, 1, 0, 170), (200, 31, 1, 1, 0, 170), False),
        ("gathered", (7, 7, 1, 1, 0, 1), (7, 7, 1, 1, 0, 1), False),
        ("flat", (800, 5, 2, 1, 0, 398), (800, 5, 2, 1, 0, 398), False),
        ("pixels", (64, 5, 2, 1, 0, 30), (64, 5, 2, 1, 0, 30), True),
        ("pieces", ONE, (10**5, 10**5, 1, 1, 0, 1), True),
    ],
)
def test_one_is_chosen(want, row, column, channels_last):
    found = explain(row, column, channels_last=channels_last)
    assert [name for name, verdict in found if verdict == "chosen"] == [want]
    assert all(
        verdict.startswith("rejected: ") and len(verdict) > len("rejected: ")
        for name, verdict in found
        if name != want
    )
