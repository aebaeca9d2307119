"""`tagline completion`: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in SHELL.

    \b
    bash, in ~/.bashrc:                  eval "$(tagline completion bash)"
    zsh, in ~/.zshrc:                    eval "$(tagline completion zsh)"
    fish, in ~/.config/fish/config.fish: tagline completion fish | source
    """
    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(context.find_root().command, {}, "tagline", "_TAGLINE_COMPLETE").source())
