"""TensorBoard images: samples, videos of their transforms, boxes, kernels and feature maps."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import PIL.Image
import torch
from tensorboardX.proto.summary_pb2 import Summary
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as v2

from registry_builtin.objects.shown_images import enlarged, enlargement, shown, stretched, tiled
from registry_builtin.objects.tensorboard import Drawing, TensorBoardHook
from registry_core.components import Every

MOST_KERNELS = 256


class Images(Drawing):
    """Shows a grid of samples."""

    def __init__(self, section: str, count: int, every: Every) -> None:
        super().__init__(every)
        self.section = section
        self.count = count

    def draw(self, step: int, epoch: int) -> None:
        """Show the first samples as they are in this epoch."""
        samples = self.run.samples[self.section]
        batch = samples.batch(range(min(self.count, len(samples))), epoch)
        grid = tiled(shown(batch["input"], self.run.pipeline, self.section))
        self.file.writer.add_image(f"images/{self.section}", as_bytes(grid), step)


class Video(TensorBoardHook):
    """Shows a sample through the epochs."""

    def __init__(self, section: str, index: int, frames: int, fps: int) -> None:
        self.section = section
        self.index = index
        self.frames = frames
        self.fps = fps

    def begin(self, step: int) -> None:
        """Write all epochs of the video."""
        samples = self.run.samples[self.section]
        each = torch.cat([samples.batch([self.index], epoch)["input"] for epoch in range(self.frames)])
        frames = as_bytes(enlarged(shown(each, self.run.pipeline, self.section), 128))
        tag = f"video/{self.section}/{self.index}"
        self.file.add(Summary(value=[Summary.Value(tag=tag, image=animation(frames, self.fps))]), step)


def animation(frames: Tensor, fps: int) -> Any:
    """Return the image of a summary: an animated GIF of uint8 frames [n, channels, height, width]."""
    # tensorboardX would use moviepy, which requires ffmpeg and Pillow below 12.
    pages = [
        PIL.Image.fromarray(frame.permute(1, 2, 0).numpy().squeeze(-1 if len(frame) == 1 else ())) for frame in frames
    ]
    file = BytesIO()
    pages[0].save(file, "GIF", save_all=True, append_images=pages[1:], duration=1000 // fps, loop=0)
    channels, height, width = frames.shape[1:]
    return Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=file.getvalue())


class Boxes(TensorBoardHook):
    """Shows samples with boxes."""

    def __init__(self, section: str, boxes: str, labels: str, count: int) -> None:
        self.section = section
        self.boxes = boxes
        self.labels = labels
        self.count = count

    def begin(self, step: int) -> None:
        """Show the first samples."""
        samples = self.run.samples[self.section]
        for index in range(min(self.count, len(samples))):
            sample = samples.sample(index, self.run.start.epoch)
            if self.boxes not in sample:
                raise KeyError(f"samples of data.{self.section} have no entry {self.boxes!r}, only {', '.join(sample)}")
            image = shown(sample["input"].as_subclass(Tensor)[None], self.run.pipeline, self.section, batched=False)
            factor = enlargement(image, 256)
            boxes = _left_top_right_bottom(sample[self.boxes]).reshape(-1, 4)
            height, width = (side * factor for side in image.shape[-2:])
            last = torch.tensor([width, height] * 2) - 1  # lines at the edge would lie outside the image
            self.file.writer.add_image_with_boxes(
                f"boxes/{self.section}/{index}",
                as_bytes(enlarged(image, 256)[0].expand(3, -1, -1)),
                torch.minimum(boxes.float() * factor, last).numpy(),
                step,
                labels=self._names(sample, len(boxes)),
            )

    def _names(self, sample: Mapping[str, Any], count: int) -> list[str] | None:
        """Return the text beside each box, if the sample provides it."""
        target = sample.get("target")
        found = sample.get(self.labels, [target] if count == 1 and isinstance(target, int) else None)
        if found is None or len(found) != count:
            return None
        names = self.run.class_names
        return [names[int(n)] if isinstance(n, int | Tensor) and 0 <= int(n) < len(names) else str(n) for n in found]


def _left_top_right_bottom(boxes: Any) -> Tensor:
    if isinstance(boxes, tv_tensors.BoundingBoxes):
        wanted = tv_tensors.BoundingBoxFormat.XYXY
        converted: Tensor = v2.convert_bounding_box_format(boxes, new_format=wanted)
        return converted.as_subclass(Tensor)
    return torch.as_tensor(boxes)


class Kernels(Drawing):
    """Shows the kernels of a convolution."""

    def __init__(self, layer: str | None, every: Every) -> None:
        super().__init__(every)
        self.layer = layer

    def draw(self, step: int, epoch: int) -> None:
        """Show the current kernels."""
        named = dict(self.run.model.named_modules())
        first = (name for name, module in named.items() if isinstance(module, torch.nn.Conv2d))
        layer = self.layer or next(first)
        weight = stretched(named[layer].weight.detach().float().cpu())
        inputs = weight.shape[1]
        if inputs != 3:
            weight = weight.flatten(0, 1)[:, None]
        columns = 8 if inputs in (1, 3) else inputs
        grid = tiled(weight[:MOST_KERNELS], columns, side=32)
        self.file.writer.add_image(f"kernels/{layer}", as_bytes(grid), step)


class FeatureMaps(Drawing):
    """Shows the output of a layer for a sample."""

    def __init__(self, section: str, layer: str, index: int, every: Every) -> None:
        super().__init__(every)
        self.section = section
        self.layer = layer
        self.index = index

    def draw(self, step: int, epoch: int) -> None:
        """Show each channel."""
        view = self.run.view
        assert view is not None
        batch = self.run.samples[self.section].batch([self.index], epoch)
        maps = view.predict(batch, [self.layer])[1][self.layer]
        if not isinstance(maps, Tensor) or maps.ndim != 4:
            shape = list(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
            raise ValueError(f"the layer {self.layer!r} returns {shape}, not [1, channels, height, width]")
        grid = tiled(stretched(maps.float().cpu())[0][:, None], side=64)
        self.file.writer.add_image(f"feature_maps/{self.layer}", as_bytes(grid), step)


def as_bytes(images: Tensor) -> Tensor:
    """Convert values from 0 to 1 to 0 to 255, rounded to the nearest; tensorboardX would truncate."""
    return (images * 255).round().to(torch.uint8)
