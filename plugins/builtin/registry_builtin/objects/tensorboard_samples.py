"""TensorBoard views of samples other than images: surfaces and audio."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from registry_builtin.objects.shown_images import shown
from registry_builtin.objects.tensorboard import TensorBoardHook


class Mesh(TensorBoardHook):
    """Shows a sample as a surface."""

    def __init__(self, section: str, index: int, height: float) -> None:
        self.section = section
        self.index = index
        self.height = height

    def begin(self, step: int) -> None:
        """Write the surface."""
        sample = self.run.samples[self.section].sample(self.index, self.run.start.epoch)
        if "vertices" in sample:
            parts = {name: _batch_of_one(sample[name]) for name in ("vertices", "colors", "faces") if name in sample}
        else:
            image = shown(sample["input"].as_subclass(Tensor)[None], self.run.pipeline, self.section, batched=False)[0]
            parts = {name: value[None] for name, value in height_field(image, self.height).items()}
        self.file.writer.add_mesh(f"mesh/{self.section}/{self.index}", **parts, global_step=step)


def _batch_of_one(value: Any) -> Tensor:
    return torch.as_tensor(value).as_subclass(Tensor)[None]


def height_field(image: Tensor, height: float) -> dict[str, Tensor]:
    """Return the height map of an image [channels, height, width], 0 to 1: vertices, colours, two faces per pixel."""
    rows, columns = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    z = image.mean(0) * height * max(rows, columns)
    vertices = torch.stack([x.float(), (rows - 1 - y).float(), z], -1).view(-1, 3)
    colors = (image.expand(3, -1, -1) * 255).round().to(torch.uint8).permute(1, 2, 0).reshape(-1, 3)
    corner = (y * columns + x)[:-1, :-1].flatten()
    lower, right = corner + columns, corner + 1
    faces = torch.cat([torch.stack([corner, lower, right], 1), torch.stack([right, lower, lower + 1], 1)])
    return {"vertices": vertices, "colors": colors, "faces": faces}


class Audio(TensorBoardHook):
    """Writes the audio of samples."""

    def __init__(self, section: str, audio: str, sample_rate: int | None, count: int) -> None:
        self.section = section
        self.audio = audio
        self.sample_rate = sample_rate
        self.count = count

    def begin(self, step: int) -> None:
        """Write the first samples."""
        samples = self.run.samples[self.section]
        for index in range(min(self.count, len(samples))):
            sample = samples.sample(index, self.run.start.epoch)
            if self.audio not in sample:
                raise KeyError(f"samples of data.{self.section} have no entry {self.audio!r}, only {', '.join(sample)}")
            rate = self.sample_rate or sample.get("sample_rate")
            if rate is None:
                raise KeyError(f"samples of data.{self.section} have no sample_rate: set it as a parameter")
            sound = torch.as_tensor(sample[self.audio]).float()
            frames = sound[:, None] if sound.ndim == 1 else sound.T
            tag = f"audio/{self.section}/{index}"
            self.file.writer.add_audio(tag, frames.contiguous().numpy(), step, sample_rate=int(rate))
