"""What the hooks for TensorBoard write, as TensorBoard's own reader finds it in the files of real runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT
from google.protobuf import text_format
from PIL import Image
from registry_builtin.objects.tensorboard_evaluation import matrix_figure
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix, precision_score, recall_score
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.mesh import plugin_data_pb2 as mesh_data_pb2
from tensorboard.plugins.projector import projector_config_pb2
from tensorboard.util.tensor_util import make_ndarray
from torch.nn import functional as F

import registry_core

PIPELINES = ROOT / "tests" / "pipelines" / "hooks"
READER = "TensorBoard's reader"
STEPS = 12


def read(folder: Path) -> EventAccumulator:
    """All that TensorBoard's reader finds in a folder, with nothing left out."""
    return EventAccumulator(str(folder), dict.fromkeys(("images", "tensors", "histograms", "audio"), 0)).Reload()


def as_pages_do(folder: Path) -> dict[str, list[tuple[int, bytes]]]:
    """Steps and content of all tags as the pages of TensorBoard get them, after its purge of what was written twice."""
    reader = plugin_event_accumulator.EventAccumulator(str(folder), {"tensors": 0}).Reload()
    return {
        tag: [(event.step, event.tensor_proto.SerializeToString()) for event in reader.Tensors(tag)]
        for tag in reader.Tags()["tensors"]
    }


def tensors(reader: EventAccumulator, tag: str) -> list[Any]:
    return [make_ndarray(event.tensor_proto) for event in reader.Tensors(tag)]


def pixels(encoded: bytes) -> Any:
    return np.asarray(Image.open(BytesIO(encoded)))


