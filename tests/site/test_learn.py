"""The pages of Learn: their order, the frame of each, and equations cited on their own page."""

import doctest
import re
from pathlib import Path

import pytest

from tests.support.pages import state_of
from tests.support.paper import printed

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


LISTS = ("glossary", "cheatsheet", "moving", "coverage")  # they show what the pages derive
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
    end, reading = end.split("\nFurther reading\n-----", 1)
    assert len(re.findall(r"^\* ", reading, re.MULTILINE)) >= 2
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


# A title that says how many cases a folded session goes through.
CHECKED = re.compile(
    r"^\.\. dropdown:: Checked in ([\d,]+) cases\n\n((?:   .*\n|\n)+)", re.MULTILINE
)
COUNTED = re.compile(r"^(?:\d+ (\d+) True|\(.*)$", re.MULTILINE)


def cases(session):
    """How many cases a session says that it went through: `n, True` in what it prints."""
    total = 0
    for example in doctest.DocTestParser().get_examples(session):
        for line in COUNTED.finditer(example.want):
            total += sum(map(int, [line[1]] if line[1] else re.findall(r"(\d+), True", line[0])))
    return total


@pytest.mark.parametrize("page", PAGES)
def test_a_folded_session_goes_through_as_many_cases_as_its_title_says(page):
    for number, session in CHECKED.findall(source(page)):
        assert cases(session) == int(number.replace(",", "")), session


def test_the_cases_are_counted():
    assert cases(">>> len(agree), all(agree)\n(885, True, 204)\n") == 885
    assert cases(">>> show()\n1 27 True\n2 243 True\n") == 270
    assert sum(len(CHECKED.findall(source(page))) for page in PAGES) > 60


def in_sight(text):
    """The lines of a page that are neither empty nor folded."""
    lines, folded = [], False
    for line in text.splitlines():
        if line.startswith(".. dropdown::"):
            folded = True
        elif line and not line.startswith("   "):
            folded = False
        if line and not folded:
            lines.append(line)
    return lines


def code_in_sight(text):
    """How many of these lines belong to sessions, what is printed included."""
    blocks = re.findall(r"(?:^ *>>> .*\n)(?:^.*\S.*\n)*", text, re.MULTILINE)
    return sum(len(in_sight(block)) for block in blocks if not block.startswith(" "))


@pytest.mark.parametrize("page", PAGES)
def test_sessions_in_sight_are_the_smaller_part_of_a_page(page):
    """Tests over many cases are folded; what stays in sight is worked examples."""
    text = (LEARN / f"{page}.rst").read_text(encoding="utf-8")
    assert code_in_sight(text) <= 0.3 * len(in_sight(text))


def test_what_is_in_sight_is_counted():
    text = "Words.\n\n>>> 1\n1\n\n.. dropdown:: More\n\n   >>> 2\n   2\n\nWords.\n"
    assert in_sight(text) == ["Words.", ">>> 1", "1", "Words."]
    assert code_in_sight(text) == 2


# An address of the web, of a paper by its DOI or by its number in arXiv.
ADDRESS = re.compile(
    r"https://(?:doi\.org/10\.\d{4,}/[^\s<>]+|arxiv\.org/abs/\d{4}\.\d{4,5}"
    r"|(?!doi\.org|arxiv\.org)[a-z0-9-]+(?:\.[a-z0-9-]+)+/[^\s<>]+)"
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_further_reading(page):
    """Links to other places, each with an address that can be one; nothing is fetched."""
    reading = source(page).split("\nFurther reading\n-----", 1)[1]
    addresses = re.findall(r"`[^`<]+\s<(\S+?)>`__", reading)
    assert len(addresses) >= 2
    assert "www.deeplearningbook.org" in " ".join(addresses)
    for address in addresses:
        assert ADDRESS.fullmatch(address), address


@pytest.mark.parametrize(
    "wrong", ["http://doi.org/10.1/x", "https://arxiv.org/abs/16.1", "https://doi.org/x", "arXiv"]
)
def test_a_wrong_address_is_found(wrong):
    assert not ADDRESS.fullmatch(wrong)


def entries():
    """The glossary: its terms with what is said of each."""
    listed = (LEARN / "glossary.rst").read_text("utf-8").split(".. glossary::\n", 1)[1]
    return dict(re.findall(r"^   (\S.*)\n((?:      .+\n)+)", listed, re.MULTILINE))


def test_the_glossary_has_chinese_names_and_links():
    assert len(entries()) >= 60
    assert list(entries()) == sorted(entries(), key=str.lower)
    for term, text in entries().items():
        assert re.match(r" +[^.]*[\u4e00-\u9fff]", text), term
        assert re.search(r":(?:ref|doc):`[^`]+`\.\n$", text), term


def test_each_term_of_the_glossary_is_linked_from_a_page():
    linked = {
        " ".join(term.split())
        for page in PAGES
        for term in re.findall(r":term:`([^`]+)`", source(page))
    }
    assert linked == set(entries())


def formulas():
    """The rows of the cheat sheet: what each is about, its formula, its session."""
    text = (LEARN / "cheatsheet.rst").read_text("utf-8")
    return [re.split(r"\n     -(?: |$)", row, flags=re.M) for row in text.split("\n   * - ")[1:]]


def test_each_formula_of_the_cheat_sheet_has_a_derivation_and_a_session():
    assert len(formulas()) >= 30
    for link, formula, session in formulas():
        assert re.fullmatch(r":(?:ref|doc):`[^<]+ <[^>]+>`", link), link
        assert formula.startswith(":math:`"), link
        assert doctest.DocTestParser().get_examples(session), link


def test_the_cheat_sheet_fits_two_sheets(open_page):
    opened = open_page("learn/cheatsheet.html", width=718)
    state_of(opened.page)
    assert len(printed(opened.page)) <= 2
