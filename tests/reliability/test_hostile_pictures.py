"""Hostile pictures start no program, write nothing, and are refused within 5 seconds and 1 GB."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from conftest import ROOT, Ended, changed
from reliability.hostile_pictures import CONTENTS, EPS, PLACES, encoded, write_hostile_pictures
from reliability.trials import Score

from registry_core.components.image_file import decode_image
from registry_core.components.image_formats import COMMON, EXTENSIONS, OTHERS
from registry_core.components.image_reading import ImageReading
from registry_core.diagnostics import DataError

SECONDS, BYTES = 5, 10**9
HERE = Path(__file__).parent
IMAGES = {
    *("with_eps.jpg", "with_script.gif", "with_archive.png", "exif.jpg", "large_profile.png"),
    *("loop.tif", "frames.gif", "narrow.png", "narrow.gif", "sparse.j2k"),
}
"""Those that are images all the same, of which the first is read."""


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the programs and packages that Pillow may call leave a mark."""
    folder = tmp_path_factory.mktemp("traps")
    marks = folder / "marks"
    marks.mkdir()
    for program in ("gs", "gswin32c", "gswin64c", "gswin", "convert", "magick", "xdg-open", "display"):
        (folder / program).write_text(f"#!/bin/sh\ntouch {marks / program}\nexit 1\n")
        (folder / program).chmod(0o755)
    for module in ("olefile", "defusedxml", "pillow_heif"):
        (folder / f"{module}.py").write_text(f"import pathlib\npathlib.Path({str(marks / module)!r}).touch()\n")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    path, modules = (os.pathsep.join([str(folder), *filter(None, [kept.get(name)])]) for name in ("PATH", "PYTHONPATH"))
    return {**kept, "PATH": path, "PYTHONPATH": modules, "MARKS": str(marks)}


