"""Orientation, transparency and depth of image files, against Pillow, formulas and files written to the standards."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import ExifTags, ImageOps
from PIL import Image as Pillow
from registry_builtin.datasets.composed import Pairs
from registry_builtin.datasets.digits import Digits
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex
from torchvision import tv_tensors

from registry_core.components import Image
from registry_core.diagnostics import DataError

RANDOM = np.random.default_rng(0)
PICTURE: NDArray[np.uint8] = RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8)
DEEP: NDArray[np.uint16] = RANDOM.integers(0, 65536, (5, 7, 4), dtype=np.uint16)


def one(folder: Path, name: str, **parameters: Any) -> ImageIndex:
    """A data set of this file alone."""
    index = folder / "index.txt"
    index.write_text(f"{name} 0\n")
    return ImageIndex(index=index, **parameters)


def read(folder: Path, name: str, **parameters: Any) -> Any:
    """The image of a file, whose size must be the one that is stated before it is read."""
    declared = one(folder, name, **parameters)
    image = declared.build()[0]["input"]  # type: ignore[index]  # data sets of torch have __getitem__
    sides = tuple(image.shape[1:]) if isinstance(image, torch.Tensor) else (image.height, image.width)
    facts = declared.facts().image
    assert facts is not None
    assert (facts.height, facts.width) == sides
    return image


def exif(orientation: int) -> Pillow.Exif:
    made = Pillow.Exif()
    made[ExifTags.Base.Orientation] = orientation
    return made


@pytest.mark.covers("dataset/image_index", reference="PIL.ImageOps.exif_transpose")
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("end", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("mode", ["RGB", "L16"])
def test_images_are_turned_as_their_tag_says(tmp_path: Path, end: str, orientation: int, mode: str) -> None:
    name = f"a.{end}"
    Pillow.fromarray(PICTURE).save(tmp_path / name, exif=exif(orientation))
    with Pillow.open(tmp_path / name) as opened:
        displayed = ImageOps.exif_transpose(opened).convert("RGB")
    Pillow.fromarray(PICTURE).save(tmp_path / f"plain.{end}")
    with Pillow.open(tmp_path / f"plain.{end}") as opened:
        stored = opened.convert("RGB")

    def expected(image: Pillow.Image) -> NDArray[Any]:
        return np.asarray(image) if mode == "RGB" else np.asarray(image.convert("L"))[None] / np.float32(255)

    np.testing.assert_array_equal(np.asarray(read(tmp_path, name, mode=mode)), expected(displayed))
    kept = read(tmp_path, name, mode=mode, orientation="stored")
    np.testing.assert_array_equal(np.asarray(kept), expected(stored))


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_uncompressed_tiff_images_are_turned(tmp_path: Path, mode: str) -> None:
    """Pillow 13 mixes up their rows if it opens them by their paths."""
    image = Pillow.fromarray(PICTURE).convert(mode)
    image.save(tmp_path / "a.tif", exif=exif(6))
    found = read(tmp_path, "a.tif", mode="L")
    np.testing.assert_array_equal(np.asarray(found), np.rot90(np.asarray(image.convert("L")), -1))


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", [3, 5, 6, 8])
def test_deep_tiff_images_are_turned(tmp_path: Path, compression: str | None, orientation: int) -> None:
    grey = DEEP[:, :, 0]
    Pillow.fromarray(grey).save(tmp_path / "a.tif", exif=exif(orientation), compression=compression)
    turns = {3: grey[::-1, ::-1], 5: grey.T, 6: np.rot90(grey, -1), 8: np.rot90(grey, 1)}
    found = read(tmp_path, "a.tif", mode="L16")
    np.testing.assert_array_equal(found[0].numpy(), turns[orientation] / np.float32(65535))
    stored = read(tmp_path, "a.tif", mode="L16", orientation="stored")
    np.testing.assert_array_equal(stored[0].numpy(), grey / np.float32(65535))


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(values: NDArray[Any], colour: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG file of 8 or 16 bits, written by the specification, with chunks before and after its pixels."""
    height, width = values.shape[:2]
    depth = 16 if values.dtype == np.uint16 else 8
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + after + chunk(b"IEND", b"")


