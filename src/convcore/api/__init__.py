"""The public operators, a module for each family: signature, docstring, forward and backward."""

from types import ModuleType

from convcore.api import (
    conv,
    local,
    pool_adaptive_avg,
    pool_adaptive_max,
    pool_avg,
    pool_l2,
    pool_lp,
    pool_max,
    pool_weighted,
    signal,
    tiled,
    transpose,
    windows,
)
from convcore.api.conv import *  # noqa: F403
from convcore.api.local import *  # noqa: F403
from convcore.api.pool_adaptive_avg import *  # noqa: F403
from convcore.api.pool_adaptive_max import *  # noqa: F403
from convcore.api.pool_avg import *  # noqa: F403
from convcore.api.pool_l2 import *  # noqa: F403
from convcore.api.pool_lp import *  # noqa: F403
from convcore.api.pool_max import *  # noqa: F403
from convcore.api.pool_weighted import *  # noqa: F403
from convcore.api.signal import *  # noqa: F403
from convcore.api.tiled import *  # noqa: F403
from convcore.api.transpose import *  # noqa: F403
from convcore.api.windows import *  # noqa: F403
from convcore.engine.activation import Activation as Activation
from convcore.engine.algorithm import default_algorithm as default_algorithm
from convcore.engine.array_api import serve
from convcore.engine.calls import Calls as Calls
from convcore.engine.parts import ConvParts as ConvParts
from convcore.engine.parts import PoolParts as PoolParts
from convcore.engine.parts import as_dtype as as_dtype
from convcore.engine.parts import conv_parts as conv_parts
from convcore.engine.parts import indices_in_whole as indices_in_whole
from convcore.engine.parts import pool_parts as pool_parts
from convcore.engine.prepared import PreparedLayer as PreparedLayer
from convcore.engine.sequence import Sequence as Sequence
from convcore.engine.sequence import Task as Task
from convcore.engine.sequence import pool_task as pool_task
from convcore.engine.threads import threads_for as threads_for

__all__: list[str] = []
__all__ += conv.__all__
__all__ += local.__all__
__all__ += pool_adaptive_avg.__all__
__all__ += pool_adaptive_max.__all__
__all__ += pool_avg.__all__
__all__ += pool_l2.__all__
__all__ += pool_lp.__all__
__all__ += pool_max.__all__
__all__ += pool_weighted.__all__
__all__ += signal.__all__
__all__ += tiled.__all__
__all__ += transpose.__all__
__all__ += windows.__all__

# Operators by their kind, as layers call them.
CALLS = {
    **conv.CALLS,
    **local.CALLS,
    **pool_adaptive_avg.CALLS,
    **pool_adaptive_max.CALLS,
    **pool_avg.CALLS,
    **pool_l2.CALLS,
    **pool_lp.CALLS,
    **pool_max.CALLS,
    **pool_weighted.CALLS,
    **tiled.CALLS,
    **transpose.CALLS,
}

for _module in list(vars().values()):
    if isinstance(_module, ModuleType) and _module.__name__.startswith("convcore.api."):
        serve(vars(_module))
