"""What hooks are told and may look at, that none of it changes a result, and what is found wrong before a run."""

from __future__ import annotations

import json
import random
import sys
import wave
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import registry_core
from registry_core.assembly.pipeline import assemble
from registry_core.components import Hook, hookimpl
from registry_core.diagnostics import InvalidParameters
from registry_core.engine.api import _made_with
from registry_core.engine.record import RunDirectory
from registry_core.engine.signals import StopRequest
from registry_core.engine.training import Training
from registry_core.planning.make import make_plan

BATCH_NORM_AND_DROPOUT = {
    "sequential": {
        "input": [1, 8, 8],
        "layers": [
            {"conv2d": {"name": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1}},
            {"batch_norm2d": {"name": "norm"}},
            "relu",
            {"dropout": {"p": 0.3}},
            {"flatten": {"name": "flat"}},
            {"linear": {"name": "fc", "out_features": 10}},
        ],
    }
}
"""A model that is easily disturbed: an evaluation in training mode would move its means and draw random numbers."""

DRAWING = [
    {"tensorboard": {"charts": {"loss": ["train/loss", "val/loss"]}, "export": True}},
    {"tensorboard_histograms": {"every": "1 step"}},
    "tensorboard_graph",
    {"tensorboard_embedding": {"count": 30, "every": "2 steps"}},
    {"tensorboard_images": {"every": "1 step"}},
    "tensorboard_video",
    {"tensorboard_kernels": {"every": "1 step"}},
    {"tensorboard_feature_maps": {"layer": "conv", "every": "1 step"}},
    "tensorboard_confusion_matrix",
    {"tensorboard_pr_curve": {"raw": True}},
    "tensorboard_mesh",
]

AUGMENTED = {
    "dataset": {"digits": {"split": "val"}},
    "transforms": [{"random_crop": {"size": 8, "padding": 1}}, "to_tensor"],
}


@pytest.mark.parametrize(
    "train", [{}, {"ema": {"decay": 0.5}, "accumulate": 2, "clip": {"norm": 0.5}}], ids=["plain", "ema"]
)
def test_no_drawing_changes_a_bit(pipeline: Callable[..., Path], tmp_path: Path, train: dict[str, Any]) -> None:
    """All hooks at once: same weights, means of batch normalisation, metrics, and states of random generators."""
    runs = []
    for name, hooks in (("without", []), ("with", DRAWING)):
        path = pipeline(
            name=name,
            model=BATCH_NORM_AND_DROPOUT,
            data__train=AUGMENTED,
            train={"epochs": 2, "device": "cpu", "evaluate_every": "4 steps", **train},
            optim={"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": True}}},
            hooks=hooks,
        )
        result = registry_core.train(registry_core.load(path), tmp_path / name)
        assert result.summary["hook_errors"] == []
        runs.append(result)
    plain, drawn = (sorted((run.directory / "checkpoints").glob("step-*"))[-1] for run in runs)
    weights = [path.relative_to(plain) for path in plain.rglob("*.safetensors")]
    assert weights
    for file in weights:
        if file.name != "state.safetensors":
            assert (plain / file).read_bytes() == (drawn / file).read_bytes(), file
    rows = [(run.directory / "metrics.jsonl").read_text() for run in runs]
    assert rows[0] == rows[1]
    parts = [registry_core.engine.checkpoint.store.load_checkpoint(path) for path in (plain, drawn)]
    same(parts[0].state["torch"], parts[1].state["torch"])


