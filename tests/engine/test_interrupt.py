"""A long call ends when Python's signal handlers say so: by Ctrl-C, or whatever they raise."""

import signal

import pytest

# Operator, operands, options and the shape of what it writes; and what the last cells of this would
# hold at least, if the call ran to its end. Each takes seconds.
CALLS = {
    "conv": ("conv2d", "image(4096), window(1001)", "", (1, 3096, 3096)),
    "conv_transpose": ("conv_transpose2d", "image(2048), window(1001)", "", (1, 3048, 3048)),
    "conv_weights": (
        "conv2d_backward",
        "image(2048), image(4000), window(1953)",
        "needs=(False, True, False), out=(None, out, None)",
        (1, 1, 1953, 1953),
        2048**2,
    ),
    "conv_input": (
        "conv2d_backward",
        "image(2048), image(3048), window(1001)",
        "needs=(True, False, False), out=(out, None, None)",
        (1, 3048, 3048),
    ),
    "tiled": ("tiled_conv2d", "image(2048), ones(1, 2, 2, 1, 501, 501)", "", (1, 1548, 1548)),
    "local": (
        "local_conv2d",
        "ones(3000, 32, 24, 24), ones(64, 16, 16, 32, 9, 9)",
        "",
        (3000, 64, 16, 16),
    ),
    "local_input": (
        "local_conv2d_backward",
        "ones(6000, 64, 8, 8), ones(6000, 32, 16, 16), ones(64, 8, 8, 32, 9, 9)",
        "needs=(True, False, False), out=(out, None, None)",
        (6000, 32, 16, 16),
    ),
    "norms": ("lp_pool2d", "image(8192), 101", "stride=13, p=2.5", (1, 623, 623)),
    "norms_back": (
        "lp_pool2d_backward",
        "image(3996), image(4096), 101",
        "stride=1, p=2.5",
        (1, 4096, 4096),
    ),
    "places": ("max_pool2d", "image(8192), 1001", "stride=3, return_indices=True", (1, 2398, 2398)),
    "places_back": (
        "max_pool2d_backward",
        "image(4096), rising(5096), 1001",
        "stride=1",
        (1, 5096, 5096),
    ),
}

CODE = """
import signal
import numpy as np
import convcore

def ones(*shape):
    return np.ones(shape, "f4")

def image(n):
    return ones(1, n, n)

def window(n):
    return ones(1, 1, n, n)

def rising(n):
    return np.arange(n * n, dtype="f4").reshape(1, n, n)

class Enough(Exception):
    pass

def handler(number, frame):
    raise Enough

signal.signal(signal.SIGALRM, handler)
operator, operands, options, shape, least = sys.argv[2:]
out = np.full(eval(shape), -7, "f4")
options = {"out": out, **eval(f"dict({options})")}
operands = eval(f"[{operands}]")
with convcore.threads(int(sys.argv[1])):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        getattr(convcore, operator)(*operands, **options)
    except Enough:
        assert out[..., -1, -1].min() < float(least), "the call ran to its end"
        # the process goes on, and so do its threads
        assert (convcore.conv2d(image(300), window(3)) == 9).all()
        print("ended")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CALLS)
def test_a_long_call_is_ended(name, threads, run_python):
    done = run_python(CODE, str(threads), *map(str, (CALLS[name] + (1e-6,))[:5]), timeout=60)
    assert done.stdout == "ended\n"


def test_keyboard_interrupt(run_python):
    # A shell's background processes ignore the signal, and so would those that they start.
    code = """
import _thread, signal, threading, numpy as np, convcore
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(1, _thread.interrupt_main).start()
try:
    convcore.conv2d(np.ones((1, 4096, 4096), "f4"), np.ones((1, 1, 1001, 1001), "f4"))
except KeyboardInterrupt:
    print("ended")
"""
    assert run_python(code, timeout=60).stdout == "ended\n"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_handler_may_call_convcore(threads, run_python):
    # Handlers run in the midst of a call, again and again; it goes on where it was.
    code = """
import signal
import numpy as np
import convcore
threads = int(sys.argv[1])
x, w = np.ones((1, 900, 900), "f4"), np.ones((1, 1, 81, 81), "f4")
small = np.ones((2, 8, 30, 30), "f4"), np.ones((4, 8, 3, 3), "f4")
calls = 0

def handler(number, frame):
    global calls
    calls += 1
    assert (convcore.conv2d(*small, threads=threads) == 72).all()
    assert (convcore.max_pool2d(small[0], 2, threads=threads) == 1).all()
    try:
        convcore.conv2d(x, x)
    except ValueError:
        pass

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while calls < 25:
    assert (convcore.conv2d(x, w, threads=threads) == 6561).all()
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
"""
    assert run_python(code, str(threads), timeout=100).stdout == "done\n"


def test_a_call_imports_nothing(run_python):
    # A handler that came in the midst of an import would find half a module.
    code = """
import sys, numpy as np, convcore
image, kernel = np.ones((1, 9, 9)), np.ones((1, 1, 3, 3))
before = set(sys.modules)
y = convcore.conv2d(image, kernel)
convcore.conv2d_backward(y, image, kernel)
convcore.conv_transpose2d(image, kernel)
convcore.convolve(image, image)
convcore.max_pool2d_backward(image[:, :4, :4], image, 2)
convcore.l2_pool2d(image, 2)
print(set(sys.modules) - before)
"""
    assert run_python(code).stdout == "set()\n"
