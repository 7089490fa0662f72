"""The site's search in a browser: what readers call a thing leads to where it is explained."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.browser import Opened

ROOT = Path(__file__).parents[2]

# What is typed, and the label or the page that must come first.
ENGLISH = [
    ("atrous", "note-f30"),
    ("atrous convolution", "note-f30"),
    ("receptive field", "note-f07"),
    ("fully connected", "note-f36"),
    ("same padding", "note-f22"),
    ("feature map", "note-f05"),
    ("deconvolution", "transposed"),
    ("im2col", "note-f04"),
    ("weight sharing", "note-f08"),
    ("translation equivariance", "note-f09"),
    ("max pooling", "note-f11"),
    ("global average pooling", "note-f18"),
    ("locally connected", "note-f27"),
    ("tiled convolution", "note-f28"),
    ("ceil_mode", "note-f20"),
    ("backpropagation", "learn/gradients"),
    ("winograd", "learn/fast"),
    ("NHWC", "use/layouts"),
    ("GPU", "performance/index"),
    ("PyTorch", "use/from-pytorch"),
    ("conv_transpose2d", "reference/generated/convcore.conv_transpose2d"),
    ("install", "use/install"),
    ("license", "use/licence"),
    ("cite", "use/cite"),
    ("卷积", "learn/glossary"),
]
CHINESE = [
    ("卷积", "note-f01"),
    ("特征图", "note-f05"),
    ("特征映射", "note-f05"),
    ("感受野", "note-f07"),
    ("接受域", "note-f07"),
    ("参数共享", "note-f08"),
    ("权值共享", "note-f08"),
    ("等变", "note-f09"),
    ("最大池化", "note-f11"),
    ("平均池化", "note-f12"),
    ("平移不变性", "note-f15"),
    ("自适应池化", "note-f18"),
    ("步长", "note-f19"),
    ("相同填充", "note-f22"),
    ("局部连接", "note-f27"),
    ("平铺卷积", "note-f28"),
    ("什么是空洞卷积", "note-f30"),
    ("全连接层", "note-f36"),
    ("反卷积", "transposed"),
    ("反向传播", "learn/gradients"),
]


def place(site, target):
    """Return the page of a label or document as in an address, or None if there is none yet."""
    if "/" in target:
        return f"{target}.html" if (site / f"{target}.html").is_file() else None
    for page in sorted((site / "learn").glob("*.html")):
        if f'id="{target}"' in page.read_text(encoding="utf-8"):
            return f"learn/{page.name}"
    return None


def results(browser, site, query):
    """Return (address, text) of each result of a query, and what went wrong on the page."""
    opened = Opened(browser, f"{(site / 'search.html').as_uri()}?q={query}")
    # the line is written once all results are listed
    opened.page.wait_for_function("() => Search.status?.textContent", timeout=60_000)
    found = opened.page.eval_on_selector_all(
        "#search-results li",
        "items => items.map(i => [i.querySelector('a').getAttribute('href'), i.innerText])",
    )
    faults = opened.faults
    opened.context.close()
    assert faults == []
    return found


def leads(browser, site, query, target):
    """Assert that a query's first result is the target's page, and its section if it is a label."""
    if not (page := place(site, target)):
        pytest.skip(f"the site has no {target} yet")
    found = results(browser, site, query)
    assert found, "nothing is found"
    address, _, anchor = found[0][0].partition("#")
    assert address == page, found[:3]
    if "/" not in target:
        assert anchor == target, found[:3]


@pytest.mark.parametrize(("query", "target"), ENGLISH)
def test_the_right_page_comes_first(browser, site, query, target):
    leads(browser, site, query, target)


@pytest.mark.parametrize(("query", "target"), CHINESE)
def test_the_right_chinese_page_comes_first(browser, query, target):
    built = os.environ.get("CONVCORE_SITE_ZH")
    if not built:
        pytest.skip("CONVCORE_SITE_ZH names no Chinese site")
    leads(browser, Path(built).resolve(), query, target)


def test_words_of_the_text_lead_to_their_section_with_an_excerpt(browser, site):
    """From a file, where nothing can be fetched."""
    found = results(browser, site, "singular value")
    address, text = next(one for one in found if one[0].startswith("learn/separable.html"))
    page, _, anchor = address.partition("#")
    # none: the words stand before the first section
    assert not anchor or f'id="{anchor}"' in (site / page).read_text(encoding="utf-8")
    assert "singular value" in text.lower().split("\n", 1)[1]


def test_sections_are_listed_once(browser, site):
    addresses = [address for address, _ in results(browser, site, "receptive field")]
    assert len(addresses) == len(set(addresses)) > 3


def test_the_words_of_both_languages_have_the_same_targets(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(ROOT / "docs/_ext")
    from searching import read_words

    english, chinese = (
        read_words((ROOT / "docs" / name).read_text(encoding="utf-8"))
        for name in ("search-words.txt", "search-words.zh_CN.txt")
    )
    learned = {target for target in english if re.match(r"note-|learn/|transposed", target)}
    assert chinese.keys() == learned
    assert read_words("a: B c, d  # e: f\n\n# g: h\n b : 填充,零") == {
        "a": ["b c", "d"],
        "b": ["填充", "零"],
    }
    sys.modules.pop("searching")


def test_other_pages_do_not_load_the_index(site):
    for name in ("index.html", "learn/stacks.html", "reference/generated/convcore.conv2d.html"):
        page = (site / name).read_text(encoding="utf-8")
        assert "searchindex.js" not in page
        assert 'name="viewport"' in page