def same(one: Any, other: Any) -> None:
    """Compare states of tensors and plain data bit by bit."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert set(one) == set(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            same(left, right)
    else:
        assert one == other


class Watching:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.run: Any = None
        self.events: list[tuple[str, Any]] = []
        self.gradients: list[list[torch.Tensor]] = []
        self.evaluated: list[Any] = []

    @hookimpl
    def run_started(self, run: Any) -> None:
        self.run = run

    @hookimpl
    def gradients_ready(self, position: Any) -> None:
        self.events.append(("gradients", position))
        self.gradients.append([parameter.grad.clone() for parameter in self.run.model.parameters()])

    @hookimpl
    def step_ended(self, step: Any) -> None:
        self.events.append(("step", step.position))

    @hookimpl
    def batch_evaluated(self, values: Any) -> None:
        self.events.append(("batch", None))
        self.evaluated.append(dict(values))


def trained(path: Path, out: Path, *hooks: object) -> Training:
    """A run of a pipeline with hooks that are objects of this test."""
    plan = replace(make_plan(registry_core.load(path)), hooks=tuple(Hook() for _ in hooks))
    built = assemble(replace(plan, hooks=()))
    built.plan = plan
    built.hooks = [(f"hook {number}", hook) for number, hook in enumerate(hooks)]
    out.mkdir()
    directory = RunDirectory.create(out, plan.spec, built.device, {})
    training = Training(built, directory, StopRequest(), _made_with(built))
    training.run()
    assert training.hooks.errors == []
    return training


def test_gradients_are_told_before_each_step_as_it_takes_them(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """Accumulated and clipped; the position is that which the step leads to."""
    watching = Watching()
    path = pipeline(
        data__val=None,
        metrics=[],
        optim={"optimizer": {"sgd": {"lr": 0.5}}},
        train={"epochs": 2, "device": "cpu", "accumulate": 4, "clip": {"norm": 0.01}},
    )
    before: list[Any] = []

    class Weights(Watching):
        @hookimpl
        def step_ended(self, step: Any) -> None:
            before.append([parameter.detach().clone() for parameter in self.run.model.parameters()])

    trained(path, tmp_path / "run", watching, Weights())
    kinds = [kind for kind, _ in watching.events]
    assert kinds == ["gradients", "step"] * 4
    positions = [position for _, position in watching.events]
    assert positions[::2] == positions[1::2]
    assert [(p.epoch, p.batch, p.step) for p in positions[::2]] == [(0, 4, 1), (1, 0, 2), (1, 4, 3), (2, 0, 4)]
    for gradients in watching.gradients:
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        assert norm.item() == pytest.approx(0.01, rel=1e-3)
    for number in range(1, 4):
        for old, new, gradient in zip(before[number - 1], before[number], watching.gradients[number], strict=True):
            torch.testing.assert_close(new, old - 0.5 * gradient)


def test_an_evaluation_tells_its_batches_with_what_the_model_gave(
    pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    watching = Watching()
    training = trained(pipeline(train={"epochs": 1, "device": "cpu"}), tmp_path / "run", watching)
    images, labels = load_digits(return_X_y=True)
    assert [kind for kind, _ in watching.events[-6:]] == ["batch"] * 6
    targets = torch.cat([values["target"] for values in watching.evaluated])
    assert targets.tolist() == labels[4::5].tolist()
    given = torch.cat([values["output"] for values in watching.evaluated])
    assert not given.requires_grad
    pixels = torch.tensor((images[4::5] * 255 // 16) / 255, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(given, training.pipeline.model(pixels.view(-1, 1, 8, 8)))


def test_events_without_listeners_are_not_told(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry_core.engine.hooks import Hooks

    told: list[str] = []
    tell = Hooks.tell
    monkeypatch.setattr(Hooks, "tell", lambda self, event, **values: (told.append(event), tell(self, event, **values)))
    registry_core.train(registry_core.load(pipeline()), tmp_path / "run")
    saving = {"checkpoint_saving", "checkpoint_saved"}
    assert set(told) == {"run_started", "metrics_measured", *saving, "run_ended"}


def test_what_a_run_lets_its_hooks_see(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    watching = Watching()
    path = pipeline(model=BATCH_NORM_AND_DROPOUT, data__train=AUGMENTED, train={"epochs": 1, "device": "cpu"})
    training = trained(path, tmp_path / "run", watching)
    run = watching.run
    assert run.pipeline == json.loads((tmp_path / "run" / "pipeline.json").read_text())
    assert run.class_names == tuple("0123456789")
    assert (run.output_form, run.model) == ("logits", training.pipeline.model)
    assert {name: len(samples) for name, samples in run.samples.items()} == {"train": 359, "val": 359}
    twice = [run.samples["train"].sample(3, epoch)["input"] for epoch in (0, 0, 1, 2, 3)]
    assert torch.equal(twice[0], twice[1])
    assert any(not torch.equal(twice[0], other) for other in twice[2:])

    run.model.train()
    run.model.norm.eval()  # as a frozen part may be
    batch = run.samples["val"].batch([0, 1, 2], 0)
    outputs, features = run.view.predict(batch, ["conv", "flat"])
    assert [module.training for module in run.model] == [True, False, True, True, True, True]
    assert features["conv"].shape == (3, 4, 8, 8)
    torch.testing.assert_close(run.model.fc(features["flat"]), outputs["output"])
    torch.testing.assert_close(run.model.eval()(batch["input"]), outputs["output"])
    with pytest.raises(KeyError, match="absent"):
        run.view.predict(batch, ["absent"])
    assert not any(module._forward_hooks for module in run.model.modules())


NOISY = """
import random
import numpy as np
import torch
from registry_builtin.objects.digits import Digits
from registry_core.components import Transform

