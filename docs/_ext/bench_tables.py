"""The ``benchmark`` directive: tables of a recorded run of ``convcore bench``.

.. code-block:: rst

   .. benchmark:: intel
      :kind: conv

shows what ``convcore bench`` printed: the benchmark's own code makes the table from the record,
which :mod:`bench_record` keeps. Of other runs the record has printed tables alone.
"""

import bench_record
import tables
from convcore.benchmarks import report
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

WORDS = ("best peer", "algorithm")  # columns of words among those of numbers


def numbers(header, rows, left):
    """Return a table whose first columns are words and whose others are numbers."""

    def aligned(line):
        return [
            tables.entry(
                text,
                classes=["text-start" if column < left or header[column] in WORDS else "text-end"],
            )
            for column, text in enumerate(line)
        ]

    return tables.table(
        aligned(header), map(aligned, rows), [1] * len(header), classes=["benchmark"]
    )


class Benchmark(SphinxDirective):
    """``benchmark``, one table of a record; ``machine`` and ``means`` are kinds too."""

    required_arguments = 1
    option_spec = {"kind": directives.unchanged_required}  # noqa: RUF012 (docutils' own form)

    def run(self):
        """Return the table, or the list of facts about the machine."""
        self.env.note_dependency(str(bench_record.RECORD))
        record, name, kind = bench_record.load(), self.arguments[0], self.options["kind"]
        printed = record["tables"].get(name)
        run = None if printed else bench_record.expanded(record["runs"][name])
        if kind == "machine":
            lines = printed["machine"] if printed else report.heading(run)
            items = [nodes.list_item("", nodes.paragraph(line, line)) for line in lines]
            return [nodes.bullet_list("", *items)]
        if printed:
            return [numbers(printed[kind]["header"], printed[kind]["rows"], 1)]
        if kind == "means":
            return [numbers(*report.means_table(run), 1)]
        return [numbers(*report.comparison_table(run, kind), 2)]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
