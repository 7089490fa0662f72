"""The ``bridges`` directive: what bridges do with each operator, from the tests' own table."""

import sys
from pathlib import Path

from sphinx.util.docutils import SphinxDirective
from tables import table

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.tables.bridges import BRIDGES, FEATURES, LIBRARIES, OPERATORS


class Bridges(SphinxDirective):
    """``bridges``, a row for each operator, a column for each library."""

    def run(self):
        """Return the table."""
        libraries = sorted(BRIDGES)
        rows = [
            [kind, *(", ".join(feature for feature in FEATURES
                               if kind in BRIDGES[library].get(feature, ())) or "-"
                     for library in libraries)]
            for kind in OPERATORS
        ]  # fmt: skip
        header = ["operator", *(LIBRARIES[library] for library in libraries)]
        return [table(header, rows, [2, *[3] * len(libraries)])]


def setup(app):
    """Register the directive."""
    app.add_directive("bridges", Bridges)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
