"""The ``benchmark`` directive: tables of a recorded run of ``convcore bench``.

.. code-block:: rst

   .. benchmark:: zen5.json
      :kind: conv

shows what ``convcore bench`` printed when it wrote the record: the same code makes the table. A
record is kept for the site without its single rounds by

.. code-block:: none

   python docs/_ext/bench_tables.py bench.json docs/performance/zen5.json
"""

import json
import sys
from pathlib import Path

import tables
from convcore.benchmarks import report
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

RECORDS = Path(__file__).parents[1] / "performance"


def numbers(header, rows, left):
    """Return a table whose first columns are words and whose others are numbers."""
    def aligned(line):
        return [tables.entry(text, classes=[
                    "text-start" if column < left or header[column] == "best peer" else "text-end"])
                for column, text in enumerate(line)]

    return tables.table(aligned(header), map(aligned, rows), [1] * len(header),
                        classes=["benchmark"])


class Benchmark(SphinxDirective):
    """``benchmark``, one table of a record; ``machine`` and ``means`` are kinds too."""

    required_arguments = 1
    option_spec = {"kind": directives.unchanged_required}  # noqa: RUF012 (docutils' own form)

    def run(self):
        """Return the table, or the list of facts about the machine."""
        path = RECORDS / self.arguments[0]
        self.env.note_dependency(str(path))
        record = json.loads(path.read_text(encoding="utf-8"))
        kind = self.options["kind"]
        if kind == "machine":
            return [nodes.bullet_list("", *[nodes.list_item("", nodes.paragraph(line, line))
                                            for line in report.heading(record)])]
        if kind == "means":
            return [numbers(*report.means_table(record), 1)]
        return [numbers(*report.comparison_table(record, kind), 2)]


def kept(record):
    """Return a record without its single rounds, its numbers with five digits."""
    if isinstance(record, dict):
        return {key: kept(value) for key, value in record.items()
                if key not in ("rounds_ms", "calls")}
    if isinstance(record, list):
        return [kept(value) for value in record]
    return float(f"{record:.5g}") if isinstance(record, float) else record


def setup(app):
    """Register with Sphinx."""
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    text = json.dumps(kept(json.loads(source.read_text(encoding="utf-8"))), indent=1)
    target.write_text(text + "\n", encoding="utf-8")
