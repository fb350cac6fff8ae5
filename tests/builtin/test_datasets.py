"""Data sets against scikit-learn, independent readers and files made here; and every mistake that data can have."""

from __future__ import annotations

import gzip
import pickle
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import python
from numpy.typing import NDArray
from PIL import Image as Pillow
from registry_builtin.datasets.digits import Digits
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex
from registry_builtin.datasets.mnist import Mnist
from sklearn.datasets import load_digits
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

from registry_core.components import Dataset, Image
from registry_core.components.index_file import write_index
from registry_core.diagnostics import DataError

DIGITS = load_digits()
GREY: NDArray[np.uint8] = (DIGITS.images * 255 // 16).astype(np.uint8)
LABELS: NDArray[np.int64] = DIGITS.target.astype(np.int64)


def check_dataset(declared: Dataset, images: Any, labels: Any) -> None:
    """The built data set has these images and labels, says so beforehand, and pickles."""
    dataset: Any = declared.build()
    facts = declared.facts()
    assert len(dataset) == facts.length == len(labels)
    assert dataset.targets.dtype == np.int64
    assert dataset.targets.tolist() == list(labels)
    for made in (dataset, pickle.loads(pickle.dumps(dataset))):
        for index in range(len(labels)):
            sample = made[index]
            assert set(sample) == {"input", "target"}
            assert type(sample["target"]) is int
            assert sample["target"] == labels[index]
            np.testing.assert_array_equal(np.asarray(sample["input"]), images[index])
            assert facts.image is not None
            assert facts.image.channels == len(sample["input"].getbands())
            for name, side in (("height", sample["input"].height), ("width", sample["input"].width)):
                assert getattr(facts.image, name) in (None, side)
    np.testing.assert_array_equal(np.asarray(dataset[-len(labels)]["input"]), images[0])
    for outside in (len(labels), -len(labels) - 1):
        with pytest.raises(IndexError):
            dataset[outside]


@pytest.mark.covers("dataset/digits", reference="sklearn.datasets.load_digits")
@pytest.mark.parametrize(("split", "places"), [("train", (0, 1, 2, 3)), ("val", (4,)), ("all", (0, 1, 2, 3, 4))])
def test_digits_are_those_of_scikit_learn(split: str, places: tuple[int, ...]) -> None:
    chosen = [index for index in range(1797) if index % 5 in places]
    check_dataset(Digits(split=split), GREY[chosen], LABELS[chosen])
    facts = Digits(split=split).facts()
    assert facts.image == Image("pil", 1, 8, 8)
    assert (facts.num_classes, facts.class_names) == (10, tuple("0123456789"))


def test_the_image_of_a_sample_is_its_own() -> None:
    """Drawing into a sample must not change the data."""
    dataset: Any = Digits().build()
    for changed in (dataset[0]["input"], dataset[0]["input"]):
        before = changed.getpixel((3, 3))
        changed.putpixel((3, 3), 255 - before)
        assert dataset[0]["input"].getpixel((3, 3)) == before


def idx(array: Any, magic: int | None = None) -> bytes:
    array = np.asarray(array, dtype=np.uint8)
    header = struct.pack(">I", 0x0800 + array.ndim if magic is None else magic)
    return bytes(header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def write_mnist(folder: Path, packed: bool = False, prefix: str = "train", **contents: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    files = {"images-idx3": idx(GREY[:30]), "labels-idx1": idx(LABELS[:30])}
    for name, content in (files | {f"{key}-idx{'31'[key == 'labels']}": one for key, one in contents.items()}).items():
        path = folder / f"{prefix}-{name}-ubyte"
        if packed:
            Path(f"{path}.gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)
    return folder


@pytest.mark.covers("dataset/mnist", reference="IDX files written in the test")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("split", "prefix"), [("train", "train"), ("test", "t10k")])
def test_mnist_from_small_files(tmp_path: Path, packed: bool, split: str, prefix: str) -> None:
    root = write_mnist(tmp_path / "mnist", packed, prefix)
    check_dataset(Mnist(root=str(root), split=split), GREY[:30], LABELS[:30])
    facts = Mnist(root=root, split=split).facts()
    assert (facts.image, facts.num_classes) == (Image("pil", 1, 8, 8), 10)


@pytest.mark.covers("dataset/mnist", reference="the real MNIST, read with NumPy")
def test_the_real_mnist(mnist: Path | None, tmp_path: Path) -> None:
    if mnist is None:
        pytest.skip("MNIST is not here; set REGISTRY_MNIST to its folder")
    for split, prefix, length in (("train", "train", 60_000), ("test", "t10k", 10_000)):
        dataset: Any = Mnist(root=mnist, split=split).build()
        for kind, array in (("images-idx3", dataset.images), ("labels-idx1", dataset.targets)):
            path = mnist / f"{prefix}-{kind}-ubyte"
            plain = tmp_path / path.name
            plain.write_bytes(path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes()))
            np.testing.assert_array_equal(array, read_sn3_pascalvincent_tensor(str(plain)).numpy())
        facts = Mnist(root=mnist, split=split).facts()
        assert facts.length == len(dataset) == length
        assert facts.image == Image("pil", 1, 28, 28)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            {"images": idx(GREY[:30], magic=0x801)},
            "'{images}' is not an IDX file with 3 dimensions: it starts with 0x00000801",
        ),
        ({"labels": idx(LABELS[:30], magic=0x803)}, "'{labels}' is not an IDX file with 1 dimensions"),
        ({"images": idx(GREY[:30], magic=0xD03)}, "starts with 0x00000d03, not 0x00000803"),
        ({"images": b"\0\0\x08\x03\0\0"}, "'{images}' is not an IDX file"),
        ({"images": b""}, "it is too short"),
        ({"images": idx(GREY[:0])}, "is empty: its shape is"),
        ({"labels": idx(LABELS[:29])}, "'{images}' has 30 images, but '{labels}' has 29 labels"),
        ({"images": idx(GREY[:30])[:-1]}, "'{images}' has 1919 values, but its header states 1920"),
        ({"labels": idx(LABELS[:30]) + b"1"}, "'{labels}' has 31 values, but its header states 30"),
        ({"labels": idx([3, 11] * 15)}, "'{labels}' has the label 11 for image 1, outside 0 to 9"),
    ],
)
def test_damaged_mnist_files(tmp_path: Path, packed: bool, contents: dict[str, bytes], message: str) -> None:
    root = write_mnist(tmp_path / "mnist", packed, **contents)
    end = "ubyte.gz" if packed else "ubyte"
    expected = message.format(images=root / f"train-images-idx3-{end}", labels=root / f"train-labels-idx1-{end}")
    for read in (Mnist(root=root).facts, Mnist(root=root).build):
        with pytest.raises(DataError) as raised:
            read()
        assert expected in str(raised.value)


