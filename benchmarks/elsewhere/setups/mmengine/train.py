"""Train what a configuration file of MMEngine says; with --check, read it and print it only."""

from __future__ import annotations

import sys

from mmengine.config import Config
from mmengine.runner import Runner

if __name__ == "__main__":
    config = Config.fromfile("config.py")
    if "--check" in sys.argv:
        print(config.pretty_text)
        sys.exit()
    print("@@ parsed", flush=True)
    Runner.from_cfg(config).train()
