"""The languages of the site: English whole, others a part of it that is translated.

A build has one language, ``CONVCORE_DOCS_LANGUAGE``. A translated edition has the pages of
``TRANSLATED`` alone, so that it is quick to build. It goes into a folder of the English site that
is called like its language: what it doesn't have is linked there, by relative addresses.
"""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.ext.intersphinx import InventoryAdapter
from sphinx.locale import get_translation
from sphinx.search.zh import SearchChinese
from sphinx.transforms import SphinxTransform
from sphinx.transforms.i18n import Locale
from sphinx.util import docname_join
from sphinx.util.i18n import CatalogInfo

_ = get_translation("convcore")
DOCS = Path(__file__).parents[1]
SOURCE = "en"
EDITIONS = {SOURCE: "English", "zh_CN": "中文"}  # and what each calls itself
TRANSLATED = {"index", "explorer", "walk", "stack", "learn"}  # pages, and folders of pages
ENGLISH_EXTENSIONS = {"sphinx_gallery.gen_gallery", "bench_tables", "bridges", "house"}
GENERATED = {"gallery"}  # folders that a build of the whole site may have left
WORDS = "convcore"  # the catalogue of what our directives and templates say
BUILT = "editions.js"


def chosen():
    """Return the language of this build."""
    language = os.environ.get("CONVCORE_DOCS_LANGUAGE", SOURCE)
    if language not in EDITIONS:
        raise ValueError(f"CONVCORE_DOCS_LANGUAGE must be one of {', '.join(EDITIONS)}")
    return language


def excluded(language):
    """Return patterns of the pages that an edition leaves out."""
    if language == SOURCE:
        return []
    pages = {path.name for path in DOCS.glob("*.rst") if path.stem not in TRANSLATED}
    folders = {path.name for path in DOCS.iterdir() if path.is_dir()} | GENERATED
    return sorted(pages | {f"{name}/**" for name in folders - TRANSLATED})


# --- reading -----------------------------------------------------------------------------------


def describe_drawings(app):
    """Extract the words of drawings without running their scripts."""
    if app.builder.name != "gettext":
        return
    import drawing

    class Described(drawing.Drawing):
        """A figure with the alternative text and the caption of a drawing."""

        def run(self):
            """Return the figure."""
            alt = " ".join(self.options["alt"].split())
            source, line = self.state_machine.get_source_and_line(self.lineno)
            figure = nodes.figure("", nodes.image(uri=self.arguments[0], alt=alt))
            script = f"Drawn by ``docs/{self.arguments[0]}``."
            self.state.nested_parse(StringList([*self.content, script], source), 0, figure)
            for node in figure:
                node.source, node.line = source, line  # a node without them has no message
            return [figure]

    app.add_directive("drawing", Described, override=True)


class MarkupBesideChinese(SphinxTransform):
    """Let translations have markup without spaces around it.

    Chinese has no spaces between words. The English text is parsed before and keeps the usual
    rule, so that ``same_lower`` is no link there.
    """

    default_priority = Locale.default_priority - 1

    def apply(self, **kwargs):
        """Set the rule for the transform that parses translations, the next one."""
        self.document.settings.character_level_inline_markup = True


class UsualMarkup(SphinxTransform):
    """Set the usual rule again: documents may share their settings."""

    default_priority = Locale.default_priority + 1

    def apply(self, **kwargs):
        """Set it."""
        self.document.settings.character_level_inline_markup = False


def prepare(app, config):
    """Set how a translated edition is searched, and where it finds English pages."""
    if config.language == SOURCE:
        return
    # Sphinx calls the stemmer of Latin words by this name, and has it under "English" alone.
    SearchChinese.language_name = "English"
    config.html_search_options = {
        "dict": str(DOCS / "locales" / config.language / "terms.txt"),
    }
    english = Path(app.outdir).parent / "objects.inv"
    config.intersphinx_mapping = {"convcore": ("..", str(english))} if english.is_file() else {}


def add_words(app):
    """Compile and load the catalogue of what our directives and templates say."""
    folder = DOCS / "locales"
    if app.config.language != SOURCE:
        catalogue = CatalogInfo(
            folder / app.config.language / "LC_MESSAGES", WORDS, app.config.source_encoding
        )
        if catalogue.is_outdated():
            catalogue.write_mo(app.config.language)
    app.add_message_catalog(WORDS, str(folder))


