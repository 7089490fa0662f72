"""What CMakeLists.txt says of the kernels' flags."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "src" / "convcore" / "csrc" / "kernels"


def test_loops_over_elements_are_optimized_for_every_set():
    """The baseline's kernels are built at -O2, where GCC makes no vectors of such loops.

    Kernels that do not say their vectors themselves need -O3, and so do those that say only some,
    move.c and round.c. Without it maxima's gradients take half as long again. Norms have vectors
    at -O2 with a cost model that makes them.
    """
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    cmake = re.sub(
        r"foreach\(name ([a-z_ ]+)\)\n(.*?)endforeach\(\)",
        lambda loop: "".join(loop[2].replace("${name}", name) for name in loop[1].split()),
        cmake,
        flags=re.DOTALL,
    )
    flags = r"kernels/(\w+)\.c\s+PROPERTIES\s+COMPILE_OPTIONS\s+\"[^\"]*\$\{optimize\}\""
    explicit = re.compile(r'#include "(vec|reduce_results)\.h"')
    elements = {
        path.stem for path in KERNELS.glob("*.c") if not explicit.search(path.read_text("utf-8"))
    }
    assert set(re.findall(flags, cmake)) == (elements - {"table", "norm"}) | {"move", "round"}
    assert re.search(
        r"kernels/norm\.c PROPERTIES COMPILE_OPTIONS\s+\"[^\"]*\$\{small_vectors\}", cmake
    )
    assert re.search(r"set\(optimize .*-O3", cmake)
