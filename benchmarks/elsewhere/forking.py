"""Run in a tool's environment: import what is slow once, then fork a process for each command that comes in.

Reads a JSON object a line: `folder`, `arguments` (a script and its arguments), `output` (a file) and `limit` in
seconds; answers with `code` (null where the limit ended the process) and `seconds`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
import types
from pathlib import Path


def _child(folder: str, arguments: list[str], output: str) -> int:
    """The script as `python SCRIPT` runs it; the exit code."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    script = str(Path(folder) / arguments[0])
    sys.argv = list(arguments)
    sys.path[0] = folder
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = script
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    try:
        exec(compile(Path(script).read_text(), script, "exec"), module.__dict__)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException as error:
        inside = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, inside)
        return 1
    return 0


def _wait(child: int, limit: float) -> int | None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def main() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        started = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.setsid()
            code = 1
            try:
                code = _child(asked["folder"], asked["arguments"], asked["output"])
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        code = _wait(child, asked["limit"])
        print(json.dumps({"code": code, "seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