class Noisy(Digits):
    def __getitem__(self, index):
        torch.rand(1), np.random.rand(), random.random()
        return super().__getitem__(index)

def noisy(split: str = "val"):
    return Noisy(split)

class Inverted(Transform):
    "Black for white."
    unit = "batch"
    target = "acme_noisy:Invert"

class Invert:
    def __call__(self, batch):
        return {**batch, "input": 1 - batch["input"]}
"""


def test_looking_puts_random_generators_back(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path
) -> None:
    """Also where the data set itself draws numbers; and batches are what the transforms of batches make of them."""
    points = "[registry_core.v1.datasets]\nnoisy = acme_noisy:noisy\n[registry_core.v1.transforms]\n"
    distribution("acme", f"{points}inverted = acme_noisy:Inverted\n", modules={"acme_noisy": NOISY})
    watching = Watching()
    section = {"dataset": "noisy", "transforms": ["to_tensor"], "batch_transforms": ["inverted"]}
    path = pipeline(data__train=section, metrics=[], train={"epochs": 1, "device": "cpu"})
    trained(path, tmp_path / "run", watching)
    samples, view = watching.run.samples["train"], watching.run.view

    def state() -> tuple[Any, ...]:
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()

    before = state()
    one, batch = samples.sample(0, 0), samples.batch([0, 1], 0)
    with view.undisturbed():
        assert torch.rand(1) + np.random.rand() + random.random() > 0
        assert state() != before
    assert state() == before
    torch.testing.assert_close(batch["input"][0], 1 - one["input"].as_subclass(torch.Tensor))


def test_averaged_weights_are_what_is_looked_at(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    watching = Watching()
    path = pipeline(train={"epochs": 1, "device": "cpu", "ema": {"decay": 0.9}})
    training = trained(path, tmp_path / "run", watching)
    batch = watching.run.samples["val"].batch([0], 0)
    outputs, _ = watching.run.view.predict(batch)
    averaged = training.pipeline.averaged
    assert averaged is not None
    with torch.no_grad():
        assert torch.equal(outputs["output"], averaged.module(batch["input"]))
        assert not torch.equal(outputs["output"], training.pipeline.model(batch["input"]))


@pytest.mark.parametrize(
    ("hook", "module"),
    [
        ("tensorboard_graph", "tensorboard"),
        ("tensorboard_confusion_matrix", "matplotlib"),
        ("tensorboard_audio", "soundfile"),
    ],
)
def test_what_is_not_installed_is_said_before_the_run(
    command: Callable[..., Ended],
    pipeline: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    hook: str,
    module: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # what Python itself takes for absent
    path = pipeline(hooks=["progress", hook])
    column = path.read_text().index(f'"{hook}"') + 1
    ended = command("validate", path)
    expected = f"{path}:1:{column}: hooks[1]: The hook {hook!r} needs {module}, which is not installed."
    assert f"{expected} Run: pip install 'registry-core[tensorboard]'" in ended.err
    assert ended.code == 2
    monkeypatch.undo()
    assert "needs" not in command("validate", path).err


def test_any_component_may_need_a_package(
    command: Callable[..., Ended], pipeline: Callable[..., Path], distribution: Callable[..., Path]
) -> None:
    """Also one inside of another."""
    code = (
        "from registry_core.components import Loss\n"
        "class Odd(Loss):\n    'Odd.'\n    requirements = {'absent_one': 'acme[odd]', 'json': 'json'}\n"
    )
    distribution("acme", "[registry_core.v1.losses]\nodd = acme_odd:Odd\n", modules={"acme_odd": code})
    ended = command("validate", pipeline(metrics=[{"mean_loss": {"loss": "odd"}}]))
    assert "metrics[0].mean_loss.loss: The loss 'odd' needs absent_one, which is not installed." in ended.err
    assert "Run: pip install 'acme[odd]'" in ended.err
    assert "Needs: acme[odd], json" in command("show", "loss/odd").out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hooks": [{"tensorboard": {"charts": {"loss": ["val/los"]}}}]}, "Did you mean 'val/loss'?"),
        ({"hooks": [{"tensorboard": {"charts": {"a/b": ["lr"]}}}]}, "Change the title."),
        ({"hooks": [{"tensorboard": {"charts": {"a": []}}}]}, "must have at least 1 item"),
        ({"hooks": [{"tensorboard_images": {"section": "test"}}]}, "data.test, which this pipeline does not have"),
        ({"hooks": [{"tensorboard_mesh": {"index": 359}}]}, "shows sample 359, but data.val has 359 samples"),
        ({"hooks": ["tensorboard_boxes"]}, "shows the entry 'boxes', which data.val does not have"),
        ({"hooks": ["tensorboard_audio"]}, "shows the entry 'audio', which data.val does not have"),
        ({"hooks": ["tensorboard_feature_maps"]}, "needs the parameter 'layer'"),
        (
            {"hooks": ["tensorboard_pr_curve"], "train": {"evaluate_every": None}},
            "requires evaluations, but this run has none",
        ),
    ],
)
def test_mistakes_are_found_before_the_run(
    command: Callable[..., Ended], pipeline: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    ended = command("validate", pipeline(**changes))
    assert ended.code == 2
    assert "hooks[0]" in ended.err
    assert message in ended.err


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ({"tensorboard_feature_maps": {"layer": "conv1"}}, "names the layer 'conv1', which the model does not have"),
        ({"tensorboard_embedding": {"layer": "fc"}}, "names the layer 'fc', which the model does not have"),
        ("tensorboard_kernels", "requires a 2D convolution, but the model has none"),
    ],
)
def test_layers_are_looked_for_before_the_first_step(
    pipeline: Callable[..., Path], tmp_path: Path, hook: Any, message: str
) -> None:
    with pytest.raises(InvalidParameters, match=message):
        registry_core.train(registry_core.load(pipeline(hooks=[hook])), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_hook_that_cannot_draw_ends_no_run(
    pipeline: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A linear layer gives no maps: the run goes on, and says so once."""
    hooks = [{"tensorboard_feature_maps": {"layer": "1"}}, "tensorboard"]
    result = registry_core.train(registry_core.load(pipeline(hooks=hooks)), tmp_path / "run")
    assert result.reason == "All steps are done."
    assert len(result.summary["hook_errors"]) == 2  # at the start, and after the epoch
    assert "the layer '1' returns [1, 16], not [1, channels, height, width]" in capsys.readouterr().err
    assert EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload().Scalars("val/loss")


