"""Components of the session: registered in a script, in the cells of a notebook, and in a test."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
import torchmetrics
import yaml
from conftest import PIPELINE, ROOT, Ended, changed
from jsonschema import Draft7Validator
from pydantic import ValidationError
from torch import nn
from torch.utils.data import TensorDataset

import registry_core
from registry_core.assembly.preview import preview_of
from registry_core.catalog import installed, refresh
from registry_core.components import Hook, Loss, hookimpl
from registry_core.config.models import Data, DataSection, Optim, Spec, Train
from registry_core.diagnostics import BrokenComponent, NameConflict, RunError
from registry_core.engine.provenance import changed_in_session, plugins, require_plugins
from registry_core.engine.resuming import DECISIVE, guarantee
from registry_core.engine.trained import TrainedModel
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.registry import registries
from registry_core.registry.session import session_digest

SCRIPT = ROOT / "tests" / "session_script.py"


pytestmark = pytest.mark.usefixtures("own_session")


def script(path: Path, *arguments: object) -> tuple[dict[str, Any], str]:
    """What a script printed as JSON, and what it said besides."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, "-W", "error", path, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found, done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with the runs of the script, and what it printed."""
    folder = tmp_path_factory.mktemp("script")
    return folder, script(SCRIPT, folder, "train")[0]


class Halved(nn.CrossEntropyLoss):
    """Half of the cross entropy.

    And more.
    """

    def __init__(self, factor: float = 0.5) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return super().forward(input, target) * self.factor


def darken(image: torch.Tensor, amount: float = 0.5) -> torch.Tensor:
    """Darken an image."""
    return image * amount


# A script


