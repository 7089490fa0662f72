"""The rooms of the C sources: what each may include and know, and that nothing goes in a circle.

A file stands in the room that its folder is. `MAY_INCLUDE` says of each room which others its files
include. What is against the rules today stands in lists that may only become shorter.
"""

import re
from pathlib import Path

import pytest

from tests.support import c_source

CSRC = Path(__file__).resolve().parents[2] / "src" / "convcore" / "csrc"
FILES = {
    path.relative_to(CSRC).as_posix(): c_source.read(path)
    for path in sorted(CSRC.rglob("*"))
    if path.suffix in (".c", ".h", ".def")
}

TOP = "convcore.h"  # the interface for the binding; it is a room of its own
MAY_INCLUDE = {
    TOP: {"base"},
    "base": {"base", TOP},
    "dispatch": {"dispatch", "kernels", "base", TOP},
    "kernels": {"kernels", "kernels/simd", "dispatch", "tuning", "base", TOP},
    "kernels/simd": {"kernels", "kernels/simd", "base", TOP},
    "tuning": {"tuning", "kernels", "dispatch", "base", TOP},
    "core": {"core", "kernels", "tuning", "base", TOP},
    "conv": {"conv", "core", "kernels", "tuning", "base", TOP},
    "filter": {"filter", "core", "kernels", "tuning", "base", TOP},
    "pool": {"pool", "core", "kernels", "tuning", "base", TOP},
    "xla": {"xla", "base", TOP},
}
# Of the kernels, the others see the table and its list alone.
FACE_OF_KERNELS = {"kernels/kernels.h", "kernels/kernels.def"}

# Rooms that are still to be built, and circles to be opened.
NOT_BUILT = set()
CIRCLES = []

PROBLEMS = {"cc_conv", "cc_tiled", "cc_pool", "cc_axis", "cc_border", "cc_pool_kind", "cc_problem"}
INSTRUCTIONS = re.compile(
    r"(immintrin|[xe]mmintrin|arm_neon|arm_sve|wasm_simd128|cpuid|_+(x86_64|i386|aarch64|arm)_*"
    r"|_+(AVX|SSE|FMA|ARM)\w*|_mm\w+|x86_64_v\d|\w*_?(NEON|AVX\d*|SSE\d*))"
)


def room(name):
    return name.rpartition("/")[0] or name


def included(name):
    """The files of the package that a file includes; others have no place in quotes."""
    found = []
    for text in FILES[name].includes:
        if text.startswith('"'):
            path = (CSRC / name).parent / text[1:-1]
            if not path.is_file():
                path = CSRC / text[1:-1]  # the compiler looks there, too
            assert path.is_file(), f"{name} includes {text}, which is in no folder"
            found.append(path.resolve().relative_to(CSRC).as_posix())
    return found


def test_each_folder_is_a_room():
    rooms = {room(name) for name in FILES}
    assert rooms <= set(MAY_INCLUDE), "a room without a rule: give it a row of MAY_INCLUDE"
    missing = set(MAY_INCLUDE) - rooms
    assert missing == NOT_BUILT, "NOT_BUILT is out of date"
    others = [path for path in CSRC.rglob("*") if path.is_file() and _name(path) not in FILES]
    assert not others, "files that are no C"


def _name(path):
    return path.relative_to(CSRC).as_posix()


@pytest.mark.parametrize("name", FILES)
def test_a_file_includes_what_its_room_may(name):
    for other in included(name):
        assert room(other) in MAY_INCLUDE[room(name)], f"{name} includes {other}"
        if not room(name).startswith("kernels") and room(other).startswith("kernels"):
            assert other in FACE_OF_KERNELS, f"{name} includes {other}: a kernel's own file"


@pytest.mark.parametrize("name", [n for n in FILES if room(n).startswith(("kernels", "tuning"))])
def test_kernels_know_no_problem(name):
    assert not FILES[name].words & PROBLEMS


@pytest.mark.parametrize(
    "name", [n for n in FILES if not room(n).startswith(("kernels", "dispatch", "tuning"))]
)
def test_operators_know_no_instruction_set(name):
    system = {text for text in FILES[name].includes if text.startswith("<")}
    words = FILES[name].words | {re.sub(r"\.h", "", text[1:-1]) for text in system}
    assert not [word for word in words if INSTRUCTIONS.fullmatch(word)]


def test_no_circle():
    """Neither of includes, nor of functions that files call in each other."""
    home = {}
    for name, source in FILES.items():
        for function in source.defines:
            assert function not in home, f"{function} stands in {home[function]} and in {name}"
            home[function] = name
    edges = {
        name: {*included(name), *(home[use] for use in source.uses & home.keys())}
        - ({name} - set(included(name)))
        for name, source in FILES.items()
    }
    assert sum(map(len, edges.values())) > len(FILES)
    assert c_source.circles(edges) == CIRCLES


def test_a_circle_is_found(tmp_path):
    """What the test above relies on: includes and calls are read as they are meant."""
    text = """
    #include <stddef.h>
    #include "b.h" // "c.h"
    /* int d(void) { return e(); } */
    #define SUM(x) \\
        (x + total(x))
    static int local(int a, int b) { return far(a)(b, "later(1)"); }
    int CC_FN(made)(int a) { return local(a, 'x'); }
    int shown(const char *(*names)[2], int (*f)(int, int), ...);
    __attribute__((hot)) int given(void) { return (int[]){near(1), 2}[0]; }
    CC_REAL_KERNEL(void, row, (int a, int (*b)(int, int), int c))
    """
    path = tmp_path / "a.c"
    path.write_text(text, encoding="utf-8")
    source = c_source.read(path)
    assert source.includes == ["<stddef.h>", '"b.h"']
    assert source.defines == {"given"}
    assert source.parameters == {"local": 2, "made": 1, "shown": 3, "given": 0, "row": 3}
    assert {"far", "near", "total"} <= source.uses
    assert not source.uses & {"later", "e", "shown"}
    assert c_source.circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}, "e": set()}) == [
        ("b", "c"),
        ("d",),
    ]
