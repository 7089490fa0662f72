"""The site's table of proofs says what is on the pages, and a page without proof ends the build."""

import html
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ITEMS = [f"f{number:02}" for number in range(39)]
STATEMENTS = tomllib.loads((ROOT / "docs/statements.toml").read_text(encoding="utf-8"))
EXAMPLE = re.compile(r"^ *>>> ", re.MULTILINE)


def rows(page):
    """Return the cells of each row of the first table of a page."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    return [
        re.findall(r"<td>(.*?)</td>", row, re.DOTALL)
        for row in re.findall(r"<tr\b.*?</tr>", body, re.DOTALL)
    ]


def text(cell):
    return html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()


def test_the_table_lists_every_item_with_places_that_exist(site):
    page = (site / "learn" / "coverage.html").read_text(encoding="utf-8")
    table = rows(page)
    assert [text(row[0]) for row in table] == ITEMS
    for item, (_, statement, derivation, session, names, tests) in zip(ITEMS, table, strict=True):
        assert text(statement) == STATEMENTS[item]["en"]
        assert f'#note-{item}"' in derivation
        assert int(text(session).split()[0]) > 0
        assert names.count("<a ") > 0
        assert tests.count("<a ") > 0
        for address in re.findall(r'href="([^"]*)"', "".join((derivation, session, names, tests))):
            name, _, anchor = address.partition("#")
            target = (site / "learn" / (name or "coverage.html")).resolve()
            assert f'id="{anchor}"' in target.read_text(encoding="utf-8")


def test_the_number_of_examples_is_that_of_the_pages(site):
    """Counted here in the sources, there in the documents."""
    page = (site / "learn" / "coverage.html").read_text(encoding="utf-8")
    stated = re.search(r"39 items, ([\d,]+) examples, (\d+) tests", page)
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "docs/learn").rglob("*.rst")]
    assert int(stated[1].replace(",", "")) == sum(len(EXAMPLE.findall(s)) for s in sources)
    marks = [
        path.read_text(encoding="utf-8").count("\n@pytest.mark.item(")
        for path in (ROOT / "tests").rglob("test_*.py")
    ]
    assert int(stated[2]) == sum(marks)


def test_a_page_of_the_reference_names_the_derivation(site):
    page = (site / "reference/generated/convcore.tiled_conv2d.html").read_text(encoding="utf-8")
    assert re.search(r'href="\.\./\.\./learn/\w+\.html#note-f28"', page)


def test_every_item_is_stated_in_both_languages():
    assert sorted(STATEMENTS) == ITEMS
    for texts in STATEMENTS.values():
        assert texts.keys() == {"en", "zh_CN"}
        assert texts["en"].endswith(".")
        assert texts["zh_CN"].endswith("。")
        assert len(texts["en"].split()) <= 30


SECTION = """
.. _note-{0}:

Statement {0}
-------------

{1}
"""
SESSION = """
>>> from convcore import conv1d
>>> conv1d
<function conv1d at ...>
"""
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "docs/_ext")!r})
import proofs
extensions = ["proofs"]
"""


def built(folder, conf, **pages):
    """Build documents, again if they have been built before; return the finished process."""
    for name, text in {
        "conf.py": conf,
        **{f"{page}.rst": text for page, text in pages.items()},
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # else it is read again
            path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", ".", "out"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_table_follows_when_another_page_changes(tmp_path):
    pytest.importorskip("sphinx")
    tops = {
        "index": "Top\n===\n\n.. toctree::\n\n   learn/page\n   table\n   name\n",
        "table": "Table\n=====\n\n.. proofs::\n",
        "name": "Name\n====\n\n.. proved-in:: convcore.max_pool2d\n",
    }
    page = "Page\n====\n" + "".join(SECTION.format(item, SESSION) for item in ITEMS)
    for more, examples, named in [
        ("", 78, False),
        ("\n>>> from convcore import max_pool2d\n>>> max_pool2d\n<function ...>\n", 80, True),
    ]:
        done = built(tmp_path, CONF, **tops, **{"learn/page": page + more})
        assert done.returncode == 0, done.stderr
        table, name = (
            (tmp_path / "out" / f"{top}.html").read_text(encoding="utf-8")
            for top in ("table", "name")
        )
        assert f"39 items, {examples} examples" in table
        assert ("Derived and run in" in name) == named


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (None, None),
        (("_note-f20:", "_other:"), "f20 has no section with the target note-f20"),
        (
            (SECTION.format("f07", SESSION), SECTION.format("f07", "Words.")),
            "f07 has no interactive session",
        ),
        ("tests", "f04 has no test with the marker item"),
        ("statements", "f07 has no sentence in statements.toml"),
    ],
)
def test_a_statement_without_proof_ends_the_build(change, fault, tmp_path):
    pytest.importorskip("sphinx")
    text = "Page\n====\n" + "".join(SECTION.format(item, SESSION) for item in ITEMS)
    conf = CONF
    if change == "tests":
        (tmp_path / "empty").mkdir()
        conf += f"from pathlib import Path\nproofs.TESTS = Path({str(tmp_path / 'empty')!r})\n"
    elif change == "statements":
        left = (ROOT / "docs/statements.toml").read_text(encoding="utf-8").replace("[f07]", "[f99]")
        (tmp_path / "statements.toml").write_text(left, encoding="utf-8")
        path = str(tmp_path / "statements.toml")
        conf += f"from pathlib import Path\nproofs.STATEMENTS = Path({path!r})\n"
    elif change:
        assert change[0] in text
        text = text.replace(*change)
    done = built(tmp_path, conf, index=text)
    if fault:
        assert done.returncode != 0
        assert fault in done.stderr
    else:
        assert done.returncode == 0, done.stderr


def test_names_are_followed_through_what_a_page_defines(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(ROOT / "docs/_ext")
    from proofs import Names, public_name

    names = Names()
    assert (
        names.used_in("import numpy as np\nimport convcore\nfrom convcore import nn, conv1d as c")
        == set()
    )
    assert names.used_in("c(np.ones(3))") == {"convcore.conv1d"}
    assert names.used_in("convcore.geometry.windows(3, 2).first") == {"convcore.geometry.windows"}
    names.used_in("def helper(x):\n    return nn.ReLU().forward(c(x))")
    names.used_in("twice = lambda x: helper(helper(x))")
    assert names.used_in("twice(1)") == {"convcore.nn.ReLU", "convcore.conv1d"}
    names.used_in("c = 3")
    assert names.used_in("c + 1") == set()
    assert public_name("convcore.nn.Conv2d.forward") == "convcore.nn.Conv2d"
    assert public_name("convcore.nn.data.digits") == "convcore.nn.data.digits"
    assert public_name("convcore.nn") is None
    assert public_name("convcore.geometry.absent") is None