def test_a_script_trains_with_its_components_as_by_hand(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, found = trained
    assert found["workers 0"]
    assert found["workers 2"], "loader processes that are forked have the components"
    error_rate = found["metrics"]["val/error_rate"]
    assert error_rate["last"] == pytest.approx(found["error_rate"])
    assert error_rate["best"] == error_rate["last"]
    assert (folder / "noted.txt").read_text() == "4 4 "
    assert "model: tiny, loss: focal" in found["plan"]


def test_a_run_notes_the_sources_of_the_session(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = trained
    written = json.loads((folder / "run-0" / "pipeline.json").read_text())
    assert (written["model"], written["loss"]) == ({"tiny": {"size": 8, "num_classes": 10}}, {"focal": {"gamma": 2.0}})
    used = json.loads((folder / "run-0" / "environment.json").read_text())["plugins"]
    names = ["dataset/pixels", "transform/darken", "model/tiny", "loss/focal", "metric/error_rate", "hook/noting"]
    assert used["this session"]["components"] == names
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in used["this session"]["sources"].values())
    assert used["this session"]["files"] == {}


def test_another_process_says_what_is_missing(
    trained: tuple[Path, dict[str, Any]], command: Callable[..., Ended], tmp_path: Path
) -> None:
    run = trained[0] / "run-0"
    for arguments in (("train", "--resume", run), ("eval", run), ("predict", run, tmp_path / "any.png")):
        ended = command(*arguments)
        assert ended.code == 5, arguments
        assert "The run used dataset/pixels, transform/darken, model/tiny, loss/focal," in ended.err
        assert "were registered in another session" in ended.err
        assert "Register them again with registry_core.register before this call" in ended.err
    registry_core.register("model/tiny", nn.Linear(1, 1))
    with pytest.raises(RunError, match=r"^The run used dataset/pixels, transform/darken, loss/focal, metric"):
        registry_core.resume(run)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        (".relu()", ".relu() * 1", "model/tiny of this session may have changed"),  # in a class that the model uses
        ("WIDTH = 16", "WIDTH = int('16')  # the same value", ""),
    ],
)
def test_a_resumed_run_is_exact_while_the_sources_are_the_same(
    old: str, new: str, said: str, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "copied"
    shutil.copytree(trained[0], folder)
    text = SCRIPT.read_text()
    assert old in text
    (tmp_path / "again.py").write_text(text.replace(old, new))
    found, printed = script(tmp_path / "again.py", folder, "resume")
    assert found == {"guarantee": "position" if said else "exact"}
    assert said in printed
    assert bool(printed) == bool(said)


# A notebook

NOTEBOOK = '''
import linecache, multiprocessing, sys, types

cells = sys.modules["__main__"] = types.ModuleType("__main__")  # as IPython has it: without a file


def run(text):
    name = f"<cell {len(linecache.cache)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), vars(cells))


def fails(text):
    try:
        run(text)
    except cells.registry_core.RegistryError as error:
        print(error)


FOCAL = """
@registry_core.register("loss/focal")
class Focal(nn.CrossEntropyLoss):
    def forward(self, output, target):
        return super().forward(output, target) * GAMMA
"""
run("import json, sys, torch, registry_core")
run("from torch import nn")
run("from pathlib import Path")
run("""
def pipeline(**data):
    written = {**json.loads(sys.argv[1]), "loss": "focal"}
    written["data"].update(data)
    Path("pipeline.json").write_text(json.dumps(written))
    return "pipeline.json"
""")
run("GAMMA = 0.5")
run(FOCAL)
run("spec = registry_core.load(pipeline(workers=2), ['train.max_steps=2'])")
run("first = registry_core.train(spec, 'run')")
run("print(registry_core.resume('run').summary['guarantee'])")
run(FOCAL)
run("print(registry_core.resume('run').summary['guarantee'])")
run(FOCAL.replace("* GAMMA", "* GAMMA * 2"))
run("print(registry_core.resume('run').summary['guarantee'])")
run(FOCAL)
run("GAMMA = 0.25")
run("print(registry_core.resume('run').summary['guarantee'])")
run("second = registry_core.train(spec, 'run-2')")
run("print(round(first.metrics['train/loss'] / second.metrics['train/loss'], 1) > 1.5)")

multiprocessing.set_start_method("spawn", force=True)
run("""
@registry_core.register("dataset/grey")
class Grey:
    def __len__(self): return 20
    def __getitem__(self, index): return torch.full((1, 8, 8), 0.5), index % 10

def make():
    class Local:
        def __call__(self, image): return image
    return Local

registry_core.register("transform/local", make())
def build(dataset, *transforms):
    train = {"dataset": dataset, "transforms": transforms}
    registry_core.train(registry_core.load(pipeline(workers=1, train=train)), "run-3")
""")
fails("build('grey')")
fails("build('digits', 'to_tensor', {'random_apply': {'transforms': ['local']}})")
'''


def test_a_notebook_has_its_components_and_may_change_them(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, "-W", "error", "-c", NOTEBOOK, json.dumps(PIPELINE)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    *lines, unguarded, local = done.stdout.splitlines()
    assert lines == ["exact", "exact", "position", "position", "True"]
    advice = "Define it at the top level of a module that this session imports, or set data.workers to 0."
    sent = "cannot be sent to a loader process (start method 'spawn'): it"
    assert unguarded == (
        f"The dataset 'grey' of this session {sent} is defined in a notebook or on the command line, "
        f"which that process cannot import. {advice}"
    )
    assert local.startswith(f"The transform 'local' of this session {sent} cannot be pickled (Can't")
    assert local.endswith(f"). {advice}")


# What is registered


def test_a_class_and_a_function_have_the_parameters_of_their_signatures() -> None:
    assert registry_core.register("loss/halved")(Halved) is Halved
    assert registry_core.register("transform/darken", darken) is darken
    loss = registries.losses["halved"](factor=0.25)
    output, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    expected = nn.functional.cross_entropy(output, target) / 4
    torch.testing.assert_close(loss.build()(output, target), expected)
    with pytest.raises(ValidationError, match="valid number"):
        registries.transforms["darken"](amount="much")
    assert registries.transforms["darken"](amount=0.25).build()(torch.tensor(2.0)) == 0.5
    registry_core.register("model/bare", type("Bare", (nn.Module,), {}))
    assert registries.models["bare"].summary() == "The model 'bare' of this session.", "not the docstring of its base"


def test_a_declaration_is_taken_as_it_is(pipeline: Callable[..., Path]) -> None:
    @registry_core.register("loss/declared")
    class Declared(Loss):
        """Declared here."""

        target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
        output_form: ClassVar[Any] = "log_probabilities"
        label_smoothing: float = 0.1

    spec = registry_core.load(pipeline(loss="declared")).spec
    assert type(spec.loss) is Declared
    assert spec.loss.label == "loss 'declared' of this session"
    assert Declared().name_in_file == "declared"
    assert "before the loss: log_softmax" in str(registry_core.plan(spec)), "its facts count"
    declared = registry_core.load(pipeline(loss={"declared": {"label_smoothing": 0.2}})).spec.loss
    assert declared.arguments() == {"label_smoothing": 0.2}


def test_a_function_and_a_partial_one_are_a_loss() -> None:
    def scaled(output: torch.Tensor, target: torch.Tensor, scale: float) -> torch.Tensor:
        return (output - target).mean() * scale

    registry_core.register("loss/scaled", scaled)
    registry_core.register("loss/tripled", partial(scaled, scale=3.0))
    one, zero = torch.ones(2), torch.zeros(2)
    assert registries.losses["scaled"](scale=2.0).build()(one, zero) == 2
    assert registries.losses["tripled"]().build()(one, zero) == 3
    with pytest.raises(ValidationError, match="scale"):
        registries.losses["scaled"]()


def test_parameters_may_have_names_that_components_use(pipeline: Callable[..., Path]) -> None:
    @registry_core.register("transform/odd")
    def odd(image: torch.Tensor, name: str, kind: tuple[int, int] = (1, 2), _hidden: int = 3) -> torch.Tensor:
        return image

    data = {"dataset": "digits", "transforms": ["to_tensor", {"odd": {"name": "x", "kind": [3, 4]}}]}
    (_, made) = registry_core.load(pipeline(data__train=data)).spec.data.train.transforms
    assert made.label == "transform 'odd' of this session"
    assert made.arguments() == {"name": "x", "kind": (3, 4), "_hidden": 3}


@pytest.mark.parametrize("kind", ["model", "loss", "layer", "metric", "transform", "dataset", "hook"])
def test_an_object_builds_to_itself(kind: str) -> None:
    things: dict[str, Any] = {
        "metric": torchmetrics.MeanSquaredError(),
        "dataset": TensorDataset(torch.zeros(7, 1, 8, 8), torch.zeros(7)),
        "transform": torch.nn.ReLU(),
        "hook": object(),
    }
    thing = things.get(kind, nn.Linear(2, 2))
    assert registry_core.register(f"{kind}/mine", thing) is thing
    declared: Any = registries.BY_KIND[kind]["mine"]
    built = declared().build(10) if kind == "metric" else declared().build()
    assert built is thing
    with pytest.raises(ValidationError, match="size"):
        declared(size=1)
    if kind == "dataset":
        assert declared().facts().length == 7
    if kind == "metric":
        assert declared.better == "lower", "as torchmetrics says"


def test_training_a_registered_model_trains_that_model(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    criterion = nn.CrossEntropyLoss(weight=torch.ones(10))
    registry_core.register("model/mine", net)
    registry_core.register("loss/mine", criterion)
    first = {name: value.clone() for name, value in net.state_dict().items()}

    def differing() -> list[str]:
        return [name for name, value in net.state_dict().items() if not torch.equal(value, first[name])]

    zeros = [{"modules": "Linear", "weight": "zeros"}]
    plan = registry_core.plan(registry_core.load(pipeline(model="mine", loss="mine", init=zeros)))
    for on_meta in (False, True):
        assert dry_run(plan, on_meta=on_meta).problems == []
    assert preview_of(plan).init["1.weight"] == "init[0]: zeros"
    assert differing() == [], "what only tries a pipeline works with copies"
    assert criterion.weight is not None
    assert criterion.weight.device.type == "cpu"
    assert not net._forward_hooks

    plan = registry_core.plan(registry_core.load(pipeline(model="mine", loss="mine")))
    result = registry_core.train(plan, tmp_path / "run")
    assert result.pipeline.model is net
    assert len(differing()) == len(first)

    with torch.no_grad():
        net[1].weight.fill_(7.0)
    measured = TrainedModel.open(tmp_path / "run").evaluate()
    assert measured["val/accuracy"] == pytest.approx(result.metrics["val/accuracy"])
    assert (net[1].weight == 7).all(), "an evaluation measures a copy with the weights of the checkpoint"


def test_registering_again_replaces(pipeline: Callable[..., Path]) -> None:
    path = pipeline(loss="mine")
    registry_core.register("loss/mine", nn.CrossEntropyLoss())
    loaded = registry_core.load(path)
    other = registry_core.register("loss/mine", nn.CrossEntropyLoss())
    assert loaded.spec.loss.build() is other, "what fits takes its place in pipelines that were loaded, too"
    registry_core.register("loss/mine", Halved)
    assert [record.name for record in installed().records if record.is_of_session] == ["mine"]
    assert registry_core.load(path).spec.loss.arguments() == {"factor": 0.5}
    assert registries.losses["mine"] is registries.losses["mine"]
    again = (
        "loss/mine was registered again, with other parameters, since the pipeline was loaded. Load the pipeline again."
    )
    with pytest.raises(BrokenComponent, match=again):
        loaded.spec.loss.build()
    loaded = registry_core.load(path)
    registry_core.register("loss/mine", nn.CrossEntropyLoss)
    with pytest.raises(BrokenComponent, match=again):
        loaded.spec.loss.build()
    registry_core.register("model/mine", nn.Linear(1, 1))
    assert len(registries.models["mine"].model_fields) == 0, "another kind is another component"


def test_a_name_that_a_distribution_has_is_a_conflict(pipeline: Callable[..., Path]) -> None:
    registry_core.register("loss/cross_entropy", Halved)
    with pytest.raises(NameConflict) as failed:
        registries.losses["cross_entropy"]
    assert str(failed.value).startswith(
        "The loss 'cross_entropy' is registered by registry-core 0.1.0 and this session. "
        "Write 'registry-core:cross_entropy' or 'this session:cross_entropy', or "
    )
    for chosen in (
        pipeline(loss="this session:cross_entropy"),
        pipeline(loss={"this session:cross_entropy": {"factor": 0.5}}),
        pipeline(loss="cross_entropy", prefer={"loss/cross_entropy": "this session"}),
    ):
        assert registry_core.load(chosen).spec.loss.label == "loss 'cross_entropy' of this session"


class Watching:
    """A hook without a declaration."""

    @hookimpl
    def run_started(self) -> None: ...


@pytest.mark.parametrize(
    ("name", "thing", "message"),
    [
        (
            Halved,
            None,
            "The name of a component must be a string, not a class. Pass the name first: @registry_core.register(",
        ),
        ("halved", Halved, "'halved' is not of the form kind/name. Write it as in 'loss/halved'."),
        ("loss", Halved, "'loss' is not of the form kind/name. Write it as in 'loss/my_loss'."),
        ("losss/halved", Halved, "The kind 'losss' in 'losss/halved' is unknown. Did you mean 'loss'?"),
        ("loss/HalvedLoss", Halved, "'HalvedLoss' is not a snake_case name. Write 'loss/halved_loss'."),
        ("loss/2", Halved, "'2' is not a snake_case name. Begin it with a lower-case letter."),
        (
            "loss/x",
            3,
            "The loss 'x' cannot be registered. Expected a torch.nn.Module, found an object of the class int.",
        ),
        ("loss/x", None, "Expected a torch.nn.Module, found an object of the class NoneType."),
        ("loss/x", torchmetrics.MeanMetric, ""),
        (
            "loss/x",
            Watching,
            "The class Watching does not derive from torch.nn.Module. Derive it from torch.nn.Module.",
        ),
        ("loss/x", nn.CrossEntropyLoss(), ""),
        ("metric/x", nn.Linear(1, 1), "Expected a torchmetrics.Metric, found an object of the class Linear."),
        ("metric/x", nn.Linear, "The class Linear does not derive from torchmetrics.Metric."),
        ("dataset/x", [1, 2], ""),
        ("dataset/x", {1, 2}, "The class set has no __getitem__. Define __getitem__."),
        (
            "dataset/x",
            Watching,
            "The class Watching has no __len__ and no __getitem__. Define __len__ and __getitem__.",
        ),
        ("transform/x", Watching, "The class Watching has no __call__. Define __call__."),
        ("transform/x", "darken", "The class str has no __call__."),
        ("optimizer/x", nn.Linear(1, 1), "An object cannot be an optimizer: every run builds a new one for the"),
        ("scheduler/x", nn.Linear(1, 1), "An object cannot be a scheduler: every run builds a new one for its"),
        ("sampler/x", darken, ""),
        ("sampler/x", nn.Linear(1, 1), "Register a class, or a function that builds it."),
        ("init/x", nn.Linear, "A call of the class Linear only creates an object. Register a function"),
        ("hook/x", Watching, ""),
        ("hook/x", Loss, "Loss is declared as a loss. Derive it from Hook."),
        ("loss/x", Hook, "Hook is declared as a hook. Derive it from Loss."),
    ],
)
def test_wrong_use_is_one_sentence_and_what_to_do(name: Any, thing: Any, message: str) -> None:
    if not message:
        registry_core.register(name, thing)
        return
    with pytest.raises(BrokenComponent) as failed:
        registry_core.register(name, thing)
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)
    assert not [record for record in installed().records if record.is_of_session]


def test_a_component_with_its_parameters_is_no_object() -> None:
    with pytest.raises(BrokenComponent, match=r"It is the loss 'l1' of registry-core 0.1.0 with its parameters."):
        registry_core.register("loss/x", registries.losses["l1"]())


def test_the_example_of_the_documentation_trains(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    _, page = (ROOT / "docs" / "api.md").read_text().split("## Components of the session")
    code, written = (re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1] for language in ("python", "yaml"))
    exec(code, {"__name__": __name__})
    data = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor", "darken"]}
    path = pipeline(**yaml.safe_load(written), data__train=data, train__max_steps=2)
    assert registry_core.train(registry_core.load(path), tmp_path / "run").position.step == 2


# Where components are shown


def test_commands_show_the_session(command: Callable[..., Ended]) -> None:
    registry_core.register("loss/halved", Halved)
    registry_core.register("model/mine", nn.Linear(1, 1))
    listed = command("list", "--dist", "this session").out.splitlines()
    assert [re.split("  +", line) for line in listed] == [
        ["loss/halved", "this session", "Half of the cross entropy."],
        ["model/mine", "this session", "An object of the class Linear."],
    ]
    shown = command("show", "loss/halved").out
    line = Path(__file__).read_text().splitlines().index("class Halved(nn.CrossEntropyLoss):") + 1
    assert shown.startswith(f"loss/halved  (this session, {__name__}:Halved)\nwritten in {__file__}:{line}\n\nHalf of")
    assert "factor  number  default 0.5" in shown
    assert "loss/halved" in command("search", "halved").out
    assert "factor" in command("search", "factor", "--kind", "loss").out
    schema = json.loads(command("schema", "loss/halved").out)
    assert schema["$defs"]["loss.halved"]["properties"].keys() == {"factor"}
    whole = Draft7Validator(json.loads(command("schema").out))
    for loss in ("halved", {"halved": {"factor": 0.1}}, "this session:halved"):
        assert whole.is_valid(changed(loss=loss))
    assert not whole.is_valid(changed(loss={"halved": {"factor": "0.1"}}))
    assert [line.split()[:3] for line in command("plugins").out.splitlines()][-1] == ["this", "session", "2"]
    assert command("doctor", "loss/halved").out.startswith("this session: 1 component, all in order")


# Python specs, and what a run notes


def spec_in_python(**changes: Any) -> Spec:
    parts = {
        "data": Data(
            train=DataSection(
                dataset=registries.datasets["digits"](split="val"), transforms=(registries.transforms["to_tensor"](),)
            )
        ),
        "model": registries.models["mlp"](size=8, hidden=(16,), num_classes=10),
        "loss": registries.losses["cross_entropy"](),
        "optim": Optim(optimizer=registries.optimizers["sgd"](lr=0.1)),
        "train": Train(max_steps=2),
    }
    return Spec(version=1, **{**parts, **changes})


def test_specs_made_in_python_are_written_by_name(tmp_path: Path) -> None:
    registry_core.register("loss/l1", Halved)
    spec = spec_in_python(loss=registries.losses["this session:l1"](factor=0.25))
    run = registry_core.train(spec, tmp_path / "run").directory
    written = json.loads((run / "pipeline.json").read_text())
    assert written["loss"] == {"this session:l1": {"factor": 0.25}}
    assert written["data"]["train"]["dataset"] == {"digits": {"split": "val"}}
    assert set(json.loads((run / "environment.json").read_text())["plugins"]) == {"registry-core", "this session"}
    assert registry_core.resume(run).summary["guarantee"] == "exact"


def test_a_module_may_take_the_place_of_a_session(
    pipeline: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_core.register("loss/mine", Halved)
    run = registry_core.train(registry_core.load(pipeline(loss="mine")), tmp_path / "run").directory
    monkeypatch.setattr("registry_core.catalog.session._components", {})
    refresh()
    assert command("eval", run).code == 5
    (tmp_path / "my_mine.py").write_text("from test_register import Halved\nREGISTRY_CORE = {'loss/mine': Halved}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert command("eval", run, "-p", "my_mine").code == 0
    assert "loss/mine of this session may have changed" in command("train", "--resume", run, "-p", "my_mine").err


def test_what_became_a_package_is_no_longer_missing() -> None:
    used = {"this session": {"version": "", "components": ["loss/l1"], "files": {}, "sources": {"loss/l1": "0"}}}
    require_plugins(used)  # registry-core has it
    assert changed_in_session(used, {}) == ["loss/l1"], "which is not known to be the same"
    used["this session"]["sources"] = {"hook/mine": "0"}
    assert changed_in_session(used, {}) == [], "hooks may come and go"


def test_what_has_no_source_is_never_exact(capsys: pytest.CaptureFixture[str]) -> None:
    registry_core.register("model/mine", nn.Linear(64, 10))
    here = {
        "environment": dict.fromkeys(DECISIVE, ""),
        "plugins": plugins(spec_in_python(model=registries.models["mine"]())),
    }
    assert here["plugins"]["this session"]["sources"] == {"model/mine": None}
    assert guarantee(here, here) == "position"
    assert "model/mine of this session may have changed" in capsys.readouterr().err


NOT_PLAIN = object()


def reads_an_object(image: Any) -> Any:
    return NOT_PLAIN or image


def reads_another(image: Any) -> Any:
    return [darken(each) for each in image]


def test_the_hash_of_a_source_is_that_of_all_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(thing: Any) -> str | None:
        registry_core.register("transform/any", thing)
        return session_digest(registries.transforms["any"]())

    around = 1

    def reads_around(image: Any) -> Any:
        return image * around

    assert digest(darken) == digest(darken)
    assert digest(darken) != digest(reads_another)
    before = digest(reads_another)
    monkeypatch.setattr(sys.modules[__name__], "darken", reads_an_object)
    assert digest(reads_another) is None
    monkeypatch.setattr(sys.modules[__name__], "NOT_PLAIN", [1, {"a": (2.0, None)}])
    assert digest(reads_another) not in (None, before)
    assert digest(reads_around) is None
    assert digest(eval("lambda image: image")) is None
    assert digest(partial(darken, amount=1.0)) is None
