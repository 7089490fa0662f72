"""Tables of documents: rows of cells as docutils wants them."""

from docutils import nodes


def table(header, rows, widths, **attributes):
    """Return a table; a cell is an entry, nodes of one paragraph, or a text.

    ``widths`` are shares of the whole width, one a column.
    """
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=width) for width in widths]
    for part, lines in (nodes.thead(), [header]), (nodes.tbody(), rows):
        for line in lines:
            row = nodes.row()
            row += [cell if isinstance(cell, nodes.entry) else entry(cell) for cell in line]
            part += row
        group += part
    return nodes.table("", group, **attributes)


def entry(content, **attributes):
    """Return a cell with a paragraph of nodes or of a text."""
    content = [nodes.Text(content)] if isinstance(content, str) else content
    return nodes.entry("", nodes.paragraph("", "", *content), **attributes)
