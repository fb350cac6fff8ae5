"""Text from elsewhere is shown escaped by every command, and becomes a command to copy only if it is a name."""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, Ended, changed, distributions
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from registry_core.catalog.policy import VARIABLE
from registry_core.config.loading.versions import install_command
from registry_core.diagnostics import PipelineError, Problem, RunError
from registry_core.diagnostics.json_text import json_text
from registry_core.diagnostics.printable import printable, printable_lines, printable_message
from registry_core.diagnostics.shell_words import shell_word
from registry_core.diagnostics.tables import columns

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202egnp.\u2066\u200b\u2028\x7f\x85\udcff"
"""A title of the terminal, a colour, a C1 command, reversed and hidden text, a separator, DEL, NEL and a surrogate."""


ACTING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""The categories of Unicode of what acts on a terminal, hides, or has no meaning."""


def is_plain(text: str) -> bool:
    """True for a text that no terminal acts on."""
    return not any(unicodedata.category(character) in ACTING for character in text if character not in "\n\t")


def check(ended: Ended) -> Ended:
    """The ended command, whose output must be plain and without a traceback."""
    assert is_plain(ended.out), ascii(ended.out)
    assert is_plain(ended.err), ascii(ended.err)
    assert "Traceback" not in ended.err
    return ended


@given(st.text(st.characters(), max_size=40))
@example(EVIL)
@example("é日本\u00a0\u3000👍")
def test_whatever_text_is_shown_is_plain(text: str) -> None:
    assert is_plain(printable(text))
    assert "\n" not in printable(text)
    assert is_plain(printable_lines(text))
    assert printable_lines(text).count("\n") == text.count("\n")
    assert printable_message(f"a {text} b").count("\n") == f"a {text} b".count("\n ")
    assert printable(printable(text)) == printable(text)
    assert is_plain("".join(columns([(text, text)])))
    for ensure in (True, False):
        made = json_text({"key": text}, ensure_ascii=ensure)
        assert is_plain(made)
        assert json.loads(made) == {"key": text}
    error = RunError(text, text)
    assert is_plain(str(error))
    assert is_plain(str(PipelineError([Problem(text, text, keys=(text, 0))])))


def test_letters_of_all_scripts_are_shown_as_they_are() -> None:
    for text in ("Größe", "大きさ", "размер", "حجم", "मान", "1\u202f000", "naïve — “ok” 👍"):
        assert printable(text) == text


def test_escapes_are_those_of_python() -> None:
    assert printable("\x1b\n\t\r\x9b\u202e\U000e0001\udcff") == r"\x1b\n\t\r\x9b\u202e\U000e0001\udcff"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20))
@example("x; rm -rf ~")
@example("-rf")
@example('it\'s $(here) `there` \\ "x"')
@example("\x1b[2J\n'")
def test_a_word_of_the_shell_is_that_word(text: str) -> None:
    word = shell_word(text)
    assert word.isprintable() or any(unicodedata.category(c) == "Zs" for c in word)
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout in (text.encode(), f"./{text}".encode())
    assert not done.stdout.startswith(b"-")


def test_only_names_and_versions_become_commands() -> None:
    assert install_command(["acme-losses==1.0+cu124"]) == "Run: pip install acme-losses==1.0+cu124"
    assert install_command(["acme>=1", "b[c]"]) == "Run: pip install 'acme>=1' 'b[c]'"
    for text in (
        "evil --index-url https://example.org",
        "--index-url=https://example.org",
        "evil @ https://example.org/evil.whl",
        "git+https://example.org/evil",
        "./evil",
        "evil; rm -rf ~",
        "evil\nother",
        "evil===1.0\x1b[2J",
        EVIL,
        "",
    ):
        assert install_command(["acme", text]) == ""


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Path]:
    """A distribution whose texts are hostile; its name must be one."""
    source = (
        "from registry_core.components import Loss\nfrom pydantic import Field\nfrom typing import Literal\n"
        f"class Loud(Loss):\n    {f'A loss. {EVIL}'!a}\n    target = 'torch.nn:L1Loss'\n"
        f"    reduction: Literal['mean', {EVIL!a}] = Field(default='mean', description={EVIL!a})\n"
        f"class Broken:\n    {EVIL!a}\n    raise RuntimeError({EVIL!a})\n"
    )
    raw = f"def plain(output, target, word={EVIL!a}):\n    '''Raw {EVIL[:-1]}'''\n    raise RuntimeError({EVIL!a})\n"
    points = "[registry_core.v1.losses]\nloud = loud:Loud\nbroken = broken:Broken\nplain = plain:plain\n"
    evil = EVIL[:-1].replace("\x85", "").replace("\u2028", "")  # these end a line
    points += f"{evil} = loud:Loud\n[registry_core.v1.\x1b]\na = b:c\n"
    with distributions(tmp_path) as make:
        folder = make("acme-loud", points)
        (folder / "loud.py").write_text(source.partition("class Broken")[0])
        (folder / "broken.py").write_text(f"raise RuntimeError({EVIL!a})\n")
        (folder / "plain.py").write_text(raw, encoding="utf-8")
        yield tmp_path


COMMANDS: list[tuple[str, ...]] = [
    ("list",),
    ("list", "--json"),
    ("search", "loss"),
    ("search", EVIL[:-1]),
    ("show", "loss/loud"),
    ("show", "loss/loud", "--json"),
    ("show", "loss/plain"),
    ("show", "loss/broken"),
    ("show", f"loss/{EVIL}"),
    ("show", f"{EVIL}/x"),
    ("schema", "loss/loud"),
    ("plugins",),
    ("plugins", "--json"),
    ("doctor", "loss/broken", "loss/loud"),
    ("doctor", "loss/broken", "--json"),
    ("check", "loss/plain"),
    ("explain", EVIL),
    (EVIL,),
    ("train", f"--{EVIL}"),
    ("train", "--set", f"{EVIL}={EVIL}", "pipeline.json"),
    ("validate", f"{EVIL}.yaml"),
    ("validate", "-p", f"{EVIL}.py", "x.yaml"),
    ("validate", "-p", EVIL, "x.yaml"),
    ("index", EVIL),
    ("eval", EVIL),
    ("predict", EVIL, EVIL),
    ("new-plugin", EVIL),
    ("list", "--plugins", EVIL),
    ("plugins", EVIL),
    ("validate", "x.yaml", "--on", EVIL),
    ("predict", "x", "y", "--top", EVIL),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=[str(number) for number in range(len(COMMANDS))])
def test_commands_show_it_escaped(
    command: Callable[..., Ended], hostile: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "all")  # --plugins changes it for the process
    check(command(*arguments))


def test_completions_are_escaped(hostile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    from registry_core.cli import completing

    context: Any = None
    monkeypatch.chdir(hostile)
    (hostile / "a\x1b[2J.yaml").touch()
    (hostile / "fine.yaml").touch()
    found = [
        *completing.components(context, context, "loss/"),
        *completing.distributions(context, context, ""),
        *completing.pipeline_files(context, context, ""),
    ]
    assert {item.value for item in found} >= {"loss/loud", "acme-loud"}
    assert all(is_plain(item.value) and is_plain(item.help or "") for item in found)


PIPELINES: dict[str, dict[str, Any]] = {
    "a key": {EVIL: 1},
    "a component": {"loss": EVIL},
    "a parameter": {"loss": {"cross_entropy": {EVIL: EVIL}}},
    "a value": {"loss": {"cross_entropy": {"reduction": EVIL}}},
    "a broken component": {"loss": "broken"},
    "a component of another distribution": {"loss": f"{EVIL}:mse"},
    "a metric": {"metrics": [{EVIL: {}}]},
    "a monitor": {"hooks": [{"early_stopping": {"monitor": EVIL}}]},
    "a path": {"data__train__dataset": {"image_folder": {"root": EVIL}}},
    "an index": {"data__train__dataset": {"image_index": {"index": EVIL}}},
    "weights": {"finetune": {"weights": EVIL}},
    "packaged weights": {"finetune": {"weights": {"distribution": f"evil {EVIL}", "file": EVIL}}},
    "a rule": {"init": [{"parameters": EVIL, "weight": "zeros"}]},
    "requires": {"requires": {f"evil --index-url https://example.org {EVIL}": ""}},
    "requires a version": {"requires": {"registry-core": EVIL}},
    "prefer": {"prefer": {f"loss/{EVIL}": EVIL}},
    "extends": {"extends": EVIL},
    "a variable": {"vars": {EVIL: EVIL}, "loss": "${" + EVIL + "}"},
    "ignore": {"ignore": [EVIL]},
}


@pytest.mark.parametrize("what", PIPELINES)
def test_pipeline_files_are_told_escaped(command: Callable[..., Ended], hostile: Path, what: str) -> None:
    path = hostile / "pipeline.json"
    path.write_text(json.dumps(changed(**PIPELINES[what])))
    ended = check(command("validate", path))
    assert ended.code in (2, 3)
    assert "pip install evil" not in ended.err
    assert "--index-url https://example.org" not in ended.err.partition("Run:")[2]
    check(command("validate", path, "--json"))
    check(command("train", path, "--out", hostile / "run"))


def test_files_with_hostile_names_and_contents(command: Callable[..., Ended], tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / f"images {EVIL[:-1]}"
    for name in (f"cat {EVIL}", "dog"):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / name / f"a {EVIL}.png")
        (folder / name / f"b {EVIL}.png").write_bytes(b"no image")
    monkeypatch.chdir(tmp_path)
    index = tmp_path / "index.txt"
    index.write_bytes(f"missing {EVIL[:-1]}.png 0\nno label {EVIL[:-1]} x\n".encode() + b"\xff\xfe 1\n")
    check(command("index", folder, "--out", tmp_path / "made.txt"))
    for dataset in ({"image_folder": {"root": os.fspath(folder)}}, {"image_index": {"index": "index.txt"}}):
        path = tmp_path / f"{EVIL[:-1]}.json"
        model = {"mlp": {"size": 8, "in_channels": 3, "num_classes": 2}}
        data = {"data__train__dataset": dataset, "data__val": None, "data__batch_size": 1}
        path.write_text(json.dumps(changed(model=model, **data)))
        for arguments in (
            ("validate",),
            ("validate", "--data"),
            ("validate", "--json", "--data"),
            ("plan",),
            ("sample",),
        ):
            check(command(*arguments, path))


def test_tensors_with_hostile_names(command: Callable[..., Ended], tmp_path: Path) -> None:
    save_file({f"layer {EVIL[:-1]}": torch.zeros(2), "other": torch.zeros(3)}, tmp_path / "w.safetensors")
    path = tmp_path / "pipeline.json"
    for strict in (True, False):
        finetune = {"weights": str(tmp_path / "w.safetensors"), "strict": strict}
        path.write_text(json.dumps(changed(finetune=finetune)))
        check(command("validate", path))
        check(command("plan", path, "--build"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a plain pipeline."""
    from registry_core import load, train

    folder = tmp_path_factory.mktemp("trained")
    (folder / "pipeline.json").write_text(json.dumps(changed()))
    return train(load(folder / "pipeline.json"), folder / "run").directory


