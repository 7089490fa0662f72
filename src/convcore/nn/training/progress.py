"""Progress of a training: a bar by tqdm, plain lines, or nothing."""

import sys
from typing import Any


class Progress:
    """Shows steps and epochs of fit on standard error."""

    def __init__(self, shown: bool, epochs: int, batches: int) -> None:
        self.epochs, self.batches = epochs, batches
        self.shown = shown
        self.bar: Any = None
        self._tqdm: Any = None
        if shown:
            try:
                from tqdm import tqdm
            except ImportError:
                pass
            else:
                self._tqdm = tqdm

    def step(self, epoch: int, loss: float) -> None:
        """Count a batch."""
        if self._tqdm is None:
            return
        if self.bar is None:
            name = f"epoch {epoch}/{self.epochs}"
            self.bar = self._tqdm(total=self.batches, desc=name, file=sys.stderr, unit="batch")
        self.bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
        self.bar.update()

    def end(self, epoch: Any) -> None:
        """Show an epoch's losses."""
        words = f"loss {epoch.loss:.4f}"
        if epoch.accuracy is not None:
            words += f", {100 * epoch.accuracy:.2f} % right"
        if epoch.validation_loss is not None:
            words += f"; validation: loss {epoch.validation_loss:.4f}"
        if epoch.validation_accuracy is not None:
            words += f", {100 * epoch.validation_accuracy:.2f} % right"
        if self.bar is not None:
            self.bar.set_postfix_str(words)
            self.close()
        elif self.shown:
            print(f"epoch {epoch.epoch}/{self.epochs}: {words}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the line of the bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
