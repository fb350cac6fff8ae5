"""The tools: what is installed for each, and the commands that check and run its set-up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SETUPS = Path(__file__).parent / "setups"
_REGISTRY_CORE = ("-c", "from registry_core.cli.main import main; main()")


@dataclass(frozen=True)
class Tool:
    """A tool, its packages, and commands as arguments of Python."""

    name: str
    title: str
    config: str
    check: tuple[str, ...]
    """Reads the configuration and says what it finds wrong with it, before torch objects are made."""
    run: tuple[str, ...]
    checked_by: str
    """The check in words."""
    preload: tuple[str, ...] = ()
    """Modules that are slow to import: imported once, and each mistake is a process that is forked then."""
    check_first: bool = False
    """Whether the check is run by itself before the training, as it does more than the training begins with."""
    packages: tuple[str, ...] = ()
    """Pinned; none for registry-core, which runs where this script does."""
    files: tuple[str, ...] = ()
    """Folders of set-ups that the case's folder is filled from."""


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="registry-core",
            title="registry-core",
            config="config.yaml",
            check=(*_REGISTRY_CORE, "validate", "config.yaml"),
            run=(*_REGISTRY_CORE, "train", "config.yaml", "--out=run"),
            checked_by="`registry-core validate`",
            check_first=True,
            files=("registry_core",),
        ),
        Tool(
            name="lightning",
            title="LightningCLI",
            preload=("lightning.pytorch.cli", "lightning.pytorch.loggers", "torchmetrics", "torchvision.transforms.v2"),
            config="config.yaml",
            check=("main.py", "fit", "--config", "config.yaml", "--print_config"),
            run=("main.py", "fit", "--config", "config.yaml"),
            checked_by="parsing, as by `fit --print_config`",
            packages=("lightning==2.6.6", "jsonargparse[signatures]==4.53.0", "torchvision==0.29.1"),
            files=("shared", "lightning"),
        ),
        Tool(
            name="hydra",
            title="Hydra",
            preload=("hydra", "omegaconf", "torch", "torchmetrics", "torchvision.transforms.v2"),
            config="config.yaml",
            check=("main.py", "--cfg", "job", "--resolve"),
            run=("main.py",),
            checked_by="`--cfg job --resolve`, which composes the configuration with its schema",
            check_first=True,
            packages=("hydra-core==1.3.8", "omegaconf==2.3.1", "torchmetrics==1.9.0", "torchvision==0.29.1"),
            files=("shared", "hydra"),
        ),
        Tool(
            name="mmengine",
            title="MMEngine",
            preload=("mmengine.runner", "mmengine.evaluator", "torchvision.transforms.v2"),
            config="config.py",
            check=("train.py", "--check"),
            run=("train.py",),
            checked_by="`Config.fromfile` and printing it",
            packages=("mmengine==0.10.7", "torchvision==0.29.1"),
            files=("shared", "mmengine"),
        ),
        Tool(
            name="ludwig",
            title="Ludwig",
            preload=("ludwig.api",),
            config="config.yaml",
            check=("main.py", "data/table.csv", "run", "--check"),
            run=("main.py", "data/table.csv", "run"),
            checked_by="`LudwigModel(config)`, which reads and checks the configuration",
            packages=("ludwig==0.11.0",),
            files=("ludwig",),
        ),
    )
}