def test_damaged_gzip_and_missing_mnist_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The folder '.*absent' does not exist\. Set root"):
        Mnist(root=tmp_path / "absent").facts()
    root = write_mnist(tmp_path / "mnist", packed=True)
    images = root / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz' cannot be read: .*Download it again"):
        Mnist(root=root).build()
    images.write_bytes(b"not gzip at all")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz' cannot be read: .*Download it again"):
        Mnist(root=root).facts()
    images.unlink()
    with pytest.raises(DataError, match=r"does not contain 'train-images-idx3-ubyte' or 'train-images-idx3-ubyte\.gz'"):
        Mnist(root=root).facts()


def write_images(folder: Path, count: int = 12) -> list[str]:
    """Images of digits in class folders named by words; returns their paths as an index file has them."""
    paths = []
    for number in range(count):
        path = folder / f"digit {LABELS[number]}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(GREY[number]).save(path)
        paths.append(path.relative_to(folder).as_posix())
    return paths


def write_lines(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.covers("dataset/image_index", reference="Pillow")
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_of_an_index_file(tmp_path: Path, mode: str) -> None:
    paths = write_images(tmp_path)
    lines = [f"{path} {label}" for path, label in zip(paths, LABELS, strict=False)]
    index = write_lines(tmp_path / "index.txt", "# a comment", "", *lines, "  ", "# another")
    expected = GREY[:12] if mode == "L" else GREY[:12, :, :, None].repeat(3, axis=3)
    declared = ImageIndex(index=str(index), mode=mode)
    check_dataset(declared, expected, LABELS[:12])
    facts = declared.facts()
    assert facts.image == Image("pil", 3 if mode == "RGB" else 1, 8, 8)
    assert (facts.num_classes, facts.class_names, facts.largest_label) == (None, (), 9)
    assert ImageIndex(index=index, classes=12).facts().num_classes == 12


def test_an_index_file_elsewhere_needs_a_root(tmp_path: Path) -> None:
    paths = write_images(tmp_path / "photos")
    index = write_lines(tmp_path / "index.txt", *(f"{path} 0" for path in paths), f"{tmp_path}/photos/{paths[3]} 0")
    with pytest.raises(DataError, match="set root"):
        ImageIndex(index=index).facts()
    check_dataset(ImageIndex(index=index, root=tmp_path / "photos", mode="L"), GREY[[*range(12), 3]], [0] * 13)


def test_images_of_different_sizes_have_no_size(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    Pillow.new("L", (9, 8)).save(tmp_path / paths[-1])
    for declared in (
        ImageIndex(index=write_lines(tmp_path / "index.txt", *(f"{path} 0" for path in paths))),
        ImageFolder(root=tmp_path),
    ):
        assert declared.facts().image == Image("pil", 3, varying=True)


@pytest.mark.covers("dataset/image_folder", reference="Pillow")
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_of_class_folders(tmp_path: Path, mode: str) -> None:
    paths = write_images(tmp_path, 30)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "digit 3" / "notes.txt").write_text("not an image")
    (tmp_path / "digit 3" / "._13.png").write_text("what macOS leaves behind")
    (tmp_path / "index.txt").write_text("not a folder")
    order = sorted(range(30), key=lambda number: paths[number])
    expected = GREY[order] if mode == "L" else GREY[order][:, :, :, None].repeat(3, axis=3)
    check_dataset(ImageFolder(root=str(tmp_path), mode=mode), expected, LABELS[order])
    facts = ImageFolder(root=tmp_path).facts()
    assert (facts.num_classes, facts.class_names) == (10, tuple(f"digit {label}" for label in range(10)))


def test_image_folder_reads_the_formats_it_names(tmp_path: Path) -> None:
    (tmp_path / "a" / "deeper").mkdir(parents=True)
    for end in (".png", ".JPG", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"):
        Pillow.fromarray(GREY[0]).convert("RGB").save(tmp_path / "a" / "deeper" / f"image{end}")
    assert len(ImageFolder(root=tmp_path).build()) == 9
    dataset: Any = ImageFolder(root=tmp_path, extensions=[".jpg", ".tif"]).build()
    assert [dataset.paths[place] for place in range(2)] == ["a/deeper/image.JPG", "a/deeper/image.tif"]
    assert all(dataset[place]["input"].mode == "RGB" for place in range(2))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_kind_of_pixels_becomes_the_mode(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a").mkdir()
    image = Pillow.fromarray(GREY[0]).convert("RGB").convert(mode)
    end = ".tif" if mode == "CMYK" else ".png"
    image.save(tmp_path / "a" / f"image{end}")
    for wanted in ("RGB", "L"):
        dataset: Any = ImageFolder(root=tmp_path, mode=wanted).build()
        np.testing.assert_array_equal(np.asarray(dataset[0]["input"]), np.asarray(image.convert(wanted)))


def test_mistakes_in_image_folders(tmp_path: Path) -> None:
    for folder, message in (
        ("absent", r"The image folder '.*absent' does not exist\."),
        ("file", r"The image folder '.*file' is not a folder\."),
        ("flat", r"The image folder '.*flat' has no class folder\."),
        ("half", r"No image \(\.png, .*\) in the class folder 'empty' of '.*half'\."),
    ):
        (tmp_path / "file").touch()
        (tmp_path / "flat").mkdir(exist_ok=True)
        (tmp_path / "flat" / "image.png").touch()
        write_images(tmp_path / "half")
        (tmp_path / "half" / "empty").mkdir(exist_ok=True)
        for read in (ImageFolder(root=tmp_path / folder).facts, ImageFolder(root=tmp_path / folder).build):
            with pytest.raises(DataError, match=message):
                read()


def damaged(kind: str, path: Path) -> None:
    """Make the image at ``path`` one that must be refused."""
    if kind == "truncated":
        noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
        Pillow.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "text":
        path.write_text("this is no image")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "deep":
        Pillow.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save(path)
    elif kind == "missing":
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncated", "cannot be decoded: "),
        ("text", "cannot be decoded: it is not an image in a format that is read. Replace it by a "),
        ("empty", "cannot be decoded: the file is empty. Replace or remove it."),
        (
            "deep",
            "has 16 bits per channel (Pillow mode I;16), but mode: RGB reads 8. Set mode: RGB16 (L16 for one channel) "
            "of the dataset, which reads values from 0 to 1, or convert the image to 8 bits.",
        ),
        ("missing", "does not exist. Correct its path, or leave it out."),
    ],
)
def test_images_that_cannot_be_decoded(tmp_path: Path, kind: str, reason: str) -> None:
    paths = write_images(tmp_path)
    index = write_lines(tmp_path / "index.txt", *(f"{path} 0" for path in paths))
    listed: Any = ImageIndex(index=index).build()
    folder: Any = ImageFolder(root=tmp_path).build()
    place = sorted(paths).index(paths[7])
    damaged(kind, tmp_path / paths[7])
    for dataset, number, name in (
        (listed, 7, f"The image '{paths[7]}' (line 8 of {index}) "),
        (folder, place, f"The image '{tmp_path / paths[7]}' "),
    ):
        with pytest.raises(DataError) as raised:
            dataset[number]
        assert str(raised.value).startswith(name + reason)
        assert str(raised.value).endswith(".")
        assert dataset[number - 1]["input"].size == (8, 8)
    if kind in ("text", "empty", "deep"):  # what a header shows is found before training
        with pytest.raises(DataError, match="line 8 of"):
            ImageIndex(index=index).facts()


def test_decompression_bombs_are_refused_and_the_limit_is_a_parameter(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    index = write_lines(tmp_path / "index.txt", f"{paths[0]} 0")
    for limit in (63, 20):
        declared = ImageIndex(index=index, max_pixels=limit)
        for read in (declared.facts, lambda: declared.build()[0]):  # noqa: B023  # called in this turn
            with pytest.raises(
                DataError, match=rf"line 1 of .* 8 x 8 = 64 pixels, .* is {limit}\. .* max_pixels to 64"
            ):
                read()
    assert ImageIndex(index=index, max_pixels=64).build()[0]["input"].size == (8, 8)


def test_the_limit_of_pillow_does_not_count_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 10)
    Pillow.new("RGB", (8, 8)).save(tmp_path / "a.tif")  # Pillow asks again when it decodes a TIFF file
    index = write_lines(tmp_path / "index.txt", "a.tif 0")
    assert ImageIndex(index=index).build()[0]["input"].size == (8, 8)
    assert Pillow.MAX_IMAGE_PIXELS == 10


def test_truncated_images_are_refused_whoever_allows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's switch is global: a plugin that sets it would have everybody read half images."""
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    damaged("truncated", tmp_path / "half.png")
    dataset: Any = ImageIndex(index=write_lines(tmp_path / "index.txt", "half.png 0")).build()
    with pytest.raises(DataError, match="truncated"):
        dataset[0]


def test_paths_take_little_memory_and_no_objects(tmp_path: Path) -> None:
    """Worker processes copy the pages of objects that they touch, for the count of references in them."""
    write_images(tmp_path)
    dataset: Any = ImageFolder(root=tmp_path).build()
    held = [*vars(dataset).values(), *vars(dataset.paths).values()]
    assert not any(isinstance(one, (list, tuple, dict)) for one in held)
    numbers = list(range(12))
    random.Random(0).shuffle(numbers)
    assert [dataset.paths[n] for n in numbers] == [sorted(write_images(tmp_path))[n] for n in numbers]


def test_facts_need_no_torch(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    write_images(tmp_path / "photos")
    write_index(tmp_path / "photos", tmp_path / "index.txt")
    code = f"""
import sys
from pathlib import Path
from registry_builtin.datasets.digits import Digits
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex
from registry_builtin.datasets.mnist import Mnist
root = Path({str(tmp_path)!r})
Digits().facts(), Mnist(root=root / "mnist").facts()
print([name for name in ("torch", "numpy", "PIL") if name in sys.modules])
ImageIndex(index=root / "index.txt").facts(), ImageFolder(root=root / "photos").facts()
print([name for name in ("torch", "numpy") if name in sys.modules])
"""
    assert python(code).split("\n")[:2] == ["[]", "[]"]
