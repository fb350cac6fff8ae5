"""Class folders: their links, their order, the classes that are given, and the images that are left out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from conftest import Ended
from pydantic import ValidationError
from registry_builtin.datasets.image_files import ImageFolder, ImageIndex

from registry_core.components.class_folders import IMAGE_EXTENSIONS
from registry_core.components.folder_listing import list_folder
from registry_core.diagnostics import DataError


def images(root: Path, *files: str) -> Path:
    for number, file in enumerate(files):
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        form = "JPEG" if path.suffix == ".jfif" else "PNG"  # Pillow reads a file by its content, not its extension
        PIL.Image.new("L", (8, 8), 10 * number).save(path, format=form)
    return root


def samples(folder: ImageFolder) -> list[tuple[str, int]]:
    """The path and the label of every sample."""
    built: Any = folder.build()
    return [(os.path.relpath(built.sample_path(n), folder.root), built[n]["target"]) for n in range(len(built))]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("cat/loop", "."),
        ("cat/loop", ".."),
        ("cat/deep/loop", "../.."),
        ("cat/deep/loop", "../../.."),
        ("loop", "."),
        ("loop", ".."),
    ],
)
def test_a_link_to_a_folder_around_it_is_refused(tmp_path: Path, link: str, target: str) -> None:
    root = images(tmp_path / "data", "cat/0.png", "cat/deep/1.png", "dog/0.png")
    (root / link).symlink_to(target)
    for read in (ImageFolder(root=root).facts, ImageFolder(root=root).build, ImageFolder(root=root).inventory):
        with pytest.raises(
            DataError, match=rf"The link '{root / link}' leads to '.*', a folder that contains the link"
        ):
            read()


def test_links_that_lead_round_by_way_of_each_other_are_refused(tmp_path: Path) -> None:
    root = images(tmp_path / "data", "cat/0.png", "dog/0.png")
    images(tmp_path, "one/0.png", "two/0.png")
    (root / "cat" / "one").symlink_to("../../one")
    (tmp_path / "one" / "two").symlink_to("../two")
    (tmp_path / "two" / "one").symlink_to("../one")
    with pytest.raises(DataError, match=r"The link '.*/cat/one/two/one' leads to '.*/one', a folder that contains"):
        ImageFolder(root=root).facts()


@pytest.mark.parametrize(("link", "target"), [("cat/more", "../dog"), ("feline", "cat"), ("cat/more", "../../x/y")])
def test_a_link_from_one_class_into_another_is_refused(tmp_path: Path, link: str, target: str) -> None:
    root = images(tmp_path / "data", "cat/0.png", "dog/0.png")
    images(tmp_path / "x", "y/0.png")
    (root / "dog" / "others").symlink_to("../../x")
    (root / link).symlink_to(target)
    with pytest.raises(DataError, match="its images would have two classes"):
        ImageFolder(root=root).facts()


def test_links_to_other_folders_and_files_are_followed(tmp_path: Path) -> None:
    """The files are those of the folders that the links lead to, each once."""
    images(tmp_path / "elsewhere", "a/0.png", "a/deep/1.png", "2.png")
    root = images(tmp_path / "data", "dog/0.png", "cat/own.png")
    (root / "cat" / "linked").symlink_to(tmp_path / "elsewhere" / "a")
    (root / "cat" / "two.png").symlink_to(tmp_path / "elsewhere" / "2.png")
    (root / "emu").symlink_to(root.parent / "elsewhere" / "a" / "deep")
    with pytest.raises(DataError, match="two classes"):
        ImageFolder(root=root).facts()
    (root / "emu").unlink()
    assert samples(ImageFolder(root=root)) == [
        ("cat/linked/0.png", 0),
        ("cat/linked/deep/1.png", 0),
        ("cat/own.png", 0),
        ("cat/two.png", 0),
        ("dog/0.png", 1),
    ]


def test_every_image_is_read_or_counted(tmp_path: Path) -> None:
    read = [*(f"cat/{n}.png" for n in range(3)), "dog/0.JPG", "dog/deep/1.PNG"]
    left = ["dog/2.jfif", "dog/3.JFIF", "cat/4.pgm", "cat/5.heic", "dog/deep/6.avif", "7.png", "8.heic"]
    root = images(tmp_path, *read, *left)
    for name in ("notes.txt", "cat/labels.csv", "cat/._1.png", ".hidden/1.png", "cat/.thumbs/0.png", "dog/Thumbs.db"):
        images(root, name)
    facts = ImageFolder(root=root).facts()
    assert facts.length == len(read)
    found = facts.left_out
    assert found is not None
    assert (found.count, found.of) == (7, 12)
    assert dict(found.reasons) == {
        "of the extension .jfif": 2,
        "of the extension .pgm": 1,
        "of the extension .heic": 1,
        "of the extension .avif": 1,
        "outside of the class folders": 2,
    }
    wanted = ", ".join((*IMAGE_EXTENSIONS, ".avif", ".jfif", ".pgm"))
    assert found.remedy == (
        f"Set extensions to [{wanted}] to read them. Convert the .heic files. "
        "Move the images into class folders, or out of this folder."
    )
    listed = {os.path.relpath(entry.path, root) for entry in ImageFolder(root=root).inventory().left_out}
    assert listed == set(left)
    more = ImageFolder(root=root, extensions=wanted.split(", "))
    assert [name for name, _ in samples(more)] == sorted({*read, *left} - {"7.png", "8.heic", "cat/5.heic"})
    assert more.facts().left_out is not None, "two images are outside of the class folders"


def test_extensions_that_are_chosen_are_left_out_on_purpose(tmp_path: Path) -> None:
    root = images(tmp_path, "cat/0.png", "dog/0.png", "dog/1.jpg")
    chosen = ImageFolder(root=root, extensions=[".png"])
    assert chosen.facts().left_out is None
    assert len(chosen.inventory().left_out) == 1
    assert ImageFolder(root=root).facts().left_out is None


def test_a_class_with_images_of_other_extensions_alone(tmp_path: Path) -> None:
    root = images(tmp_path, "cat/0.png", "dog/0.jfif")
    message = (
        r"in the class folder 'dog' of .*\. It has 1 with other extensions, such as '.*/dog/0\.jfif'\. Set extensi"
    )
    with pytest.raises(DataError, match=message):
        ImageFolder(root=root).facts()


def test_numbers_are_sorted_as_text_or_as_numbers(tmp_path: Path) -> None:
    root = images(tmp_path, *(f"{number}/0.png" for number in range(12)))
    as_text = [name for name, _ in samples(ImageFolder(root=root))]
    assert as_text[2] == "10/0.png"
    assert samples(ImageFolder(root=root, order="number")) == [(f"{number}/0.png", number) for number in range(12)]
    assert ImageFolder(root=root, order="number").facts().class_names == tuple(map(str, range(12)))
    with pytest.raises(DataError, match=r"'cat' of '.*' is not a whole number"):
        ImageFolder(root=images(root, "cat/0.png"), order="number").facts()


def test_classes_that_are_given(tmp_path: Path) -> None:
    root = images(tmp_path, "cat/0.png", "dog/0.png", "owl/0.png")
    given = ImageFolder(root=root, classes=["owl", "cat", "dog"])
    assert samples(given) == [("owl/0.png", 0), ("cat/0.png", 1), ("dog/0.png", 2)]
    assert given.facts().class_names == ("owl", "cat", "dog")
    part = ImageFolder(root=root, classes=["owl", "cat"])
    assert samples(part) == [("owl/0.png", 0), ("cat/0.png", 1)]
    left_out = part.facts().left_out
    assert left_out is not None
    assert left_out.reasons == (("in the folder 'dog', which is not in `classes`", 1),)
    with pytest.raises(DataError, match=r"has no folder for the class 'dgo', but 'dog', which .* Did you mean 'dog'\?"):
        ImageFolder(root=root, classes=["cat", "dgo", "owl"]).facts()
    with pytest.raises(ValidationError, match="names 'cat' twice"):
        ImageFolder(root=root, classes=["cat", "cat"])
    with pytest.raises(ValidationError, match="no effect with `classes`"):
        ImageFolder(root=root, classes=["cat"], order="number")


@pytest.mark.parametrize("made", [True, False])
def test_a_class_that_is_given_may_have_no_images(tmp_path: Path, made: bool) -> None:
    root = images(tmp_path, "cat/0.png", "owl/0.png")
    if made:
        (root / "dog").mkdir()
        with pytest.raises(DataError, match=r"name all classes: `classes: \[cat, dog, owl\]`"):
            ImageFolder(root=root).facts()
    given = ImageFolder(root=root, classes=["cat", "dog", "owl"])
    assert samples(given) == [("cat/0.png", 0), ("owl/0.png", 2)]
    facts = given.facts()
    assert (facts.length, facts.num_classes) == (2, 3)
    assert given.inventory().unusable == ()
    for extensions in ([".jpg"], [".webp", ".jpg"]):
        with pytest.raises(DataError, match="No image"):
            ImageFolder(root=root, classes=["cat", "dog", "owl"], extensions=extensions).facts()


def test_validation_without_a_class_runs(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    train = images(tmp_path / "train", *(f"{name}/{n}.png" for name in ("cat", "dog") for n in range(4)))
    val = images(tmp_path / "val", "cat/0.png", "cat/1.png")

    def of(root: Path, **more: Any) -> dict[str, Any]:
        return {"dataset": {"image_folder": {"root": str(root), "mode": "L", **more}}, "transforms": ["to_tensor"]}

    data = {"train": of(train), "val": of(val), "batch_size": 4}
    ended = command("validate", pipeline(data=data, model__mlp__num_classes=2))
    assert "it lacks 'dog'" in ended.err
    assert "If a class has no images in data.val, name all: `classes: [cat, dog]`." in ended.err
    data["val"] = of(val, classes=["cat", "dog"])
    path = pipeline(data=data, model__mlp__num_classes=2)
    assert command("train", path, "--out", tmp_path / "run").code == 0


def test_an_index_tells_what_it_leaves_out(command: Callable[..., Ended], tmp_path: Path) -> None:
    root = images(tmp_path / "photos", "cat/0.png", "dog/0.png", "dog/1.jfif")
    ended = command("index", root)
    assert ended.code == 0
    assert "warning: The index does not list 1 of 3 image files: 1 of the extension .jfif, such as" in ended.err
    assert ImageIndex(index=root / "index.txt").facts().length == 2


def test_a_listing_has_the_inode_numbers_of_its_files(tmp_path: Path) -> None:
    root = images(tmp_path, "0.png", "1.png", "deep/2.png")
    (root / "linked.png").symlink_to("deep/2.png")
    (root / "broken.png").symlink_to("nowhere")
    (root / "around").symlink_to(".")
    found = list_folder(str(root))
    assert found.inodes == {name: (root / name).stat().st_ino for name in ("0.png", "1.png")}
    other = (root / "deep" / "2.png").stat()
    assert found.linked == {"linked.png": (other.st_dev, other.st_ino)}
    assert (found.others, found.folders, found.folder_links) == (["broken.png"], ["deep"], ["around"])


def test_predictions_of_a_folder_are_those_of_its_images(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    assert command("train", pipeline(train__max_steps=2), "--out", tmp_path / "run").code == 0
    files = ["a/10.png", "a/2.png", "b.jfif", "c.PNG"]
    folder = images(tmp_path / "photos", *files, "d.heic", "notes.txt", ".hidden.png")
    apart = command("predict", tmp_path / "run", *(folder / file for file in files), "--json")
    together = command("predict", tmp_path / "run", folder, "--json")
    assert json.loads(together.out) == json.loads(apart.out)
    assert f"warning: 1 image of '{folder}', such as '{folder / 'd.heic'}', cannot be read." in together.err
    (folder / "none").mkdir()
    ended = command("predict", tmp_path / "run", folder / "none")
    assert ended.code == 2
    assert f"The folder '{folder / 'none'}' contains no image. Name image files, or a folder of images." in ended.err