def hostile_value(value: Any) -> Any:
    """The same data with hostile texts, and numbers as they are."""
    if isinstance(value, dict):
        return {key: hostile_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile_value(item) for item in value]
    return f"{value}{EVIL[:-1]}" if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["environment.json", "pipeline.json", "summary.json", "metrics.jsonl"])
def test_run_directories_of_others(command: Callable[..., Ended], trained: Path, tmp_path: Path, name: str) -> None:
    import shutil

    run = tmp_path / f"run {EVIL[:-1]}"
    shutil.copytree(trained, run)
    file = run / name
    lines = [json.loads(line) for line in (file.read_text().splitlines() if name.endswith("l") else [file.read_text()])]
    file.write_text("".join(f"{json.dumps(hostile_value(line))}\n" for line in lines))
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    for arguments in (
        ("eval", run),
        ("eval", run, "--json"),
        ("predict", run, tmp_path / "a.png"),
        ("train", "--resume", run),
    ):
        check(command(*arguments))


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("acme-gone", "1.0", "Run: pip install acme-gone==1.0."),
        ("evil --index-url https://example.org", "1.0", ""),
        ("acme-gone", "1.0 --index-url https://example.org", ""),
        (f"evil{EVIL[:-1]}", "1.0", ""),
        ("acme_parts", "(-p)", "Add -p acme_parts to the command."),
        ("acme; rm -rf ~", "(-p)", ""),
        ("acme-gone", {"a": 1}, ""),
    ],
)
def test_a_run_that_needs_what_is_not_here(
    command: Callable[..., Ended], trained: Path, tmp_path: Path, name: str, version: Any, told: str
) -> None:
    import shutil

    from registry_core.engine.provenance import require_plugins

    with pytest.raises(RunError) as raised:
        require_plugins({name: {"version": version, "components": [], "files": {}}})
    assert is_plain(str(raised.value))
    assert (told in str(raised.value)) if told else "pip install" not in str(raised.value)
    if not told:
        assert raised.value.remedy == ""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    environment = json.loads((run / "environment.json").read_text())
    environment["plugins"][name] = {"version": version, "components": [], "files": {}}
    (run / "environment.json").write_text(json.dumps(environment))
    check(command("eval", run))


