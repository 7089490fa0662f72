"""The catalogues of the translated editions: bring them up to date, and check them.

    python -m tools.catalogues                       # after a change of English text
    python -m tools.catalogues --check               # what is missing or wrong, in all of them
    python -m tools.catalogues --check FILE.po ...   # in these alone, without reading the pages

Needs the extra ``docs-test``. ``docs/locales`` has one catalogue for each page. An update extracts
the messages of the pages and takes each translation from whichever catalogue had its message,
the page's own before others, so that text may move between pages. A message that was changed gets
the old translation, marked ``fuzzy``: the site doesn't use it until a translator has mended it and
taken the mark away.
"""

import argparse
import difflib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

from tools.markup import faults, is_formula

DOCS = Path(__file__).parents[1] / "docs"
LANGUAGES = ["zh_CN"]
OURS = {"convcore", "sphinx"}  # words of directives and of the theme: kept by hand
HEADER = (
    "Chinese (zh_CN) of this page; "
    "the message is the English text of the page, as Sphinx extracts it."
)
METADATA = {
    "Language": "zh_CN",
    "Plural-Forms": "nplurals=1; plural=0;",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
}
ENGLISH = "English on purpose"  # the comment of a message that stays, such as a head word
ALIKE = 0.6  # how much of a changed message must be left for its translation to be kept as a draft


def folder(language):
    """Return the folder of a language's catalogues."""
    return DOCS / "locales" / language / "LC_MESSAGES"


def extracted(language):
    """Return the messages of each page of an edition, in the order of the page."""
    with tempfile.TemporaryDirectory() as out:
        # Pages that are not extracted are warned of, as targets of links; that says nothing here.
        # The pages are the edition's, the language is English: Sphinx would put translations that
        # are compiled already into what it extracts.
        options = ["-Q", "-b", "gettext", "-D", "language=en"]
        command = [sys.executable, "-m", "sphinx", *options, str(DOCS), out]
        subprocess.run(command, check=True, env={**os.environ, "CONVCORE_DOCS_LANGUAGE": language})
        return {
            path.relative_to(out).with_suffix(".po").as_posix(): [
                e.msgid for e in polib.pofile(path)
            ]
            for path in sorted(Path(out).rglob("*.pot"))
            if path.name != "sphinx.pot"  # the words of templates
        }


def catalogues(language):
    """Return the catalogues of a language's pages, by name."""
    found = {
        path.relative_to(folder(language)).as_posix(): polib.pofile(path, wrapwidth=0)
        for path in sorted(folder(language).rglob("*.po"))
    }
    return {name: found[name] for name in found if Path(name).stem not in OURS}


def finished(entry):
    """Return whether an entry has a translation that is used."""
    return bool(entry.msgstr) and not entry.fuzzy


def translations(pages):
    """Return the entry of each message that has a translation; finished ones go first."""
    entries = [entry for page in pages.values() for entry in page if entry.msgstr]
    return {entry.msgid: entry for entry in sorted(entries, key=lambda e: not e.fuzzy)}


def draft(message, gone):
    """Return the entry whose message is most like a new one, among those that are gone, or None."""
    matcher = difflib.SequenceMatcher(b=message, autojunk=False)
    best, found = ALIKE, None
    for entry in gone:
        matcher.set_seq1(entry.msgid)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            if ratio > best:
                best, found = ratio, entry
    return found


def entry_for(message, old, gone):
    """Return the entry of a message: with its translation, with a draft, or empty.

    A displayed formula without words is its own translation.
    """
    if message in old:
        kept = old[message]
        return polib.POEntry(
            msgid=message,
            msgstr=kept.msgstr,
            tcomment=kept.tcomment,
            previous_msgid=kept.previous_msgid,
            flags=["fuzzy"] if kept.fuzzy else [],
        )
    if is_formula(message):
        return polib.POEntry(msgid=message, msgstr=message)
    near = draft(message, gone)
    if near is None:
        return polib.POEntry(msgid=message)
    return polib.POEntry(
        msgid=message, msgstr=near.msgstr, previous_msgid=near.msgid, flags=["fuzzy"]
    )


def update(language):
    """Write the catalogues of a language anew."""
    pages, before = extracted(language), catalogues(language)
    old = translations(before)
    messages = {message for page in pages.values() for message in page}
    gone = [entry for entry in old.values() if entry.msgid not in messages]
    for name, page in pages.items():
        written = polib.POFile(wrapwidth=0)
        written.header, written.metadata = HEADER, METADATA
        own = {entry.msgid: entry for entry in before.get(name, []) if finished(entry)}
        written.extend(entry_for(message, {**old, **own}, gone) for message in page)
        path = folder(language) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{str(written).rstrip()}\n", encoding="utf-8")
    for name in before.keys() - pages.keys():
        (folder(language) / name).unlink()


def entry_faults(entry):
    """Return what is wrong with one entry."""
    if not entry.msgstr:
        return ["is empty"]
    if entry.tcomment == ENGLISH and entry.msgstr == entry.msgid:
        return []
    return ["is fuzzy"] if entry.fuzzy else faults(entry.msgid, entry.msgstr)


def page_faults(page):
    """Return what is wrong with the entries of a catalogue, each with its message."""
    return [f"{fault}: {entry.msgid[:70]!r}" for entry in page for fault in entry_faults(entry)]


def missing(language):
    """Return the messages that pages and catalogues do not share, as text, by catalogue."""
    pages, known = extracted(language), catalogues(language)
    return {
        name: [
            f"{what}: {message[:70]!r}"
            for what, a, b in (("not in the catalogue", new, old), ("not on the page", old, new))
            for message in a
            if message not in b
        ]
        for name in pages.keys() | known.keys()
        for new, old in [(pages.get(name, []), [e.msgid for e in known.get(name, [])])]
    }


def report(found):
    """Print what is wrong, catalogue by catalogue; return how much that is."""
    for name in sorted(found):
        for fault in found[name]:
            print(f"{name}: {fault}")
    return sum(map(len, found.values()))


def main():
    """Update or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say what is wrong")
    parser.add_argument("files", nargs="*", help="with --check: these catalogues alone")
    given = parser.parse_args()
    if given.files:
        wrong = report({name: page_faults(polib.pofile(name)) for name in given.files})
        sys.exit(f"{wrong} faults" if wrong else 0)
    for language in LANGUAGES:
        if given.check:
            wrong = report(missing(language))
            wrong += report({n: page_faults(p) for n, p in catalogues(language).items()})
            if wrong:
                sys.exit(f"{wrong} faults")
        else:
            update(language)
            pages = catalogues(language).values()
            open_entries = [e for page in pages for e in page if e.fuzzy or not e.msgstr]
            fuzzy = sum(entry.fuzzy for entry in open_entries)
            total = sum(map(len, pages))
            print(f"{language}: {total} messages, {len(open_entries) - fuzzy} empty, {fuzzy} fuzzy")


if __name__ == "__main__":
    main()