def test_the_orientation_of_a_png_file_may_follow_its_pixels(tmp_path: Path) -> None:
    late = chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    (tmp_path / "a.png").write_bytes(png(PICTURE, 2, after=late))
    np.testing.assert_array_equal(np.asarray(read(tmp_path, "a.png")), np.rot90(PICTURE, -1))


@pytest.mark.parametrize("damage", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_exif_data_do_not_matter(tmp_path: Path, damage: bytes) -> None:
    Pillow.fromarray(PICTURE).save(tmp_path / "a.png", exif=damage)
    np.testing.assert_array_equal(np.asarray(read(tmp_path, "a.png")), PICTURE)


@pytest.mark.covers("dataset/image_index", reference="PNG files of 16 bits, written by the specification")
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_deep_png_images_are_read_completely(tmp_path: Path, colour: int, channels: int) -> None:
    values = DEEP[:, :, :channels]
    (tmp_path / "a.png").write_bytes(png(values, colour))
    found = read(tmp_path, "a.png", mode="L16" if channels < 3 else "RGB16", background=None)
    assert isinstance(found, tv_tensors.Image)
    colours = values[:, :, : 1 if channels < 3 else 3].transpose(2, 0, 1)
    np.testing.assert_array_equal(found.numpy(), colours / np.float32(65535))


@pytest.mark.parametrize("background", [255, 0, 100])
@pytest.mark.parametrize(("colour", "channels"), [(4, 2), (6, 4)])
def test_deep_transparency_shows_the_background(tmp_path: Path, colour: int, channels: int, background: int) -> None:
    values = DEEP[:, :, :channels].copy()
    values[0, :, -1], values[1, :, -1] = 0, 65535
    (tmp_path / "a.png").write_bytes(png(values, colour))
    found = read(tmp_path, "a.png", mode="RGB16", background=background).numpy()
    exact = values.astype(np.float64) / 65535
    over = exact[:, :, :-1] * exact[:, :, -1:] + background / 255 * (1 - exact[:, :, -1:])
    np.testing.assert_allclose(found, np.broadcast_to(over, (5, 7, 3)).transpose(2, 0, 1), atol=1e-6)


def test_the_transparent_colour_of_a_deep_image(tmp_path: Path) -> None:
    key = DEEP[2, 3]
    for colour, channels in ((0, 1), (2, 3)):
        clear = chunk(b"tRNS", struct.pack(f">{channels}H", *key[:channels]))
        (tmp_path / "a.png").write_bytes(png(DEEP[:, :, :channels], colour, before=clear))
        found = read(tmp_path, "a.png", mode="RGB16", background=0).numpy()
        expected = DEEP[:, :, :channels].astype(np.float32) / 65535
        expected[2, 3] = 0
        np.testing.assert_array_equal(found, np.broadcast_to(expected, (5, 7, 3)).transpose(2, 0, 1))


def tiff(values: NDArray[np.uint16], order: str, photometric: int, planes: int = 1, packed: bool = False) -> bytes:
    """A TIFF file of 16 bits, written by the specification."""
    height, width, channels = values.shape
    stored = values if planes == 1 else values.transpose(2, 0, 1)
    pixels = stored.astype(f"{order}u2").tobytes()
    pixels = zlib.compress(pixels) if packed else pixels
    pixels += bytes(len(pixels) % 2)
    bits, start = 8, 8 + 2 * channels + 2 * channels % 2
    entries: list[tuple[int, int, int, int]] = [(256, 4, 1, width), (257, 4, 1, height)]
    depth = (258, 3, channels, bits) if channels > 2 else (258, 3, 1, 16 << (16 if order == ">" else 0))
    entries += [
        depth,
        (259, 4, 1, 8 if packed else 1),
        (262, 4, 1, photometric),
        (273, 4, 1, start),
        (277, 4, 1, channels),
    ]
    entries += [(278, 4, 1, height), (279, 4, 1, len(pixels)), (284, 4, 1, planes)]
    if planes == 2:
        each, place = len(pixels) // channels, start + len(pixels)
        tables = struct.pack(f"{order}{channels}I", *(start + each * n for n in range(channels)))
        tables += struct.pack(f"{order}{channels}I", *[each] * channels)
        entries[5], entries[8] = (273, 4, channels, place), (279, 4, channels, place + 4 * channels)
        pixels += tables
    where = start + len(pixels)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", where)
    depths = struct.pack(f"{order}{channels}H", *[16] * channels).ljust(start - 8, b"\0")
    table = struct.pack(f"{order}H", len(entries)) + b"".join(struct.pack(f"{order}HHII", *e) for e in entries)
    return head + depths + pixels + table + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1, 2])
