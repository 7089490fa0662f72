"""What the runner needs to know of anything it measures."""

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Measured:
    """What every line of `layers.txt` has: a name, a group, what is done, and n images.

    A subclass adds its own columns, the shapes (`operand_shapes`, `output_shape`, `shape_text`),
    what is computed (`flops`), and what limits its speed: `work`, done at a `rate` that cannot
    pass the `roof`.
    """

    planes: ClassVar[int] = 1  # the first operands, whose channels may be the last axis
    gives_planes: ClassVar[bool] = True  # and so may the result's
    is_image: ClassVar[bool] = False  # whether an image filter can do it
    is_signal: ClassVar[bool] = False  # whether it is a signal's filter
    bytes_seen_once: ClassVar[int] = 0  # of weights: the speed is that of reading them
    kind: ClassVar[str]  # tables and means are split by it; --layers matches it too
    rate: ClassVar[str]  # the unit of 1e9 `work` a second
    roof: ClassVar[str]  # "peak", the multiply-adds of the processor, or "copy" of its memory

    name: str
    group: str
    op: str
    n: int

    @property
    def base(self):
        """The layer itself; of one of its gradients, the layer that it belongs to."""
        return self

    @property
    def bytes_moved(self):
        """What has to be read and written even if nothing is read twice: operands and result."""
        return 4 * sum(int(np.prod(shape)) for shape in (*self.operand_shapes, self.output_shape))

    def pick(self, result):
        """Return the array that is asked for, of what the function returned."""
        return result

    def record(self):
        """Return what the JSON file says of it, as plain values."""
        return {
            **asdict(self),
            "kind": self.kind,
            "shape": self.shape_text,
            "image": self.is_image or self.is_signal,
            "flops": self.flops,
            "bytes_moved": self.bytes_moved,
            "rate_unit": self.rate,
            "roof": self.roof,
        }
