"""The documents keep the rules of docs/design/style.rst that a tool can check.

A pattern finds a word in its wrong meaning only: *rest* is banned for what a division leaves, and
stays for what is left of other things.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = next(path for path in Path(__file__).parents if (path / "pyproject.toml").exists())
STYLE = "docs/design/style.rst"  # it shows the wrong words

DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "benchmarks/README.md",
        *sorted((ROOT / "docs").rglob("*.rst")),
        *sorted((ROOT / "docs/_static").glob("*.js")),
        *sorted((ROOT / "examples").glob("*.py")),
    )
    if not {"_build", "generated", "gallery"} & set(path.parts)
]

BANNED = {
    r"whole numbers?": "integer",
    r"(?:first|second|third|last)-level caches?": "L1, L2, L3 cache",
    r"so many(?! (?:that|as)\b)": "that many",
    r"dear(?:er|est)?": "expensive",
    r"(?:leaves?|leaving|same|equal|each|every|one|no|a|the) rests?"
    r"(?= (?::math:|modulo|of (?:the division|a place|its place))|\.(?: \(|$))": "remainder",
    r"leav(?:e|es|ing) (?:the |a |no )?(?:same )?rests?(?! (?:of|to|as|out))": "remainder",
    r"rests? modulo": "remainder",
    r"rests (?:that occur|are equal)|pair of rests": "remainder",
    r"(?:kernel|weights?|matrix|filter)s? (?:is |are )?turned(?: round)?": "flipped or transposed",
    r"turned (?:round|(?:kernel|weights?|matrix|filter|image)s?)": "flipped, transposed or rotated",
    r"says what \w+ says?": "mutually exclusive",
    r"study notes?|[Ii]tems? f\d\d": "a link to the section",
}

# Pages that still have some and are rewritten; a page without any must leave the list.
LEFT = {
    "docs/learn/coverage.rst",  # it is about the notes
}


def faults(text):
    """Return each banned word with what surrounds it and what to say instead."""
    words = " ".join(text.split())
    return [
        f"...{words[max(0, match.start() - 40) : match.end() + 40]}...: say {instead}"
        for pattern, instead in BANNED.items()
        for match in re.finditer(rf"\b(?:{pattern})(?!\w)", words)
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_words(document):
    if document == STYLE:
        pytest.skip("it lists the words")
    found = faults((ROOT / document).read_text(encoding="utf-8"))
    assert bool(found) == (document in LEFT), found


def test_the_list_of_pages_left_is_true():
    assert set(DOCUMENTS) >= LEFT


@pytest.mark.parametrize(
    "wrong",
    [
        "a whole\nnumber",
        "fits the second-level cache",
        "use at most so many",
        "a transform is dear",
        "must leave the rest :math:`b`",
        "No division leaves a rest. (The paper",
        "its rest modulo the period",
        "the kernel turned round",
        "turned weights",
        "the table says what groups say",
        "Item f04 of the study notes",
    ],
)
def test_a_wrong_word_is_found(wrong):
    assert faults(f"It is so: {wrong}, and more.")


@pytest.mark.parametrize(
    "right", ["the rest of the batch", "whole images", "so many that", "it turned out", "integers"]
)
def test_a_right_word_is_left(right):
    assert not faults(f"It is so: {right}, and more.")


def test_spelling():
    """By codespell, which knows common mistakes and no words of ours."""
    pytest.importorskip("codespell_lib", reason="needs codespell")
    documents = [document for document in DOCUMENTS if document.endswith((".md", ".rst"))]
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *documents],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- the README's shape ---------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_readme_has_a_picture_in_its_first_screen():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", text)
    assert text[: picture.start()].count("\n") < 10
    assert len(picture[1]) > 100  # for a reader who can't see it
    assert (ROOT / picture[2]).stat().st_size < 200_000


def test_the_readme_s_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


# --- links from docstrings to derivations ---------------------------------------------------------

SOURCES = sorted((ROOT / "src/convcore").rglob("*.py"))


def titles():
    """Return the title of each section of Learn that has a label of the form ``note-fNN``."""
    found = {}
    for page in (ROOT / "docs/learn").glob("*.rst"):
        text = page.read_text(encoding="utf-8")
        found |= dict(re.findall(r"^\.\. _(note-f\d\d):\n\n(.+)\n[-=~]+$", text, re.MULTILINE))
    return found


def test_docstrings_name_sections_by_their_titles():
    """A reader of ``help()`` sees the title and no link."""
    sections = titles()
    assert len(sections) > 30
    wrong = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for title, label in re.findall(r":ref:`([^`<]+?)\s*<(note-f\d\d)>`", text):
            if " ".join(title.split()) != sections[label]:
                wrong.append(f"{path.name}: {title} <{label}>")
    assert wrong == []


def test_docstrings_do_not_cite_the_notes():
    pattern = re.compile(r"study\s+notes?|\b[Ii]tems?\s+f\d\d")
    assert [path.name for path in SOURCES if pattern.search(path.read_text("utf-8"))] == []