def tiles(picture: Any, side: int, columns: int, count: int) -> list[Any]:
    """The tiles of a grid whose gaps are 2 pixels wide."""
    step = side + 2
    corners = [(2 + step * (n // columns), 2 + step * (n % columns)) for n in range(count)]
    return [picture[y : y + side, x : x + side] for y, x in corners]


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    """The validation images [359, 8, 8] of uint8 and their labels, from scikit-learn's own copy."""
    images, labels = load_digits(return_X_y=True)
    return (images[4::5].reshape(-1, 8, 8) * 255 // 16).astype(np.uint8), labels[4::5]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One run with everything that single digits allow."""
    torch.set_num_threads(1)
    found = registry_core.train(
        registry_core.load(PIPELINES / "tensorboard.yaml"), tmp_path_factory.mktemp("board") / "run"
    )
    assert found.summary["hook_errors"] == []
    return found


@pytest.fixture(scope="module")
def reader(result: Any) -> EventAccumulator:
    return read(result.directory / "tensorboard")


@pytest.fixture(scope="module")
def outputs(result: Any, digits: tuple[Any, Any]) -> torch.Tensor:
    """The logits of the trained model for all validation images, made by hand."""
    with torch.no_grad():
        logits: torch.Tensor = result.pipeline.model.eval()(normalized(digits[0]))
    return logits


def normalized(images: Any) -> torch.Tensor:
    return ((torch.tensor(images).float() / 255 - 0.3) / 0.35)[:, None]


@pytest.mark.covers("hook/tensorboard", reference=READER)
def test_scalars_are_the_rows_of_metrics(result: Any, reader: EventAccumulator) -> None:
    """Every metric, and the learning rate of each group."""
    rows = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    assert set(reader.Tags()["scalars"]) == {"train/loss", "val/loss", "val/accuracy", "lr", "lr/1"}
    for tag in reader.Tags()["scalars"]:
        expected = [(row["step"], row[tag]) for row in rows if tag in row]
        found = [(event.step, event.value) for event in reader.Scalars(tag)]
        assert found == [(step, pytest.approx(value)) for step, value in expected]
    assert {event.value for event in reader.Scalars("lr/1")} == {np.float32(0.1)}


@pytest.mark.covers("hook/tensorboard", reference=READER)
def test_a_chart_has_several_scalars(result: Any, reader: EventAccumulator) -> None:
    for chart, lines in {"loss": ["train/loss", "val/loss"], "rates": ["lr", "lr/1"]}.items():
        for name in lines:
            line = read(result.directory / "tensorboard" / chart / name.replace("/", "_"))
            found = [(event.step, event.value) for event in line.Scalars(chart)]
            assert found == [(event.step, event.value) for event in reader.Scalars(name)]


@pytest.mark.covers("hook/tensorboard", reference=READER)
def test_the_text_is_the_resolved_pipeline(result: Any, reader: EventAccumulator) -> None:
    (text,) = tensors(reader, "pipeline/text_summary")[0]
    lines = text.decode().splitlines()
    assert all(line.startswith("    ") for line in lines)  # code, for markdown
    data = yaml.safe_load("\n".join(line[4:] for line in lines))
    assert data == json.loads((result.directory / "pipeline.json").read_text())


@pytest.mark.covers("hook/tensorboard", reference=READER)
def test_hyperparameters_can_be_compared(reader: EventAccumulator) -> None:
    def content(tag: str) -> Any:
        metadata = reader.SummaryMetadata(f"_hparams_/{tag}")
        assert metadata.plugin_data.plugin_name == "hparams"
        return plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)

    values = content("session_start_info").session_start_info.hparams
    assert values["optim.optimizer.sgd.lr"].number_value == 0.2
    assert values["model.net.padding"].number_value == 2
    assert values["loss.cross_entropy.reduction"].string_value == "mean"
    assert values["train.deterministic"].bool_value is True
    assert not [name for name in values if name.startswith(("hooks", "data.train.dataset", "version"))]
    experiment = content("experiment").experiment
    assert {info.name for info in experiment.hparam_infos} == set(values)
    metrics = {info.name.tag for info in experiment.metric_infos}
    assert metrics == {"train/loss", "val/loss", "val/accuracy"}
    assert metrics <= set(reader.Tags()["scalars"])
    assert content("session_end_info").HasField("session_end_info")


@pytest.mark.covers("hook/tensorboard", reference=READER)
def test_all_scalars_are_exported(result: Any, reader: EventAccumulator) -> None:
    exported = json.loads((result.directory / "scalars.json").read_text())
    assert set(exported) == set(reader.Tags()["scalars"])
    for tag, points in exported.items():
        found = [(event.wall_time, event.step, event.value) for event in reader.Scalars(tag)]
        assert found == [(at, step, pytest.approx(value)) for at, step, value in points]


@pytest.mark.covers("hook/tensorboard_histograms", reference=READER)
def test_histograms_of_weights(result: Any, reader: EventAccumulator) -> None:
    for name, parameter in result.pipeline.model.named_parameters():
        events = reader.Histograms(f"weights/{name}")
        assert [event.step for event in events] == list(range(STEPS + 1))
        last, values = events[-1].histogram_value, parameter.detach().double()
        assert last.num == values.numel() == sum(last.bucket)
        assert (last.min, last.max) == (values.min().item(), values.max().item())
        assert last.sum == pytest.approx(values.sum().item())
        assert last.sum_squares == pytest.approx(values.square().sum().item())
        below = sum(count for limit, count in zip(last.bucket_limit, last.bucket, strict=True) if limit <= 0)
        assert below == (values < 0).sum()


@pytest.mark.covers("hook/tensorboard_histograms", reference="the update of SGD, w - lr * gradient")
def test_histograms_of_gradients(result: Any, reader: EventAccumulator) -> None:
    for name, parameter in result.pipeline.model.named_parameters():
        weights = [event.histogram_value.sum for event in reader.Histograms(f"weights/{name}")]
        events = reader.Histograms(f"gradients/{name}")
        assert [event.step for event in events] == list(range(1, STEPS + 1))
        rate = 0.1 if name.startswith("fc3") else 0.2
        for before, after, event in zip(weights, weights[1:], events, strict=False):
            gradient = event.histogram_value
            assert gradient.num == parameter.numel()
            assert after - before == pytest.approx(-rate * gradient.sum, rel=1e-3, abs=1e-5)
        assert max(abs(event.histogram_value.max) for event in events) > 0


@pytest.mark.covers("hook/tensorboard_graph", reference=READER)
def test_the_graph_has_the_operations_of_the_model(reader: EventAccumulator) -> None:
    graph = reader.Graph()
    assert isinstance(graph, GraphDef)
    nodes = [(node.op, node.name) for node in graph.node]
    assert sum(op == "aten::_convolution" for op, _ in nodes) == 2
    assert sum(op == "aten::linear" for op, _ in nodes) == 3
    for layer in ("Conv2d[conv1]", "MaxPool2d[pool2]", "Linear[fc3]"):
        assert any(layer in name for _, name in nodes), layer


@pytest.mark.covers("hook/tensorboard_embedding", reference="the projector's own config, and the model called by hand")
def test_embeddings_have_points_labels_and_thumbnails(
    result: Any, digits: tuple[Any, Any], outputs: torch.Tensor
) -> None:
    folder = result.directory / "tensorboard"
    config = projector_config_pb2.ProjectorConfig()
    text_format.Parse((folder / "projector_config.pbtxt").read_text(), config)
    assert [one.tensor_name for one in config.embeddings] == ["output:00000", "output:00006", "output:00012"]
    last = config.embeddings[-1]
    points = np.loadtxt(folder / last.tensor_path, delimiter="\t")
    np.testing.assert_allclose(points, outputs[:20], atol=1e-5)
    assert (folder / last.metadata_path).read_text().split() == [str(label) for label in digits[1][:20]]
    side = last.sprite.single_image_dim[0]
    sprite = np.asarray(Image.open(folder / last.sprite.image_path))
    per_row = sprite.shape[1] // side
    for number, image in enumerate(digits[0][:20]):
        y, x = side * (number // per_row), side * (number % per_row)
        np.testing.assert_allclose(sprite[y : y + side, x : x + side, 0], image, atol=1)


@pytest.mark.covers("hook/tensorboard_images", reference=READER)
def test_images_are_what_they_were_before_normalize(reader: EventAccumulator, digits: tuple[Any, Any]) -> None:
    events = reader.Images("images/val")
    assert [event.step for event in events] == [0, 6, 12]
    picture = pixels(events[-1].encoded_image_string)
    assert picture.shape == (3 * 66 + 2, 3 * 66 + 2, 3)
    for tile, image in zip(tiles(picture, 64, 3, 9), digits[0], strict=False):
        for channel in range(3):
            np.testing.assert_array_equal(tile[..., channel], image.repeat(8, 0).repeat(8, 1))


@pytest.mark.covers("hook/tensorboard_images", "hook/tensorboard_video", reference="NumPy: windows of the padded digit")
def test_the_video_shows_the_augmentations_of_each_epoch(reader: EventAccumulator, digits: tuple[Any, Any]) -> None:
    (event,) = reader.Images("video/train/0")
    video = Image.open(BytesIO(event.encoded_image_string))
    assert (video.format, video.n_frames, event.width, event.height) == ("GIF", 8, 128, 128)
    frames = []
    for number in range(video.n_frames):
        video.seek(number)
        assert video.info["duration"] == 250
        frames.append(np.asarray(video.convert("L"))[::16, ::16])
    padded = np.pad(digits[0][0], 1)
    windows = [padded[y : y + 8, x : x + 8] for y in range(3) for x in range(3)]
    assert all(any(np.array_equal(frame, window) for window in windows) for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > 2
    grids = [pixels(event.encoded_image_string) for event in reader.Images("images/train")]
    shown = [tiles(grid, 64, 4, 16)[0][::8, ::8, 0] for grid in grids]  # before, in the first epoch, in the second
    for tile, frame in zip(shown, (frames[0], frames[0], frames[1]), strict=True):
        np.testing.assert_array_equal(tile, frame)


@pytest.mark.covers("hook/tensorboard_confusion_matrix", reference="sklearn.metrics.confusion_matrix")
def test_the_confusion_matrix_counts_right(
    reader: EventAccumulator, digits: tuple[Any, Any], outputs: torch.Tensor
) -> None:
    events = reader.Images("confusion_matrix/val")
    assert [event.step for event in events] == [6, 12]
    counts = confusion_matrix(digits[1], outputs.argmax(1).numpy(), labels=range(10))
    figure = matrix_figure(counts, False, tuple("0123456789"))
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    np.testing.assert_array_equal(pixels(events[-1].encoded_image_string), drawn)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.covers("hook/tensorboard_confusion_matrix", reference="the counts written out")
def test_the_numbers_stand_in_the_figure(normalize: bool) -> None:
    """Rows are true classes: the numbers stand at (column, row)."""
    figure = matrix_figure(np.array([[3, 1], [0, 2]]), normalize, ("cat", "dog"))
    (axes,) = figure.axes
    written = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert written == ({(0, 0): "0.75", (1, 0): "0.25", (1, 1): "1.00"} if normalize else
                       {(0, 0): "3", (1, 0): "1", (1, 1): "2"})  # fmt: skip
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted", "true", "5 of 6 correct")


def check_curve(found: Any, scores: Any, positive: Any) -> None:
    """Compare a curve [6, thresholds] with scikit-learn's precision and recall at each threshold."""
    thresholds = found.shape[1]
    for number in range(thresholds):
        predicted = scores * np.float32(thresholds - 1) >= number
        expected = [
            (predicted & positive).sum(), (predicted & ~positive).sum(),
            (~predicted & ~positive).sum(), (~predicted & positive).sum(),
            precision_score(positive, predicted, zero_division=0.0), recall_score(positive, predicted, zero_division=0),
        ]  # fmt: skip
        assert found[:, number].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.covers("hook/tensorboard_pr_curve", reference="sklearn.metrics.precision_score and recall_score")
def test_pr_curves(reader: EventAccumulator, digits: tuple[Any, Any], outputs: torch.Tensor) -> None:
    scores = outputs.softmax(1).numpy()
    for name in range(10):
        assert [event.step for event in reader.Tensors(f"pr_curve/{name}")] == [6, 12]
    for name in (0, 7):
        assert reader.SummaryMetadata(f"pr_curve/{name}").plugin_data.plugin_name == "pr_curves"
        check_curve(tensors(reader, f"pr_curve/{name}")[-1], scores[:, name], digits[1] == name)


@pytest.mark.covers("hook/tensorboard_mesh", reference=READER)
def test_the_mesh_is_the_digit_as_a_surface(reader: EventAccumulator, digits: tuple[Any, Any]) -> None:
    found = {}
    for part in (1, 2, 3):
        metadata = reader.SummaryMetadata(f"mesh/val/5_{part}").plugin_data
        assert metadata.plugin_name == "mesh"
        content = mesh_data_pb2.MeshPluginData.FromString(metadata.content)
        found[content.ContentType.Name(content.content_type)] = tensors(reader, f"mesh/val/5_{part}")[0][0]
    image = digits[0][5]
    vertices, faces = found["VERTEX"].reshape(8, 8, 3), found["FACE"].astype(int)
    np.testing.assert_allclose(vertices[..., 2], image / 255 * 0.25 * 8, atol=1e-5)
    np.testing.assert_array_equal(vertices[..., 0], np.tile(np.arange(8), (8, 1)))
    np.testing.assert_array_equal(vertices[:, 0, 1], np.arange(7, -1, -1))  # the top row is up
    np.testing.assert_array_equal(found["COLOR"], np.repeat(image.reshape(-1, 1), 3, axis=1))
    a, b, c = (found["VERTEX"][faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] > 0).all()  # all faces look up
    assert normals[:, 2].sum() / 2 == pytest.approx(7 * 7)  # and cover the whole image once


@pytest.mark.covers("hook/tensorboard_kernels", reference=READER)
def test_kernels_are_the_weights(result: Any, reader: EventAccumulator) -> None:
    events = reader.Images("kernels/conv2")
    assert [event.step for event in events] == [0, 6, 12]
    weight = result.pipeline.model.conv2.weight.detach()
    gray = (weight - weight.min()) / (weight.max() - weight.min())
    picture = pixels(events[-1].encoded_image_string)
    assert picture.shape == (16 * 37 + 2, 6 * 37 + 2, 3)
    for tile, kernel in zip(tiles(picture, 35, 6, 96), gray.reshape(96, 5, 5).numpy(), strict=True):
        np.testing.assert_allclose(tile[3::7, 3::7, 0], kernel * 255, atol=0.51)
    assert {tuple(color) for color in picture[0]} == {(51, 102, 204)}  # the gaps


@pytest.mark.covers("hook/tensorboard_feature_maps", reference="torch.nn.functional.conv2d")
def test_feature_maps_are_what_the_layer_gives(result: Any, reader: EventAccumulator, digits: tuple[Any, Any]) -> None:
    events = reader.Images("feature_maps/conv1")
    assert [event.step for event in events] == [0, 6, 12]
    layer = result.pipeline.model.conv1
    maps = F.conv2d(normalized(digits[0][3:4]), layer.weight, layer.bias, padding=2)[0].detach()
    gray = (maps - maps.min()) / (maps.max() - maps.min())
    for tile, one in zip(tiles(pixels(events[-1].encoded_image_string), 64, 3, 6), gray.numpy(), strict=True):
        np.testing.assert_allclose(tile[::8, ::8, 0], one * 255, atol=0.51)


def test_all_is_in_one_event_file(result: Any) -> None:
    """TensorBoard reads the files of a folder one after the other, so that a second one would not be seen growing."""
    assert len(list((result.directory / "tensorboard").glob("events.*"))) == 1


def test_a_resumed_run_draws_every_step_once(result: Any, tmp_path: Path) -> None:
    """As if the run had been killed in its second epoch."""
    out = tmp_path / "run"
    shutil.copytree(result.directory, out)
    spec = registry_core.load(out / "pipeline.json", ["train.epochs=1"])
    half = tmp_path / "half"
    registry_core.train(spec, half)
    shutil.rmtree(out / "checkpoints")
    shutil.copytree(half / "checkpoints", out / "checkpoints")
    shutil.copy(half / "run.json", out / "run.json")  # the checkpoints are those of that run
    assert registry_core.resume(out).summary["hook_errors"] == []
    assert len(list((out / "tensorboard").glob("events.*"))) == 2
    before, after = (as_pages_do(path / "tensorboard") for path in (result.directory, out))
    assert set(after) == set(before)
    assert len(before) > 40
    for tag, events in before.items():
        assert [step for step, _ in after[tag]] == [step for step, _ in events], tag
        assert after[tag] == events, tag
    lines = [[(e.step, e.value) for e in read(path / "tensorboard/loss/val_loss").Scalars("loss")]
             for path in (result.directory, out)]  # fmt: skip
    assert lines[0] == lines[1]
    names = [re.findall(r'tensor_name: "(.*)"', (path / "tensorboard/projector_config.pbtxt").read_text())
             for path in (result.directory, out)]  # fmt: skip
    assert names[0] == names[1]
    exported = [json.loads((path / "scalars.json").read_text()) for path in (result.directory, out)]
    assert [point[1:] for point in exported[0]["val/loss"]] == [point[1:] for point in exported[1]["val/loss"]]


@pytest.fixture(scope="module")
def canvas(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run on canvases with several digits, their boxes, and multi-hot targets."""
    spec = registry_core.load(PIPELINES / "tensorboard_boxes.yaml")
    found = registry_core.train(spec, tmp_path_factory.mktemp("boxes") / "run")
    assert found.summary["hook_errors"] == []
    return found


@pytest.mark.covers("hook/tensorboard_boxes", reference=READER)
def test_boxes_are_drawn_around_the_digits(canvas: Any) -> None:
    reader = read(canvas.directory / "tensorboard")
    dataset = canvas.pipeline.plan.spec.data.val.dataset.build()
    for index in range(3):
        (event,) = reader.Images(f"boxes/val/{index}")
        picture, sample = pixels(event.encoded_image_string).astype(int), dataset[index]
        factor = picture.shape[0] // 20
        red = (picture == (255, 0, 0)).all(-1)
        near_a_line = np.zeros_like(red)
        for left, top, right, bottom in (sample["boxes"] * factor).int().tolist():
            middle_x, middle_y = (left + right) // 2, (top + bottom) // 2
            last = picture.shape[0] - 1
            for y, x in (
                (top, middle_x),
                (min(bottom, last), middle_x),
                (middle_y, left),
                (middle_y, min(right, last)),
            ):
                assert red[y, x], (index, y, x)
            for y in (top, bottom):
                near_a_line[max(y - 2, 0) : y + 3, max(left - 2, 0) : right + 3] = True
            for x in (left, right):
                near_a_line[max(top - 2, 0) : bottom + 3, max(x - 2, 0) : x + 3] = True
        assert not (red & ~near_a_line).any()
        raw = np.asarray(sample["input"]).repeat(factor, 0).repeat(factor, 1)
        np.testing.assert_array_equal(picture[~near_a_line][:, 0], raw[~near_a_line])


@pytest.mark.covers("hook/tensorboard_boxes", reference="torchvision's box formats")
def test_boxes_of_one_object_have_its_name(tmp_path: Path, distribution: Callable[..., Path]) -> None:
    """The box of each digit's bright pixels, in another format, added by a transform of a plugin."""
    code = '''
import torch
from torchvision import tv_tensors
from registry_core.components import Transform

class BoundingBox(Transform):
    """Add the box of what is not black."""
    target = "acme_box:bounding_box"
    added_entries = ("boxes",)
    def build(self): return bounding_box
    def infer_image(self, image): return image

def bounding_box(sample):
    rows, columns = (torch.as_tensor(sample["input"])[0] > 0).nonzero().T
    x, y = columns.min(), rows.min()
    box = torch.stack([x, y, columns.max() + 1 - x, rows.max() + 1 - y])[None].float()
    boxes = tv_tensors.BoundingBoxes(box, format="XYWH", canvas_size=sample["input"].shape[-2:])
    return {**sample, "boxes": boxes}
'''
    distribution(
        "acme", "[registry_core.v1.transforms]\nbounding_box = acme_box:BoundingBox\n", modules={"acme_box": code}
    )
    path = tmp_path / "boxes.yaml"
    path.write_text("""
version: 1
data:
  train: &data {dataset: {digits: {split: val}}, transforms: [to_tensor, bounding_box]}
  val: *data
  batch_size: 359
model: {mlp: {size: 8, hidden: [4], num_classes: 10}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
train: {device: cpu}
hooks: [{tensorboard_boxes: {count: 1}}]
""")
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert result.summary["hook_errors"] == []
    (event,) = read(tmp_path / "run" / "tensorboard").Images("boxes/val/0")
    red = (pixels(event.encoded_image_string) == (255, 0, 0)).all(-1)
    bright = load_digits().images[4] > 0
    rows, columns = np.nonzero(bright)
    ys, xs = np.nonzero(red)
    assert abs(xs.min() - 32 * columns.min()) <= 1
    assert abs(ys.min() - 32 * rows.min()) <= 1
    assert abs(xs.max() - min(32 * (columns.max() + 1), 255)) <= 1
    assert abs(ys.max() - min(32 * (rows.max() + 1), 255)) <= 1
    assert red.sum() > 4 * 4 * 32  # lines, and the ground of the name


@pytest.mark.covers("hook/tensorboard_pr_curve", reference="sklearn.metrics.precision_score and recall_score")
def test_pr_curves_raw_of_multi_hot_targets(canvas: Any) -> None:
    reader = read(canvas.directory / "tensorboard")
    dataset = canvas.pipeline.plan.spec.data.val.dataset.build()
    samples = [dataset[index] for index in range(len(dataset))]
    images = torch.stack([torch.tensor(np.asarray(sample["input"])) for sample in samples])
    with torch.no_grad():
        scores = canvas.pipeline.model.eval()(images[:, None].float() / 255).sigmoid().numpy()
    positive = torch.stack([sample["target"] for sample in samples]).numpy() > 0.5
    for name in range(10):
        (event,) = reader.Tensors(f"pr_curve/{name}")
        assert event.step == canvas.position.step
        check_curve(make_ndarray(event.tensor_proto), scores[:, name], positive[:, name])