@pytest.mark.parametrize("packed", [False, True])
def test_deep_tiff_images_are_read_completely(tmp_path: Path, order: str, photometric: int, packed: bool) -> None:
    """Packed files are decoded by libtiff, in the byte order of the machine."""
    values = DEEP[:, :, : 3 if photometric == 2 else 1]
    if (order, photometric) == (">", 0):
        pytest.skip("Pillow does not open it")
    (tmp_path / "a.tif").write_bytes(tiff(values, order, photometric, packed=packed))
    found = read(tmp_path, "a.tif", mode="RGB16" if photometric == 2 else "L16").numpy()
    seen = 65535 - values if photometric == 0 else values
    np.testing.assert_array_equal(found, seen.transpose(2, 0, 1) / np.float32(65535))


def test_deep_colours_become_grey_by_the_weights_of_itu_r_601(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(DEEP[:, :, :3], 2))
    found = read(tmp_path, "a.png", mode="L16").numpy()[0]
    np.testing.assert_allclose(found, DEEP[:, :, :3] @ np.array([0.299, 0.587, 0.114]) / 65535, atol=1e-6)


@pytest.mark.parametrize(("mode", "remedy"), [("RGB", "RGB16"), ("L", "L16")])
def test_deep_images_are_refused_with_the_way_to_read_them(tmp_path: Path, mode: str, remedy: str) -> None:
    (tmp_path / "a.png").write_bytes(png(DEEP[:, :, :3], 2))
    (tmp_path / "b.png").write_bytes(png(DEEP[:, :, :1], 0))
    (tmp_path / "c.png").write_bytes(png(DEEP, 6))
    (tmp_path / "d.tif").write_bytes(tiff(DEEP[:, :, :3], "<", 2))
    for name in ("a.png", "b.png", "c.png", "d.tif"):
        declared = one(tmp_path, name, mode=mode)
        for reading in (declared.facts, lambda: declared.build()[0]):  # noqa: B023  # called in this turn
            grey = r"\(L16 for one channel\) " if (name, mode) == ("b.png", "RGB") else ""
            with pytest.raises(
                DataError, match=rf"has 16 bits per channel .* mode: {mode} reads 8\. Set mode: {remedy} {grey}of "
            ):
                reading()


def test_depths_that_cannot_be_read_are_refused_in_every_mode(tmp_path: Path) -> None:
    Pillow.fromarray(DEEP[:, :, 0].astype(np.float32)).save(tmp_path / "float.tif")
    Pillow.fromarray(DEEP[:, :, 0].astype(np.int32)).save(tmp_path / "int.tif")
    (tmp_path / "planes.tif").write_bytes(tiff(DEEP[:, :, :3], "<", 2, planes=2))
    (tmp_path / "a.ppm").write_bytes(b"P6 7 5 65535\n" + DEEP[:, :, :3].astype(">u2").tobytes())
    for name in ("float.tif", "int.tif", "planes.tif", "a.ppm"):
        for mode in ("RGB", "L16", "RGB16"):
            with pytest.raises(DataError, match=r"has (16|32) bits per channel .* Convert it to a PNG file"):
                one(tmp_path, name, mode=mode).build()[0]  # type: ignore[index]  # data sets have __getitem__


