"""Images in folders, one for each class: `root`/train/CLASS/..., `root`/test/CLASS/..."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnsweep.data.dataset import Dataset
from bnsweep.data.pixels import Pixels, decode
from bnsweep.data.sampling import Rows, sampled
from bnsweep.data.stacking import alike, stack
from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec import ImagesSpec

NO_IMAGES = ("Thumbs.db", "desktop.ini")
"""Files that file managers leave, beside those whose name begins with a dot."""


def load_images(spec: ImagesSpec) -> Dataset:
    """Load the images of all classes, which are the folders below `root`/train in the order of their names.

    They should be of one size, or get it by `size` (`pixels` says how). `train_limit` and `test_limit` take a
    stratified sample of them (`sampled`). The sha256 is over the path below `root`, the length and the bytes of each
    image that is taken.

    Raises:
        InputError: a folder is missing or empty, an image cannot be decoded, images differ in size, or they do not fit
            into memory.
    """
    digest, root = hashlib.sha256(), os.path.expanduser(spec.root)
    classes = _folders(spec, os.path.join(root, "train"))
    train, test = (_Part.of(spec, root, part, classes) for part in ("train", "test"))
    train_x = train.images(digest)
    test_x = test.images(digest, beside=train_x.nbytes)
    train_x, test_x = alike(train_x, test_x, (f"{spec.root}/train", f"{spec.root}/test"))
    return Dataset.from_arrays((train_x, train.labels), (test_x, test.labels), len(classes), digest.hexdigest())


@dataclass(frozen=True)
class _Part:
    """The images to train or to test on that are taken: paths below `root`, and the number of the class of each."""

    root: str
    name: str
    paths: list[str]
    labels: Rows
    size: int | None

    @classmethod
    def of(cls, spec: ImagesSpec, root: str, name: str, classes: list[str]) -> _Part:
        """Find them, and take a sample where the spec says so."""
        found: list[tuple[str, int]] = []
        for folder in _folders(spec, os.path.join(root, name)):
            if folder not in classes:
                raise InputError(f"dataset.root: {root}/{name}/{folder} is no class; {did_you_mean(folder, classes)}")
            inside = [os.path.relpath(path, root) for path in _files(os.path.join(root, name, folder))]
            if not inside:
                raise InputError(f"dataset.root: {root}/{name}/{folder} holds no images; put some there or remove it")
            found += [(path, classes.index(folder)) for path in inside]
        labels = np.array([label for _, label in found])
        limit = spec.train_limit if name == "train" else spec.test_limit
        rows = sampled(labels, limit, spec.sample_seed, name)
        return cls(root, name, [found[row][0] for row in rows], labels[rows], spec.size)

    def images(self, digest: Any, beside: int = 0) -> Pixels:
        """Return them decoded, and add what was read to the digest; other data hold `beside` bytes."""
        return stack(self._decoded(digest), len(self.paths), f"{self.root}/{self.name}", beside)

    def _decoded(self, digest: Any) -> Iterator[tuple[str, Pixels]]:
        for path in self.paths:
            where = f"the image {os.path.join(self.root, path)}"
            try:
                with open(os.path.join(self.root, path), "rb") as file:
                    content = file.read()
            except OSError as error:
                raise InputError(f"dataset: {where} cannot be read ({error.strerror})") from error
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
            yield where, decode(content, where, self.size)


def _folders(spec: ImagesSpec, path: str) -> list[str]:
    try:
        names = sorted(entry.name for entry in os.scandir(path) if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"dataset.root: {path} cannot be read ({error.strerror}); {spec.root} should hold train/CLASS/ and "
            "test/CLASS/ with images"
        ) from error
    least = 2 if path.endswith("train") else 1
    if len(names) < least:
        raise InputError(
            f"dataset.root: {path} holds {len(names)} folders; it should have one for each class, {least} at least"
        )
    return names


def _files(folder: str) -> Iterator[str]:
    """Yield the paths of all files below a folder, in the order of their names."""
    for path, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and name not in NO_IMAGES:
                yield os.path.join(path, name)
