"""The pages of the built site, and what is asked of each in a browser."""

from pathlib import Path

PHONE = 380  # pixels of its width
# Of the Chinese edition, whose pages are made as the English ones are, these are opened.
CHINESE = ("index.html", "explorer.html", "learn/sizes.html")


def pages(site, part=0, parts=1):
    """Return the pages of the built site, or a part of them: all but the theme's own templates."""
    chinese = site / "zh_CN"
    found = sorted(
        path
        for path in site.rglob("*.html")
        if "_static" not in path.parts and chinese not in path.parents
    )
    found += [chinese / name for name in CHINESE if chinese.exists()]
    return found[part::parts]


def is_sampled(name):
    """Whether a page is looked at closely: of the reference, made from one template, two are."""
    return not name.startswith("reference/generated/") or Path(name).stem in (
        "convcore.conv2d",
        "convcore.nn.Conv2d",
    )


def state_of(page):
    """What is asked of a page once its formulas are set."""
    page.evaluate("() => window.MathJax && MathJax.startup.promise.then(() => true)")
    return page.evaluate("""() => ({
        formulas: document.querySelectorAll(".math").length,
        typeset: document.querySelectorAll(".math mjx-container").length,
        wrong: document.querySelectorAll("[data-mml-node=merror]").length,
        blank: [...document.querySelectorAll("mjx-container")].filter(formula => {
            const open = formula.querySelectorAll(
                "svg :is([data-mml-node=mi], [data-mml-node=mn], [data-mml-node=mo]):empty");
            const unseen = [...formula.querySelectorAll("math :is(mi, mn, mo)")].filter(
                part => /^[\\u2061-\\u2064]?$/.test(part.textContent));
            return open.length > unseen.length;
        }).map(formula => formula.textContent),
        images: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
    })""")
