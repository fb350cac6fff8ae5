"""Faulty samples that are skipped: the same batches as without them, apart from the places that others take."""

from __future__ import annotations

import errno
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faulty_images import CLASSES, EACH, FAULTY, LISTED, pipeline_of, write_folders, write_index
from planted_faults import plant
from torch import Tensor

from registry_core import load
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.skipping import is_fault_of_sample
from registry_core.assembly.pipeline import assemble
from registry_core.diagnostics import BrokenComponent, DataError, RegistryError, RunError
from registry_core.engine.view import SectionSamples
from registry_core.inspection.whitening import whitening_of
from registry_core.planning.make import make_plan


def loaders(folder: Path, spec: dict[str, Any]) -> dict[str, Loader]:
    """The loaders of a pipeline."""
    path = folder / "pipeline.json"
    path.write_text(json.dumps(spec))
    return dict(assemble(make_plan(load(path))).loaders)


def rows(loader: Loader, epoch: int) -> dict[tuple[int, int], Tensor]:
    """Each image of an epoch by its batch and its place in it."""
    found = {}
    for loaded in loader.batches(epoch):
        for place, image in enumerate(loaded.entries["input"]):
            found[loaded.request.batch, place] = image
    return found


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The same images twice: whole, and with some of them faulty."""
    return write_folders(tmp_path / "whole", {}), write_folders(tmp_path / "faulty", FAULTY)


@pytest.mark.covers("section/data", reference="the same pipeline on whole files")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("rewrite", [True, False])
def test_all_other_samples_are_as_on_whole_files(
    folders: tuple[Path, Path], tmp_path: Path, workers: int, rewrite: bool
) -> None:
    options = {"workers": workers, "rewrites": {"batch_trailing_transforms": rewrite}}
    whole = loaders(tmp_path, pipeline_of(folders[0]))["train"]
    skipping = loaders(tmp_path, pipeline_of(folders[1], **options))["train"]
    for epoch in range(3):
        wanted, found = rows(whole, epoch), rows(skipping, epoch)
        assert wanted.keys() == found.keys()
        order = whole.epochs.indices(epoch)
        for (batch, place), image in found.items():
            if int(order[4 * batch + place]) not in FAULTY:
                assert torch.equal(image, wanted[batch, place])
    skipping.close()
    assert skipping.skipped is not None
    assert sorted(skipping.skipped.samples) == sorted(FAULTY)
    for index, sample in skipping.skipped.samples.items():
        assert Path(sample.path) == folders[1] / CLASSES[index // EACH] / f"{index:02}.jpg"
        word = {"truncated": "runcated", "empty": "the file is empty", "text": "not an image"}[FAULTY[index]]
        assert word in sample.reason


def test_the_next_sample_takes_the_place_with_random_numbers_of_its_own(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    spec = pipeline_of(folders[1])
    crops = loaders(tmp_path, spec)["train"]
    spec["data"]["train"]["transforms"] = [{"center_crop": {"size": 8}}, "to_tensor"]
    plain = loaders(tmp_path, spec)["train"]
    spec["data"]["train"]["dataset"]["image_folder"]["root"] = str(folders[0])
    whole = loaders(tmp_path, spec)["train"]
    places = {index: divmod(place, 4) for place, index in enumerate(whole.epochs.indices(0).tolist())}
    found, wanted, drawn = rows(plain, 0), rows(whole, 0), rows(crops, 0)
    for faulty, following in ((3, 4), (11, 13), (12, 13), (25, 26), (35, 0)):
        assert torch.equal(found[places[faulty]], wanted[places[following]])
    assert not torch.equal(drawn[places[11]], drawn[places[12]]), "both are of sample 13, and cropped differently"
    batch = next(loaded for loaded in plain.batches(0) if loaded.request.batch == places[3][0])
    assert batch.request.indices[places[3][1]] == 4, "messages about the batch name what is in it"
    assert int(batch.entries["target"][places[3][1]]) == 0


def test_samples_that_are_repeated_are_replaced_each_time_differently(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    spec = pipeline_of(folders[1])
    spec["data"]["train"]["sampler"] = {"repeated": {"times": 3}}
    spec["data"]["train"]["transforms"] = [
        {"center_crop": {"size": 8}},
        "to_tensor",
        {"gaussian_noise": {"sigma": 0.1}},
    ]
    loader = loaders(tmp_path, spec)["train"]
    found, order = rows(loader, 1), loader.epochs.indices(1).tolist()
    places = [divmod(place, 4) for place, index in enumerate(order) if index in (3, 4)]
    assert len({found[place].numpy().tobytes() for place in places}) == 6, "three of sample 4, and three instead of 3"


def test_replacements_are_among_the_samples_of_the_epoch(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """A sampler may leave samples out, such as those of another section."""
    loader = loaders(tmp_path, pipeline_of(folders[1]))["train"]
    assert loader._skipper is not None
    loader._skipper.indices = lambda epoch: np.array([11, 3, 2, 30, 11])
    request = next(loader.epochs.requests(0))._replace(indices=(11, 3, 2, 30))
    assert loader._skipper.load(request).loaded.request.indices == (30, 30, 2, 30)
    loader._skipper._drawn = None
    loader._skipper.indices = lambda epoch: np.array([11, 3])
    with pytest.raises(DataError, match=r"No sample of an epoch of data\.train can be used"):
        loader._skipper.load(request)


def test_an_evaluation_leaves_them_out(tmp_path: Path) -> None:
    train = write_folders(tmp_path / "train", {})
    index = write_index(tmp_path / "val", LISTED)
    spec = pipeline_of(train, index, batch_size=3)
    loader = loaders(tmp_path, spec)["val"]
    batches = list(loader.batches(0))
    assert [len(loaded.request.indices) for loaded in batches] == [2, 3, 0, 3, 3, 3, 2, 3]
    assert batches[2].entries == {}
    assert [number for loaded in batches for number in loaded.request.indices] == [
        number for number in range(24) if number not in LISTED
    ]
    assert loader.skipped is not None
    assert sorted(loader.skipped.samples) == sorted(LISTED)
    assert "has the label 3, outside the classes 0 to 2" in loader.skipped.samples[7].reason
    assert "does not exist" in loader.skipped.samples[6].reason


def test_labels_of_mnist_files_that_are_no_digits(tmp_path: Path) -> None:
    for split, number in (("train", 30), ("t10k", 10)):
        header = (0x803).to_bytes(4, "big") + b"".join(side.to_bytes(4, "big") for side in (number, 28, 28))
        (tmp_path / f"{split}-images-idx3-ubyte").write_bytes(header + bytes(number * 28 * 28))
        labels = bytes(17 if n == 4 else n % 10 for n in range(number))
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(
            (0x801).to_bytes(4, "big") + number.to_bytes(4, "big") + labels
        )
    spec = pipeline_of(tmp_path)
    spec["data"]["train"] = {"dataset": {"mnist": {"root": str(tmp_path)}}, "transforms": ["to_tensor"]}
    spec["model"] = {"mlp": {"size": 28, "hidden": [4], "num_classes": 10}}
    loader = loaders(tmp_path, spec)["train"]
    assert sum(len(loaded.request.indices) for loaded in loader.batches(0)) == 30
    assert loader.skipped is not None
    assert list(loader.skipped.samples) == [4]
    with pytest.raises(RegistryError, match="has the label 17 for image 4"):
        loaders(tmp_path, {**spec, "data": {**spec["data"], "on_error": "stop", "max_skipped": None}})


def test_every_planted_fault_that_reading_shows_is_listed(tmp_path: Path) -> None:
    """The 1,000 images with 50 faults of tests/planted_faults.py, without those of values."""
    planted = plant(tmp_path / "data")
    spec = planted.pipeline()
    del spec["data"]["test"]
    spec["data"]["train"]["dataset"]["image_folder"]["classes"] = list(CLASSES_OF_PLANTED)
    spec["data"] |= {"on_error": "skip", "max_skipped": 50}
    found = set()
    for section, loader in loaders(tmp_path, spec).items():
        for _ in loader.batches(0):
            pass
        assert loader.skipped is not None
        found |= {(section, sample.index, sample.path) for sample in loader.skipped.samples.values()}
    wanted = {at for at, (kind, _) in planted.faults.items() if kind in ("unreadable", "target") and at[0] != "test"}
    assert found == wanted
    assert len(wanted) == 34


CLASSES_OF_PLANTED = ("ant", "bee", "cat", "dog", "eel", "fly")


@pytest.mark.parametrize("workers", [0, 2])
def test_more_than_may_be_skipped_is_an_error(folders: tuple[Path, Path], tmp_path: Path, workers: int) -> None:
    loader = loaders(tmp_path, pipeline_of(folders[1], workers=workers, max_skipped=3))["train"]
    with pytest.raises(DataError, match=r"More than 3 of 36 samples of data\.train are faulty.*The last one: The im"):
        list(loader.batches(0))
    loader.close()
    assert loader.skipped is not None
    assert len(loader.skipped.samples) == 4


@pytest.mark.parametrize(("length", "limit"), [(1, 0), (2, 1), (199, 1), (1_000, 10), (10_000, 100), (10**7, 100)])
def test_the_limit_without_one_in_the_file(length: int, limit: int) -> None:
    from registry_core.planning.program import Skipping

    assert Skipping(None, replaced=True).limit(length) == limit
    assert Skipping(7, replaced=True).limit(length) == min(7, length - 1)


PARTS = '''
import torch

calls = []

class Failing:
    """Zeros; sample 5 raises an error of this name."""
    def __init__(self, error: str = "", path: str = ""):
        self.error = error
    def __len__(self):
        return 12
    def __getitem__(self, n):
        if n == 5 and self.error == "pair":
            return 5
        if n == 5 and self.error:
            raise {"ValueError": ValueError("bad"), "MemoryError": MemoryError(), "SystemExit": SystemExit(3),
                   "many files": OSError(24, "Too many open files"), "no file": FileNotFoundError(2, "No such file"),
                   "time": TimeoutError("no answer"), "disk": OSError(5, "Input/output error"),
                   "interrupt": KeyboardInterrupt()}[self.error]
        return {"input": torch.full((1, 4, 4), float(n)), "target": n % 2}


class Picky:
    """Refuses one image, or all."""
    def __init__(self, which: int = -1):
        self.which = which
    def __call__(self, image):
        calls.append(1)
        if self.which < 0 or int(image.max()) == self.which:
            raise TypeError("unsupported operand")
        return image
'''
ENTRIES = """[registry_core.v1.datasets]
failing = parts_skipping:Failing
[registry_core.v1.transforms]
picky = parts_skipping:Picky
"""


@pytest.fixture
def failing(distribution: Callable[..., Path], tmp_path: Path) -> Callable[..., Loader]:
    """The loader of a data set or a transform that fails."""
    distribution("acme", ENTRIES, modules={"parts_skipping": PARTS})

    def make(error: str = "", which: int | None = None, **data: Any) -> Loader:
        spec = pipeline_of(tmp_path)
        section: dict[str, Any] = {"dataset": {"failing": {"error": error}}, "sampler": "sequential"}
        if which is not None:
            section["transforms"] = [{"picky": {"which": which}}]
        spec["data"] |= {"train": section, **data}
        spec["model"] = {"mlp": {"size": 4, "hidden": [4], "num_classes": 2}}
        return loaders(tmp_path, spec)["train"]

    return make


@pytest.mark.parametrize("error", ["ValueError", "pair", "no file"])
def test_errors_of_any_dataset_are_skipped(failing: Callable[..., Loader], error: str) -> None:
    loader = failing(error)
    assert [loaded.entries["input"][:, 0, 0, 0].tolist() for loaded in loader.batches(0)][1] == [4, 6, 6, 7]
    assert loader.skipped is not None
    assert list(loader.skipped.samples) == [5]


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_transforms_are_skipped(failing: Callable[..., Loader], workers: int) -> None:
    loader = failing(which=5, workers=workers)
    assert [loaded.entries["input"][:, 0, 0, 0].tolist() for loaded in loader.batches(0)][1] == [4, 6, 6, 7]
    loader.close()
    assert loader.skipped is not None
    reason = loader.skipped.samples[5].reason
    assert "'picky'" in reason
    assert "failed on sample 5: TypeError: unsupported operand" in reason


@pytest.mark.parametrize("error", ["MemoryError", "SystemExit", "interrupt", "many files", "time", "disk"])
def test_errors_of_the_machine_are_not_skipped(failing: Callable[..., Loader], error: str) -> None:
    with pytest.raises(BrokenComponent, match="failed on sample 5"):
        list(failing(error).batches(0))


def test_what_is_no_fault_of_a_sample() -> None:
    assert is_fault_of_sample(DataError("The image is damaged."))
    assert not is_fault_of_sample(RunError("The shared memory is full."))
    for cause in (
        MemoryError(),
        SystemExit(),
        KeyboardInterrupt(),
        OSError(errno.ESTALE, "stale"),
        RuntimeError("can't allocate memory"),
    ):
        for link in ("__cause__", "__context__"):
            error = DataError("The image cannot be decoded.")
            setattr(error, link, cause)
            assert not is_fault_of_sample(error)


def test_a_transform_that_fails_always_ends_the_run_soon(failing: Callable[..., Loader]) -> None:
    loader = failing(which=-1, max_skipped=4)
    import parts_skipping

    parts_skipping.calls.clear()
    with pytest.raises(DataError, match=r"More than 4 of 12 samples of data\.train are faulty.*'picky'"):
        list(loader.batches(0))
    assert len(parts_skipping.calls) <= 7, "one of the batch, and one more than may be skipped"


def test_no_sample_at_all(failing: Callable[..., Loader]) -> None:
    with pytest.raises(DataError, match=r"No sample of data\.train can be used\. The last one: The transform 'picky'"):
        list(failing(which=-1, max_skipped=1_000).batches(0))


def test_a_balanced_sampler_needs_right_labels(tmp_path: Path) -> None:
    """It would draw a class of wrong labels as often as each other one."""
    index = write_index(tmp_path / "train", LISTED)
    spec = pipeline_of(tmp_path)
    spec["data"]["train"] |= {"dataset": {"image_index": {"index": str(index)}}, "sampler": "class_balanced"}
    with pytest.raises(DataError, match=r"needs the class of every sample, but 2 labels of data\.train are outside"):
        loaders(tmp_path, spec)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['# classes: ["ant"]', "00.png", "01.png 0"], "has no label"),
        (["00.png 0", "01.png -1"], "The label -1 of '01.png' is negative"),
        (['# classes: ["ant", "bee"]', "00.png 1", "01.png 2"], "Number the classes from 0"),
        (['# classes: ["ant"]', "absent.png 0", "gone.png 0"], "does not exist"),
    ],
)
def test_what_an_index_file_must_have_all_the_same(tmp_path: Path, lines: list[str], message: str) -> None:
    """Lines that are no samples, labels that may mean anything, and paths that are all wrong."""
    index = write_index(tmp_path / "train", {})
    index.write_text("\n".join(lines) + "\n")
    spec = pipeline_of(tmp_path)
    spec["data"]["train"]["dataset"] = {"image_index": {"index": str(index)}}
    with pytest.raises(RegistryError, match=message):
        loaders(tmp_path, spec)


def test_what_workers_need_can_be_sent_to_them(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Where processes are spawned instead of forked, all of it travels by pickle."""
    loader = loaders(tmp_path, pipeline_of(folders[1]))["train"]
    request = next(request for request in loader.epochs.requests(1) if 11 in request.indices)
    here, there = loader._source[request], pickle.loads(pickle.dumps(loader._source))[request]
    assert torch.equal(here.loaded.entries["input"], there.loaded.entries["input"])
    assert here.skipped == there.skipped


def test_hooks_are_shown_samples_that_can_be_used(folders: tuple[Path, Path], tmp_path: Path) -> None:
    index = write_index(tmp_path / "val", LISTED)
    both = loaders(tmp_path, pipeline_of(folders[1], index))
    val = SectionSamples(both["val"])
    assert val.batch([5, 6, 0], 0)["target"].tolist() == [2, 0, 1], "samples 5, 9 and 1"
    assert torch.equal(val.sample(6, 0)["input"], val.sample(9, 0)["input"])
    assert SectionSamples(both["train"]).sample(35, 0)["target"] == 0


def test_whitening_counts_each_image_once(folders: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(pipeline_of(folders[1], batch_size=1)))
    spec = load(path).spec
    assert whitening_of(spec, "linear_transformation", "zca", 0.1).images == EACH * len(CLASSES) - len(FAULTY)
