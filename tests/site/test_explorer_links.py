"""Links to the explorer: sound ones, wrong ones, and what the page takes instead."""

import re
from functools import partial

import numpy as np
import pytest

from tests.support.explorer_module import FITS, OPERATORS, PADDINGS
from tests.support.explorer_page import (
    FOLLOW,
    PAGE,
    current,
    error,
    fault,
    in_form,
    is_at_work,
    module_of,
    move,
    opened,
    values,
)
from tests.support.pages import pages


@pytest.fixture(scope="module")
def module(site):
    return module_of(site)


@pytest.fixture
def explorer(open_page):
    return partial(opened, open_page)


# A wrong link, what is said of it, and what is taken: the link that sets the same.
WRONG = [
    ("op=pooling", "“op=pooling” has no meaning; “op=convolution” is taken instead.", ""),
    ("op=", "“op=” has no meaning; “op=convolution” is taken", ""),
    ("op=max&op=l2", "“op” is there twice; the first, “max”, is taken.", "op=max"),
    ("n=3x&k=2", "“n=3x” has no meaning; “n=6x7” is taken instead.", "k=2"),
    ("n=3x3x3", "“n=3x3x3” has no meaning", ""),
    ("n=1.5&op=l2", "“n=1.5” has no meaning", "op=l2"),
    ("n=%ff&op=max", "“n=%ff” can't be decoded and is ignored.", "op=max"),
    ("n=3=4", "“n=3=4” has no meaning", ""),
    ("n=3&n=4", "“n” is there twice; the first, “3x3”, is taken.", "n=3"),
    ("s=", "“s=” has no meaning; “s=1x1” is taken", ""),
    ("pad=1,2", "“pad=1,2” has no meaning; “pad=valid” is taken instead.", ""),
    ("pad=most&n=5", "“pad=most” has no meaning", "n=5"),
    ("colour=red&n=5", "There is no setting “colour”; it is ignored.", "n=5"),
    ("constructor=3", "There is no setting “constructor”; it is ignored.", ""),
    ("__proto__=3x3", "There is no setting “__proto__”; it is ignored.", ""),
    ("=3", "There is no setting “”; it is ignored.", ""),
    ("op=max&&n=3", "There is no setting “”; it is ignored.", "op=max&n=3"),
    ("op=max&k", "“k” has no meaning; “k=3x3” is taken instead.", "op=max"),
    ("op=max&ceil=yes", "“ceil=yes” has no meaning; “ceil=0” is taken instead.", "op=max"),
    ("seed=&n=4", "“seed=” has no meaning; “seed=1” is taken instead.", "n=4"),
    ("at=1", "“at=1” has no meaning; “at=0,0” is taken instead.", ""),
    ("%3Cb%3En=4&n=5", "There is no setting “<b>n”; it is ignored.", "n=5"),
    ("n=" + "9" * 400, "must be from 1 to 16", "n=16"),
    (
        "op=convolution&seed=10000",
        "The seed must be from 0 to 9999, not 10000. 9999 is taken instead.",
        "seed=9999",
    ),
    ("seed=-1", "The seed must be from 0 to 9999, not −1. 0 is taken instead.", "seed=0"),
    (
        "op=convolution&n=99",
        "The number of input columns must be from 1 to 16, not 99. 16 is taken instead.",
        "n=16",
    ),
    ("n=17x3", "The number of input rows must be from 1 to 16, not 17.", "n=16x3"),
    ("n=9&k=8x2", "The number of kernel rows must be from 1 to 7, not 8.", "n=9&k=7x2"),
    ("n=0x3", "The number of input rows must be from 1 to 16, not 0. 1 is taken", "n=1x3&k=1x3"),
    ("k=-1", "The number of kernel rows must be from 1 to 7, not −1. 1 is taken", "k=1"),
    ("s=6", "The stride of the rows must be from 1 to 5, not 6.", "s=5"),
    ("d=9x1&n=16", "The dilation of the rows must be from 1 to 4, not 9.", "d=4x1&n=16"),
    ("op=tiled&t=2x5", "The period of the columns must be from 1 to 4, not 5.", "op=tiled&t=2x4"),
    ("in=cat&w=sobel", "“in=cat” has no meaning; “in=random” is taken", "w=sobel"),
    ("V=1,2&n=2", "“V” has 2 numbers; 4 are needed. It is ignored.", "n=2&k=2"),
    ("K=1,2,x&k=2", "“K=1,2,x” has no meaning and is ignored.", "k=2"),
    (
        "op=transposed&n=2&k=3&pad=2,3,0,0",
        "The padding removes all rows of the output. No padding is taken instead.",
        "op=transposed&n=2&k=3",
    ),
    (
        "op=transposed&n=16x3&s=5",
        "would have 78 rows; the explorer shows 40 at most. A stride of 1 of the rows is taken",
        "op=transposed&n=16x3&s=1x5",
    ),
    ("op=max&ceil=7", "The choice of a partial last window must be from 0 to 1", "op=max&ceil=1"),
    ("op=average&count=2&pad=same", "must be from 0 to 1, not 2.", "op=average&count=1&pad=same"),
    ("pad=0,0,0,9", "The padding on the right must be from 0 to 8, not 9. 8 is", "pad=0,0,0,8"),
    (
        "n=3&k=5",
        "its rows span 5 cells, more than the padded input has. A kernel with as many rows "
        "as the input is taken instead.",
        "n=3&k=3",
    ),
    (
        "n=4&k=2x3&d=1x3",
        "its columns span 7 cells, more than the padded input has. A dilation of 1 "
        "of the columns is taken instead.",
        "n=4&k=2x3",
    ),
    (
        "op=max&n=4&k=2&pad=2,2,0,0",
        "The windows of output row 0 hold no input cell, only padding, "
        "and a pooling of nothing has no value. No padding is taken instead.",
        "op=max&n=4&k=2",
    ),
    (
        "op=weighted&n=4&k=2&pad=0,0,0,2",
        "The windows of output column 4 hold no input cell",
        "op=weighted&n=4&k=2",
    ),
    ("op=l2&n=1&k=2&d=2&pad=same", "hold no input cell, only padding", "op=l2&n=1&k=1"),
    ("c=5", "The number of input channels must be from 1 to 4, not 5. 4 is taken", "c=4"),
    ("o=0&c=2", "The number of output channels must be from 1 to 4, not 0.", "c=2"),
    ("c=2x2", "“c=2x2” has no meaning; “c=1” is taken instead.", ""),
    (
        "c=4&o=2&g=3",
        "3 groups can't share 4 input channels and 2 output channels equally. One group is taken",
        "c=4&o=2",
    ),
    (
        "op=local&n=16&k=7&pad=full&c=4",
        "weights; the explorer holds 78400 at most. One channel is taken instead.",
        "op=local&n=16&k=7&pad=full",
    ),
    ("o=2&at=1,1,2", "There is no output channel 2, row 1, column 1; the first", "o=2"),
    ("at=1,1,1", "There is no output channel 1, row 1, column 1; the first", ""),
    (
        "op=convolution&n=5x5&k=3x3&at=3,0",
        "There is no output row 3, column 0; the first is taken instead.",
        "n=5&k=3",
    ),
    ("n=5&k=3&at=-1,0", "There is no output row −1, column 0; the first", "n=5&k=3"),
]


