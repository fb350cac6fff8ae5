"""``python -m registry_core`` is the command ``registry-core``."""

from registry_core.cli.interruption import end_on_signals


def main() -> None:
    """Run the command line; signals end it from the first import on."""
    end_on_signals()
    from registry_core.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
