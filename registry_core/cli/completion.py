"""``registry-core completion``: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from registry_core.cli.options import say_lines

_VARIABLE = "_REGISTRY_CORE_COMPLETE"
"""The environment variable by which the shell requests completions."""

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    short_help="Print the completion script of a shell",
    epilog="Example: registry-core completion bash",
)
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete commands, options, kinds, components and pipeline files.

    \b
    bash: eval "$(registry-core completion bash)"       in ~/.bashrc
    zsh:  eval "$(registry-core completion zsh)"        in ~/.zshrc
    fish: registry-core completion fish | source        in ~/.config/fish/config.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root().command
    say_lines(found(root, {}, "registry-core", _VARIABLE).source())