@pytest.mark.parametrize(
    "link",
    [
        "op=convolution&t=9",
        "op=max&o=9&g=7",
        "op=local&g=3",
        "op=convolution&ceil=7",
        "op=local&count=yes",
        "op=max&w=cat&K=1",
    ],
)
def test_settings_that_the_operator_lacks_are_no_fault(explorer, link):
    page = explorer(link)
    assert fault(page) is None
    assert error(page) is None


@pytest.mark.parametrize(("link", "said", "taken"), WRONG, ids=[link[:40] for link, *_ in WRONG])
def test_a_wrong_link_is_told_and_shows_what_is_taken(explorer, module, link, said, taken):
    page = explorer(link)
    assert fault(page).startswith("The link has a fault. ")
    assert said in fault(page)
    assert current(page) == (0, 0)
    shown = in_form(page, hidden=False)
    seed = int((re.search(r"seed=(\d+)", taken) or [0, 1])[1])
    is_at_work(page, module, seed)
    page.fill("[name=input_rows]", "9")
    assert fault(page) is None
    assert error(page) is None
    page.evaluate(FOLLOW, taken or "op=convolution")
    assert fault(page) is None
    assert shown == in_form(page, hidden=False)


def test_no_link_is_a_dead_end(explorer, module):
    """Links put together from settings, sound, wrong and damaged ones."""
    rng, page = np.random.default_rng(0), explorer()
    keys = ["op", "n", "k", "s", "d", "t", "pad", "ceil", "count", "seed", "at", "x", ""]
    keys += ["c", "o", "g"]
    texts = [
        *OPERATORS,
        *PADDINGS,
        "",
        "0",
        "1",
        "2",
        "-3",
        "7",
        "16",
        "17",
        "3x5",
        "16x1",
        "0x0",
        "9x9x9",
        "1,2,3,4",
        "8,8,8,8",
        "0,0",
        "99999",
        "1e3",
        "%",
        "%41",
        "=",
        "NaN",
        "x",
        ",",
    ]
    last = None
    for _ in range(300):
        parts = [f"{rng.choice(keys)}={rng.choice(texts)}" for _ in range(rng.integers(1, 6))]
        link = "&".join(["op=" + rng.choice(OPERATORS), *parts])
        if link == last:
            continue
        last = link
        page.evaluate(FOLLOW, link)
        assert error(page) is None, link
        settings = in_form(page)
        for name, (least, most) in module.ranges.items():
            assert name == "seed" or least <= settings[name] <= most, link
        assert module.plan({**settings, "seed": 1}) == FITS, link
        assert len(values(page, "input")) == settings["input_rows"], link
    move(page, "reset")
    is_at_work(page, module, 1)


def test_every_link_to_the_explorer_is_sound(explorer, site):
    found = set()
    for path in pages(site):
        text = path.read_text(encoding="utf-8")
        own = r'href="#([^"]*=[^"]*)"' if path.name == PAGE else None
        for pattern in filter(None, [own, r'href="[^"]*explorer\.html#([^"]*=[^"]*)"']):
            found |= {match.replace("&amp;", "&") for match in re.findall(pattern, text)}
    assert len(found) > 10
    page = explorer()
    for words in sorted(found):
        page.evaluate(FOLLOW, words)
        assert fault(page) is None, words
        assert error(page) is None, words