def test_the_facts_of_deep_images_are_those_of_the_samples(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "deep.png").write_bytes(png(DEEP[:, :, :3], 2))
    Pillow.fromarray(PICTURE[:5, :7]).save(tmp_path / "a" / "flat.png")
    declared = ImageFolder(root=tmp_path, mode="RGB16")
    assert declared.facts().image == Image("float", 3, 5, 7, 0.0, 1.0)
    samples: Any = declared.build()
    assert [samples[n]["input"].dtype for n in range(2)] == [torch.float32] * 2
    np.testing.assert_array_equal(samples[1]["input"], PICTURE[:5, :7].transpose(2, 0, 1) / np.float32(255))


def transparent(folder: Path, mode: str) -> tuple[str, Pillow.Image]:
    alpha = np.zeros((6, 9), dtype=np.uint8)
    alpha[2:4], alpha[4:] = 130, 255
    image = Pillow.fromarray(PICTURE).convert("RGBA")
    image.putalpha(Pillow.fromarray(alpha))
    if mode == "P":
        image = Pillow.fromarray(PICTURE[:, :, 0]).convert("P")
        image.save(folder / "a.png", transparency=int(PICTURE[0, 0, 0]))
    elif mode == "RGB":
        Pillow.fromarray(PICTURE).save(folder / "a.png", transparency=tuple(map(int, PICTURE[1, 1])))
    else:
        image.convert(mode).save(folder / "a.png")
    with Pillow.open(folder / "a.png") as opened:
        return "a.png", opened.convert("RGBA")


@pytest.mark.covers("dataset/image_index", reference="PIL.Image.alpha_composite")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
@pytest.mark.parametrize("background", [255, 0, (10, 200, 30)])
def test_transparent_pixels_show_the_background(tmp_path: Path, mode: str, background: Any) -> None:
    name, full = transparent(tmp_path, mode)
    colour = background if isinstance(background, tuple) else (background,) * 3
    over = Pillow.alpha_composite(Pillow.new("RGBA", full.size, (*colour, 255)), full).convert("RGB")
    values = np.asarray(full, dtype=np.float64)
    opacity = values[:, :, 3:] / 255
    formula = values[:, :, :3] * opacity + np.array(colour) * (1 - opacity)
    for wanted in ("RGB", "L"):
        found = read(tmp_path, name, mode=wanted, background=background)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(over.convert(wanted)))
    np.testing.assert_allclose(np.asarray(read(tmp_path, name, background=background)), formula, atol=1)
    hidden = np.asarray(read(tmp_path, name, background=None))
    with Pillow.open(tmp_path / name) as opened:
        np.testing.assert_array_equal(hidden, np.asarray(opened.convert("RGB")))


def test_the_default_background_is_white(tmp_path: Path) -> None:
    Pillow.new("RGBA", (4, 4), (1, 2, 3, 0)).save(tmp_path / "a.png")
    for mode, white in (("RGB", 255), ("L", 255), ("RGB16", 1.0), ("L16", 1.0)):
        assert np.unique(np.asarray(read(tmp_path, "a.png", mode=mode))).tolist() == [white]


def test_files_are_read_as_by_the_data_set(tmp_path: Path) -> None:
    Pillow.fromarray(PICTURE).save(tmp_path / "a.png", exif=exif(6))
    declared = one(tmp_path, "a.png", mode="L", orientation="stored", classes=2)
    for owner in (declared, Pairs(dataset=declared)):
        reader = owner.file_reader()
        assert reader is not None
        assert np.array_equal(reader(tmp_path / "a.png"), Pillow.fromarray(PICTURE).convert("L"))
    assert Digits().file_reader() is None