SOUNDS = '''
import wave
import numpy as np
from registry_builtin.objects.digits import Digits
from registry_core.components import DataFacts, Dataset

class Sounds(Dataset):
    """Digits, each with the sound in a WAV file."""
    target = "acme_sounds:Read"
    path: str
    def facts(self): return DataFacts(20, None, 10)

class Read:
    def __init__(self, path):
        self.digits = Digits("val")
        with wave.open(path) as file:
            self.rate = file.getframerate()
            values = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        self.sound = (values.T / 32768).astype(np.float32)
    def __len__(self): return 20
    def __getitem__(self, index): return {**self.digits[index], "audio": self.sound, "sample_rate": self.rate}
'''


@pytest.mark.covers("hook/tensorboard_audio", reference="TensorBoard's reader, and wave of the standard library")
def test_sound_is_what_the_file_has(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path
) -> None:
    """Two channels from the pixels of digits, row by row, as if they were a wave."""
    images, _ = load_digits(return_X_y=True)
    values = ((images[:64].reshape(-1, 2) / 16 - 0.5) * 60000).astype("<i2")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((2, 2, 8000, len(values), "NONE", ""))
        file.writeframes(values.tobytes())
    distribution("acme", "[registry_core.v1.datasets]\nsounds = acme_sounds:Sounds\n", modules={"acme_sounds": SOUNDS})
    section = {"dataset": {"sounds": {"path": str(tmp_path / "sound.wav")}}, "transforms": ["to_tensor"]}
    path = pipeline(data__train=section, data__val=section, hooks=[{"tensorboard_audio": {"count": 2}}])
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert result.summary["hook_errors"] == []
    reader = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert set(reader.Tags()["audio"]) == {"audio/val/0", "audio/val/1"}
    (event,) = reader.Audio("audio/val/1")
    assert (event.sample_rate, event.length_frames, event.content_type, event.step) == (
        8000,
        len(values),
        "audio/wav",
        0,
    )
    with wave.open(BytesIO(event.encoded_audio_string)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    np.testing.assert_allclose(found, values, atol=1)
