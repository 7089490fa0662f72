"""What C sources say of themselves, read without a compiler: includes, functions and their uses.

It reads the C of this package, not C in general: functions are found by their braces, prototypes
by what stands outside of all braces, and rows of lists (`CC_KERNEL(void, name, (...))`) by name.
"""

import re
from dataclasses import dataclass, field

NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"][^>"]+[>"])', re.MULTILINE)
WORD = re.compile(r"[A-Za-z_]\w*")
ROW = re.compile(r"\bCC_\w*KERNEL\s*\(\s*[^,]+,\s*(\w+)\s*,\s*(?=\()")
NO_FUNCTIONS = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "case"}


@dataclass
class Source:
    """A file: what it includes, defines, declares and uses."""

    includes: list[str]  # as they are written, with their quotes
    words: set[str]  # all identifiers of the code and of directives
    uses: set[str] = field(default_factory=set)  # identifiers within braces and in macros
    defines: set[str] = field(default_factory=set)  # functions that other files can call
    parameters: dict[str, int] = field(default_factory=dict)  # of each function and prototype


def without_comments(text):
    """The code: comments, and what strings say, are blanks; every line is where it was."""

    def blank(found):
        piece = found[0]
        return piece if piece[0] == '"' and "\n" not in piece else re.sub(r"[^\n]", " ", piece)

    return NOT_CODE.sub(blank, text)


def closing(text, start):
    """The index after the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += text[i] in "({["
        depth -= text[i] in ")}]"
        if depth == 0:
            return i + 1
    raise ValueError(f"a bracket is open: {text[start : start + 60]!r}")


def _opening(text):
    """The index of the bracket that the last one of `text` closes."""
    depth = 0
    for i in range(len(text) - 1, -1, -1):
        depth += text[i] in ")}]"
        depth -= text[i] in "({["
        if depth == 0:
            return i
    raise ValueError(f"a bracket is closed that is not open: {text[-60:]!r}")


def count(parameters):
    """The number of parameters in such a list, without its brackets."""
    if parameters.strip() in ("", "void"):
        return 0
    depth, commas = 0, 0
    for letter in parameters:
        depth += letter in "({["
        depth -= letter in ")}]"
        commas += letter == "," and depth == 0
    return commas + 1


def _function(head):
    """The name and the number of parameters that a declaration ends with, or None.

    A name may be made by a macro: `void CC_FN(name)(...)` is `name`.
    """
    while attribute := re.search(r"__attribute__\s*(?=\()", head):
        head = head[: attribute.start()] + head[closing(head, attribute.end()) :]
    head = head.rstrip()
    if not head.endswith(")") or "=" in head:
        return None
    start = _opening(head)
    before, parameters = head[:start].rstrip(), head[start + 1 : -1]
    name = re.search(r"\b[A-Z]\w*\s*\(\s*(\w+)\s*\)$", before) or re.search(r"\b(\w+)$", before)
    typed = name and before[: name.start()].strip()
    if not typed or name[1] in NO_FUNCTIONS or "typedef" in typed:
        return None
    return name[1], count(parameters)


def read(path):
    """Read a file."""
    code = without_comments(path.read_text(encoding="utf-8"))
    source = Source(INCLUDE.findall(code), set(WORD.findall(re.sub(r'"[^"\n]*"', "", code))))
    code = re.sub(r'"[^"\n]*"', '""', code)
    for directive in DIRECTIVE.findall(code):
        if re.match(r"\s*#\s*define", directive):
            source.uses.update(WORD.findall(directive))
    code = DIRECTIVE.sub("", code)
    for row in ROW.finditer(code):
        end = closing(code, row.end())
        source.parameters[row[1]] = count(code[row.end() + 1 : end - 1])
    position = begin = 0
    while (position := _next(code, begin)) is not None:
        head = code[begin:position]
        if code[position] == ";":
            if found := _function(head):
                source.parameters.setdefault(*found)
            begin = position + 1
            continue
        begin = closing(code, position)
        source.uses.update(WORD.findall(code[position:begin]))
        if found := _function(head):
            source.parameters[found[0]] = found[1]
            # What a macro names, `CC_FN(name)`, is called by another name, through a table.
            made = re.search(rf"\w\s*\(\s*{found[0]}\s*\)", head)
            if not made and not re.search(r"\bstatic\b|\bCC_INLINE\b", head):
                source.defines.add(found[0])
    return source


def _next(code, begin):
    """Where the next declaration outside of all braces ends: at a semicolon or an open brace."""
    found = re.compile(r"[;{]").search(code, begin)
    return found.start() if found else None


def circles(edges):
    """The circles of a graph {node: nodes}: sorted lists of nodes that reach each other."""
    reached = {}
    for node in edges:
        seen, todo = set(), list(edges[node])
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += edges.get(one, ())
        reached[node] = seen
    return sorted(
        {
            tuple(sorted(other for other in reached[node] if node in reached.get(other, ())))
            for node in reached
            if node in reached[node]
        }
    )
