"""Ask a real YAML language server, as an editor does: JSON-RPC over its standard input and output."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What the server says of a document, and at the cursor in it."""

    diagnostics: list[str]
    items: dict[str, str]
    """What it would complete, each with its documentation."""
    hover: str


class LanguageServer:
    """A running yaml-language-server that checks every document with one schema."""

    def __init__(self, process: subprocess.Popen[bytes], schema: Path) -> None:
        self.process = process
        self.schema = schema
        self.numbers = itertools.count(1)
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["markdown"]}, "publishDiagnostics": {}, "completion": {}},
        }
        self.ask("initialize", {"processId": None, "rootUri": schema.parent.as_uri(), "capabilities": capabilities})
        self.send({"method": "initialized", "params": {}})

    def look(self, text: str) -> Answer:
        """What an editor would show for a text with ``|`` where the cursor is."""
        before, _, after = text.partition("|")
        uri = (self.schema.parent / f"pipeline-{next(self.numbers)}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": before + after}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        published = self.wait(
            lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
        )
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        where = {"textDocument": {"uri": uri}, "position": position}
        items = self.ask("textDocument/completion", where) or {}
        hover = self.ask("textDocument/hover", where) or {}
        return Answer(
            [found["message"] for found in published["params"]["diagnostics"]],
            {item["label"]: _text(item.get("documentation", "")) for item in items.get("items", [])},
            _text(hover.get("contents", "")),
        )

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return message

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            message = self.receive()
            if "method" in message and "id" in message:  # the server asks back
                items = message["params"].get("items", []) if message["method"] == "workspace/configuration" else []
                self.send({"id": message["id"], "result": [self.settings(item["section"]) for item in items]})
            elif wanted(message):
                return message

    def settings(self, section: str) -> dict[str, Any]:
        if section != "yaml":
            return {}
        return {
            "schemas": {self.schema.as_uri(): ["*.yaml"]},
            "schemaStore": {"enable": False},
            "validate": True,
            "completion": True,
            "hover": True,
            "yamlVersion": "1.2",
        }

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        number = next(self.numbers)
        self.send({"id": number, "method": method, "params": params})
        return self.wait(lambda message: message.get("id") == number and "method" not in message).get("result")


def _text(found: Any) -> str:
    return str(found.get("value", "")) if isinstance(found, dict) else str(found)


@contextmanager
def language_server(program: str, schema: Path) -> Iterator[LanguageServer]:
    """Start the server for one schema; it is ended afterwards."""
    process = subprocess.Popen(
        [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield LanguageServer(process, schema)
    finally:
        process.kill()
        process.communicate()