def prepare_pages(app):
    """Make a translated edition's figures write its language; take what is compiled already."""
    if app.config.language == SOURCE or app.builder.format != "html":
        return
    import figure_words

    if find_spec("jieba") is None:
        raise ExtensionError("the search of the Chinese edition needs the package jieba")
    figure_words.translate(app.config.language)
    # The English build keeps compiled modules under the hashes of their sources.
    for module in (Path(app.outdir).parent / ".doctrees").glob("*/*.wasm"):
        target = Path(app.doctreedir, module.parent.name, module.name)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, target)


def link_english_page(app, env, node, content):
    """Return the link to a document that only the English site has.

    Sphinx asks intersphinx for other targets; documents are named there by their whole path.
    """
    if node.get("reftype") != "doc" or app.config.language == SOURCE:
        return None
    name = docname_join(node["refdoc"], node["reftarget"])
    page = InventoryAdapter(env).main_inventory.get("std:doc", {}).get(name)
    if page is None:
        return None
    if not node["refexplicit"]:
        content = nodes.inline("", page.display_name)
    address = "../" * node["refdoc"].count("/") + page.uri
    return nodes.reference("", "", content, refuri=address, internal=True)


def english_names(app, docname):
    """Return the address, from a page, of each name that the English reference alone documents."""
    if app.config.language == SOURCE:
        return {}
    up = "../" * docname.count("/")
    inventory = InventoryAdapter(app.env).main_inventory
    return {
        name: up + item.uri
        for kind in ("py:function", "py:class", "py:method", "py:attribute")
        for name, item in inventory.get(kind, {}).items()
    }


# --- pages -------------------------------------------------------------------------------------


def is_translated(pagename):
    """Whether an edition has this page."""
    return pagename.split("/")[0] in TRANSLATED | {"search"}


def addresses(pagename, language):
    """Return the address of a page in each language, from the page in one of them.

    A page without a translation leads to the first page of the edition.
    """
    up = "../" * (pagename.count("/") + (language != SOURCE))
    found = {SOURCE: f"{up}{pagename}.html"}
    for name in EDITIONS.keys() - {SOURCE}:
        page = pagename if is_translated(pagename) else "index"
        found[name] = f"{up}{name}/{page}.html"
    return found


def code(language):
    """Return a language's name as HTML writes it."""
    return language.replace("_", "-")


def add_switcher(app, pagename, templatename, context, doctree):
    """Tell the templates, and programs, where the page is in other languages."""
    found = addresses(pagename, app.config.language)
    context["editions"] = [(code(name), EDITIONS[name], found[name]) for name in EDITIONS]
    context["language_code"] = code(app.config.language)
    if app.config.language != SOURCE:
        up = found[SOURCE].removesuffix(f"{pagename}.html")
        context["theme_external_links"] = [
            {"name": name, "url": f"{up}{page}/index.html"}
            for page, name in (("use", _("Use (English)")), ("reference", _("Reference (English)")))
        ]
    if is_translated(pagename):
        context["metatags"] = context.get("metatags", "") + "".join(
            f'<link rel="alternate" hreflang="{name}" href="{address}" />\n'
            for name, _title, address in context["editions"]
        )


def write_editions(folder, editions):
    """Write the script that tells the pages of an edition which others are built."""
    path = Path(folder, "_static", BUILT)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = " ".join(map(code, editions))
    path.write_text(f'document.documentElement.dataset.editions = "{names}";\n', encoding="utf-8")


def note_before(app):
    """Tell the pages of this build; English ones learn of editions that an earlier build left."""
    if app.builder.format == "html":
        built = [name for name in EDITIONS if Path(app.outdir, name, "index.html").is_file()]
        write_editions(app.outdir, built if app.config.language == SOURCE else [SOURCE])


def note_after(app, exception):
    """Tell the English pages, which are older, of this edition."""
    english = Path(app.outdir).parent
    if (
        not exception
        and app.builder.format == "html"
        and app.config.language != SOURCE
        and (english / "_static" / BUILT).is_file()
    ):
        write_editions(english, [app.config.language])


def setup(app):
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.intersphinx")
    add_words(app)
    if app.config.language != SOURCE:
        app.add_transform(MarkupBesideChinese)
        app.add_transform(UsualMarkup)
    app.add_js_file(BUILT, priority=400)
    app.add_js_file("languages.js")
    app.connect("config-inited", prepare, priority=100)
    app.connect("builder-inited", describe_drawings)
    app.connect("builder-inited", prepare_pages, priority=100)  # before anything is compiled
    app.connect("builder-inited", note_before)
    app.connect("missing-reference", link_english_page)
    app.connect("html-page-context", add_switcher)
    app.connect("build-finished", note_after)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
