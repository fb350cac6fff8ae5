"""Train what a configuration of Ludwig says on a table of images; with --check, read the configuration only."""

from __future__ import annotations

import logging
import sys
from typing import Any

from ludwig.api import LudwigModel
from ludwig.callbacks import Callback


class Stages(Callback):
    """Print how far the run came."""

    def __init__(self) -> None:
        self.batches = 0

    def on_train_start(self, *args: Any, **kwargs: Any) -> None:
        print("@@ instantiated", flush=True)

    def on_batch_end(self, *args: Any, **kwargs: Any) -> None:
        self.batches += 1
        if self.batches == 1:
            print("@@ batch", flush=True)

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        print("@@ epoch", flush=True)


if __name__ == "__main__":
    table, output = sys.argv[1:3]
    model = LudwigModel("config.yaml", logging_level=logging.INFO, callbacks=[Stages()])
    print("@@ parsed", flush=True)
    if "--check" not in sys.argv:
        # Else a later run would find the images of this one, wherever they come from.
        fresh = {"skip_save_processed_input": True, "random_seed": 0}
        figures = model.train(dataset=table, output_directory=output, **fresh)[0]
        train, val = (getattr(figures, part)["combined"]["loss"][-1] for part in ("training", "validation"))
        print("@@ finished", float(train), float(val), flush=True)