@pytest.fixture(scope="module")
def found(traps: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What reading each of the pictures did, by its name."""
    paths = write_hostile_pictures(tmp_path_factory.mktemp("pictures"))
    command = [sys.executable, str(HERE / "read_pictures.py"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, env=traps)
    assert done.returncode == 0, done.stderr
    return {Path(each["path"]).name: each for each in map(json.loads, done.stdout.splitlines())}


def test_nothing_happens(found: dict[str, dict[str, Any]]) -> None:
    promise = f"runs and writes nothing, ends within {SECONDS} s and 1 GB, and refuses in a sentence what is no image"
    with Score("hostile files: pictures", promise) as score:
        for name in [*CONTENTS, *PLACES]:
            each = found[name]
            ended = each["status"] == 0 and "raised" not in each and each["harm"] == []
            in_time = ended and each["seconds"] < SECONDS and each["bytes"] < BYTES
            said = each["said"][:-1] if in_time else []  # the last one is of the frames
            in_sentences = all(sentence.startswith("The image '") and sentence.endswith(".") for sentence in said)
            score.trial(in_time and in_sentences and bool(said) == (name not in IMAGES), each)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eps.png", "it is PostScript (EPS), which is not read. Replace it by a PNG or JPEG file"),
        ("enhanced.bmp", "it is a Windows metafile (EMF), which is not read"),
        ("flashpix.png", "it is an OLE file, such as FlashPix"),
        ("vector.png", "it is SVG, which is not read"),
        ("page.jpg", "it is a web page, which is not read"),
        ("heif.png", "it is HEIF, which is not read"),
        ("pointer.jpg", "it is a Git LFS pointer"),
        ("zero.png", "the file is empty"),
        ("pipe.png", "it is a named pipe, not a file"),
        ("endless.png", "it is a device, not a file"),
        ("socket.png", "it is a socket, not a file"),
        ("canvas.webp", "has 16000 x 16000 = 256000000 pixels, but max_pixels of the dataset is 89478485"),
        ("scans.jpg", "scans; at most 64 are decoded"),
        ("numbers.tif", "30,000,008 numbers in its TIFF tags; at most 1,000,000 are read"),
        ("tiles.tif", "tiles of 40,000 x 40,000 pixels"),
        ("sparse.webp", "has 68,719,476,736 bytes"),
        ("padded.jpg", "more than 128 MiB besides its pixels, or very many tiny blocks"),
    ],
)
def test_the_reason_is_named(found: dict[str, dict[str, Any]], name: str, words: str) -> None:
    assert any(words in sentence for sentence in found[name]["said"]), found[name]["said"]


def test_nothing_was_called(found: dict[str, dict[str, Any]], traps: dict[str, str]) -> None:
    assert found
    assert list(Path(traps["MARKS"]).iterdir()) == []


def test_pillow_alone_starts_a_program(traps: dict[str, str], tmp_path: Path) -> None:
    """The control: the mark of Ghostscript appears when an EPS file called cat.png is read in the usual way."""
    (tmp_path / "cat.png").write_bytes(EPS)
    code = "import sys, PIL.Image\nPIL.Image.open(sys.argv[1]).load()"
    marks = tmp_path / "marks"
    marks.mkdir()
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {marks / 'gs'}\nexit 1\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{traps['PATH']}"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "cat.png")], capture_output=True, env=environment)
    assert (marks / "gs").exists()


def test_a_folder_of_them_is_read_by_the_commands(
    command: Callable[..., Ended], traps: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", traps["PATH"])
    for name in ("cat", "dog"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        (folder / "whole.png").write_bytes(encoded("PNG"))
        (folder / "eps.png").write_bytes(EPS)
        os.mkfifo(folder / "pipe.png")
        (folder / "endless.png").symlink_to("/dev/zero")
    data = {"dataset": {"image_folder": {"root": str(tmp_path / "images")}}, "transforms": ["to_tensor"]}
    model = {"mlp": {"size": 16, "in_channels": 3, "num_classes": 2}}
    pipeline = changed(data__train=data, data__val=None, data__batch_size=2, model=model)
    (tmp_path / "pipeline.json").write_text(json.dumps(pipeline))
    quick = command("validate", tmp_path / "pipeline.json")
    assert quick.code == 2
    assert "it is a device, not a file" in quick.err
    whole = command("validate", tmp_path / "pipeline.json", "--data", "--json")
    assert whole.code == 2
    for words in ("PostScript (EPS), which is not read", "a named pipe, not a file", "a device, not a file"):
        assert whole.out.count(words) >= 2
    assert list(Path(traps["MARKS"]).iterdir()) == []


def test_no_other_module_opens_images() -> None:
    """And none without a list of formats."""
    opening = re.compile(r"\bImage\.open\((?!.*formats=)|ImageFile\.Parser|read_image\((?=['\"])|imread|decode_jpeg\(")
    sources = [path for folder in ("registry_core", "plugins") for path in (ROOT / folder).rglob("*.py")]
    found = [path for path in sources if "tests" not in path.parts and opening.search(path.read_text())]
    assert len(sources) > 100
    assert found == []


@pytest.mark.parametrize("format_name", [one.name for one in (*COMMON, *OTHERS)])
def test_every_format_of_the_list_is_read_whatever_its_name(tmp_path: Path, format_name: str) -> None:
    """The pixels are those of Pillow."""
    PIL.Image.init()
    if format_name not in PIL.Image.SAVE:
        pytest.skip(f"this Pillow does not write {format_name}")
    path = tmp_path / "picture.dat"
    path.write_bytes(encoded(format_name))
    with PIL.Image.open(path) as image:
        expected = image.convert("RGB")
    assert decode_image(path, ImageReading(background=None)).tobytes() == expected.tobytes()


def test_the_extensions_are_those_of_pillow() -> None:
    PIL.Image.init()
    known = PIL.Image.registered_extensions()
    assert {end: known.get(end, name) for end, name in EXTENSIONS.items()} == EXTENSIONS


def test_a_picture_that_another_package_registered_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setitem(PIL.Image.OPEN, "HEIF", (lambda *_: called.append(1), lambda _: True))
    monkeypatch.setattr(PIL.Image, "ID", ["HEIF", *PIL.Image.ID])
    (tmp_path / "a.png").write_bytes(b"something")
    with pytest.raises(DataError, match="it is not an image in a format that is read"):
        decode_image(tmp_path / "a.png", ImageReading())
    assert not called


def test_large_transparent_images_are_laid_over_the_background_in_strips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bits of an image that is laid at once."""
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG", (53, 97), "RGBA"))
    with PIL.Image.open(path) as image:
        below = PIL.Image.new("RGBA", image.size, (10, 20, 30, 255))
        expected = PIL.Image.alpha_composite(below, image).convert("RGB")
    monkeypatch.setattr("registry_core.components.image_file._STRIP", 53 * 10)
    assert decode_image(path, ImageReading(background=(10, 20, 30))).tobytes() == expected.tobytes()