def test_the_command_that_resumes_a_run_is_quoted(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry_core.cli import train

    for directory in (Path("x; rm -rf ~"), Path("two words"), Path("it's")):
        assert shlex.split(f"registry-core train --resume {shell_word(directory)}")[-1] == str(directory)
    source = Path(train.__file__).read_text()
    assert "--resume {shell_word(" in source


def test_a_name_of_a_metric_is_no_markup(
    own_session: None, command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rich would take it for a style or a link."""
    module = tmp_path / "marked.py"
    name = "[red]a[/] [link=https://example.org]b[/link]"
    module.write_text(
        "from registry_core.components import Metric\n"
        "class Marked(Metric):\n    target = 'torchmetrics.classification:MulticlassAccuracy'\n"
        f"    def log_name(self, name): return {name!r}\n"
        "    def build(self, classes):\n        from torchmetrics.classification import MulticlassAccuracy\n"
        "        return MulticlassAccuracy(num_classes=10)\n"
        "REGISTRY_CORE = {'metric/marked': Marked}\n"
    )
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(changed(metrics=["marked"], hooks=["progress"])))
    monkeypatch.chdir(tmp_path)
    ended = check(command("train", path, "-p", "marked", "--out", tmp_path / "run"))
    assert ended.code == 0
    assert name in ended.err


PRINTING = ("print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write")


def test_text_leaves_at_a_few_places() -> None:
    """No module prints by itself: what is printed went through ``printable``."""
    allowed = {
        "registry_core/diagnostics/printable.py": {"print"},
        "registry_core/cli/main.py": {"click.echo"},
        "registry_core/cli/options.py": {"click.echo"},
        "registry_core/cli/json_output.py": {"click.echo"},
        "registry_core/cli/upgrade.py": {"click.echo"},  # the text of standard input, if nobody looks at it
    }
    found: dict[str, set[str]] = {}
    for folder in ("registry_core", "plugins/builtin/registry_builtin"):
        for path in (ROOT / folder).rglob("*.py"):
            if "templates" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) in PRINTING:
                    found.setdefault(str(path.relative_to(ROOT)), set()).add(called)
    assert found == allowed
