"""Four arrays in one file, as `numpy.savez` writes them."""

from __future__ import annotations

import os
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

import numpy as np

from bnsweep.data.arrays import PARTS, GivenArrays
from bnsweep.data.content import of_files
from bnsweep.data.dataset import Dataset, num_outputs
from bnsweep.data.memory import require_memory
from bnsweep.data.sampling import sampled
from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec import NpzSpec


def load_npz(spec: NpzSpec) -> Dataset:
    """Load `train_x`, `train_y`, `test_x` and `test_y`; what they should be, `GivenArrays` says.

    `train_limit` and `test_limit` take a stratified sample of the samples, in their order (`sampled`); of real targets
    a plain one. Objects are
    not unpickled: a file runs no code.

    Raises:
        InputError: the file cannot be read, lacks an array, does not fit into memory, or is no data to learn
            from.
    """
    try:
        with open(os.path.expanduser(spec.file), "rb") as file:
            sha256, given = of_files([file]), _arrays(spec, file)
    except InputError:
        raise
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(
            f"dataset.file: {spec.file} cannot be read as npz ({error}); give a file that numpy.savez wrote"
        ) from error
    train, test = given.labelled()
    num_classes = num_outputs(train[1], test[1])
    train_rows = sampled(train[1], spec.train_limit, spec.sample_seed, "train")
    test_rows = sampled(test[1], spec.test_limit, spec.sample_seed, "test")
    return Dataset.from_arrays(
        (train[0][train_rows], train[1][train_rows]), (test[0][test_rows], test[1][test_rows]), num_classes, sha256
    )


def _arrays(spec: NpzSpec, file: BinaryIO) -> GivenArrays:
    held = np.load(file, allow_pickle=False)
    if not isinstance(held, np.lib.npyio.NpzFile):
        raise InputError(f"dataset.file: {spec.file} holds one array; give a file that numpy.savez wrote")
    for part in PARTS:
        if part not in held.files:
            raise InputError(f"dataset.file: {spec.file} has no array '{part}'; {did_you_mean(part, held.files)}")
    with ZipFile(file) as members:
        num_bytes = sum(members.getinfo(f"{part}.npy").file_size for part in PARTS)
    require_memory(num_bytes, f"the arrays of {spec.file}")
    return GivenArrays({part: held[part] for part in PARTS}, f"dataset.file: {spec.file}")
