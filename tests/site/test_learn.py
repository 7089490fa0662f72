"""The pages of Learn: their order, the frame of each, and equations cited on their own page."""

import doctest
import re
from pathlib import Path

import pytest

LEARN = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists()) / "docs/learn"


def source(page):
    """A page as a reader meets it, with the boxes that it includes."""
    return re.sub(
        r"^\.\. include:: (\S+)$",
        lambda found: (LEARN / found[1]).read_text(encoding="utf-8"),
        (LEARN / f"{page}.rst").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )


def in_order():
    """The pages, as the table of contents of Learn lists them."""
    text = (LEARN / "index.rst").read_text(encoding="utf-8")
    return re.findall(r"^   ([a-z0-9-]+)$", text.split(".. toctree::")[1], re.MULTILINE)


LISTS = ("coverage", "moving")  # they teach nothing of their own
PAGES = [page for page in in_order() if page not in LISTS]


def needed(page):
    """The pages that a page says it needs."""
    lead = re.search(r"^\*\*You need\*\*(.*?)\n\n", source(page), re.MULTILINE | re.DOTALL)[1]
    now = [
        sentence
        for sentence in lead.split(". ")
        if "can wait until" not in " ".join(sentence.split())
    ]
    return re.findall(r":doc:`([^`]+)`", " ".join(now))


def test_the_table_of_contents_lists_all_pages():
    assert sorted([*PAGES, *LISTS, "index"]) == sorted(p.stem for p in LEARN.glob("*.rst"))


def test_sizes_come_second():
    """Other pages pad, stride and count cells."""
    assert PAGES[:2] == ["convolution", "sizes"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_needs_earlier_pages_only(page):
    assert set(needed(page)) <= set(PAGES[: PAGES.index(page)])


@pytest.mark.parametrize("page", PAGES[1:])
def test_a_page_says_what_it_needs(page):
    assert needed(page)


@pytest.mark.parametrize("page", PAGES)
def test_equations_are_cited_by_number_on_their_own_page(page):
    """Numbers begin anew on each page, so elsewhere they would mean another equation."""
    text = source(page)
    labels = re.findall(r"^ +:label: (\S+)$", text, re.MULTILINE)
    assert set(re.findall(r":eq:`([^`]+)`", text)) <= set(labels)
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_its_frame(page):
    text = source(page)
    top, end = text[: text.index("\n---")], text.split("\nSummary and exercises\n-----", 1)[1]
    assert top.count("**You learn**") == top.count("**You need**") == 1
    assert end.count(".. admonition:: Summary") == 1
    questions, *answers = re.split(r"^\.\. dropdown:: Answer \d+$", end, flags=re.MULTILINE)
    assert 2 <= len(answers) <= 4
    assert [int(n) for n in re.findall(r"^\*\*Exercise (\d)\.\*\*", end, re.MULTILINE)] == [
        *range(1, len(answers) + 1)
    ]
    for answer in answers:
        folded = "".join(line + "\n" for line in answer.splitlines() if line[:3] in ("   ", ""))
        assert doctest.DocTestParser().get_examples(folded)
    assert len(re.findall(r"^   \* ", questions, re.MULTILINE)) >= 4
