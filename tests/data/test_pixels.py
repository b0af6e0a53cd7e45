"""What an image says is what comes out of it, in full range and upright; what would be lost is refused by name."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bnsweep.data.pixels import decode
from bnsweep.data.stacking import stack
from bnsweep.errors import InputError

RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.integers(0, 256, (5, 5), np.uint8), RNG.integers(0, 256, (5, 5, 3), np.uint8)
DEEP = RNG.integers(0, 65536, (5, 5)).astype(np.uint16)
REAL = RNG.random((5, 5), np.float32)


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(array: np.ndarray) -> np.ndarray:
    return np.stack([array] * 3)


def raw_png(depth: int, colour: int, row: bytes) -> bytes:
    """Return a PNG of one row, of which Pillow writes no such kind."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    header = struct.pack(">IIBBBBB", len(row) * 8 // (depth * channels), 1, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    )


def tiff(array: np.ndarray, **tags: int) -> bytes:
    """Return an uncompressed TIFF of one strip; the tags BitsPerSample, Photometric and SampleFormat can be given."""
    samples = array.shape[2] if array.ndim == 3 else 1
    fields = {256: array.shape[1], 257: array.shape[0], 258: 8 * array.itemsize, 259: 1, 262: 1, 273: 8, 277: samples}
    fields |= {278: array.shape[0], 279: array.nbytes, 339: {"u": 1, "i": 2, "f": 3}[array.dtype.kind]}
    fields |= {{"photometric": 262}[name]: value for name, value in tags.items()}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(fields.items()))
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(fields)) + entries + b"\0" * 4


KEPT = {
    "grey": (encoded(GREY), grey(GREY)),
    "colour": (encoded(COLOUR), COLOUR.transpose(2, 0, 1)),
    "one bit": (encoded(Image.fromarray(GREY > 99)), grey((GREY > 99) * np.uint8(255))),
    "four bits": (raw_png(4, 0, b"\x0f\x3a"), grey(np.array([[0, 255, 51, 170]], np.uint8))),
    "palette": (
        encoded(Image.fromarray(COLOUR).quantize(256)),
        np.asarray(Image.fromarray(COLOUR).quantize(256).convert("RGB")).transpose(2, 0, 1),
    ),
    "opaque": (encoded(np.dstack([COLOUR, np.full((5, 5), 255, np.uint8)])), COLOUR.transpose(2, 0, 1)),
    "opaque grey": (encoded(Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (5, 5), 255)])), grey(GREY)),
    "16-bit PNG": (encoded(DEEP), grey(DEEP)),
    "16-bit TIFF": (encoded(DEEP, "TIFF"), grey(DEEP)),
    "16-bit TIFF, compressed": (encoded(DEEP, "TIFF", compression="tiff_lzw"), grey(DEEP)),
    "16-bit TIFF, big-endian": (encoded(Image.fromarray(DEEP.astype(">u2")), "TIFF"), grey(DEEP)),
    "16-bit PGM": (b"P5 5 5 65535\n" + DEEP.astype(">u2").tobytes(), grey(DEEP)),
    "16-bit TIFF, signed": (tiff(DEEP.astype(np.int16)), grey(DEEP.astype(np.int16).astype(np.int32))),
    "32-bit TIFF": (tiff(DEEP.astype(np.int32) * 1000 - 5), grey(DEEP.astype(np.int32) * 1000 - 5)),
    "32-bit TIFF, unsigned": (tiff(DEEP.astype(np.uint32)), grey(DEEP.astype(np.int32))),
    "float TIFF": (encoded(REAL, "TIFF"), grey(REAL)),
    "PFM": (b"Pf 5 5 -1\n" + REAL[::-1].astype("<f4").tobytes(), grey(REAL)),
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_an_image_says_is_kept(kind: str) -> None:
    content, expected = KEPT[kind]
    found = decode(content, "it")
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(found, expected)


TRANSPARENT = Image.fromarray(np.dstack([COLOUR, np.where(GREY > 99, 255, 254).astype(np.uint8)]))
UNSIGNED = np.full((5, 5), 2**31, np.uint32)
REFUSED = {
    "transparent": (encoded(TRANSPARENT), "PNG of mode RGBA, has transparent pixels; flatten it"),
    "transparent grey": (encoded(TRANSPARENT.convert("LA")), "PNG of mode LA, has transparent pixels"),
    "transparent colour of a palette": (
        encoded(Image.fromarray(COLOUR).quantize(8), transparency=0),
        "PNG of mode P, has transparent pixels",
    ),
    "transparent 16-bit value": (encoded(DEEP, transparency=7), "of mode I;16, has a transparent value"),
    "16-bit colour PNG": (
        raw_png(16, 2, bytes(12)),
        "PNG of mode RGB, has colours of 16 bits a channel",
    ),
    "16-bit PNG with alpha": (raw_png(16, 4, b"\xff" * 8), "PNG of mode RGBA, has colours of 16 bits a channel"),
    "16-bit colour PPM": (b"P6 1 1 65535\n" + bytes(6), "PPM of mode RGB, has colours up to 65535"),
    "16-bit colour TIFF": (
        tiff(np.dstack([DEEP] * 3), photometric=2),
        "TIFF of mode RGB, has samples of 16 bits",
    ),
    "float64 TIFF": (tiff(REAL.astype(np.float64)), "cannot be decoded"),
    "signed bytes": (tiff(GREY.astype(np.int8)), "TIFF of mode L, has signed samples"),
    "unsigned 32-bit values that wrap": (tiff(UNSIGNED), r"TIFF of mode I, has values of 2\^31 and more"),
    "white is zero": (tiff(DEEP, photometric=0), "TIFF of mode I;16, has white as its lowest value"),
    "CMYK": (encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"), "JPEG of mode CMYK, has colours that depend"),
    "LAB": (encoded(Image.new("LAB", (5, 5)), "TIFF"), "TIFF of mode LAB, has colours that depend"),
    "animation": (
        encoded(Image.fromarray(GREY), "GIF", save_all=True, append_images=[Image.fromarray(GREY.T)]),
        "GIF of mode P, has 2 frames|GIF of mode L, has 2 frames",
    ),
    "animated PNG": (
        encoded(Image.fromarray(GREY), save_all=True, append_images=[Image.fromarray(GREY.T)]),
        "PNG of mode L, has 2 frames",
    ),
    "nan": (encoded(np.where(REAL > 0.5, np.float32(np.nan), REAL), "TIFF"), "mode F, has values that are no finite"),
    "infinity": (
        encoded(np.where(REAL > 0.5, np.float32(np.inf), REAL), "TIFF"),
        "has values that are no finite number",
    ),
    "another format": (encoded(COLOUR, "JPEG2000"), "JPEG2000 of mode RGB, may have more than what Pillow gives"),
    "no image": (b"no image", r"cannot be decoded \(cannot identify image file\); it should be a JPEG, PNG"),
    "cut": (encoded(COLOUR)[:-30], "cannot be decoded"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_be_lost_is_refused_by_name(kind: str) -> None:
    content, message = REFUSED[kind]
    with pytest.raises(InputError, match=f"^dataset: the image in row 3 of a.parquet,? .*({message})"):
        decode(content, "the image in row 3 of a.parquet")


UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}
"""What the eight values of the tag Orientation ask of rows and columns (TIFF 6.0, section 8)."""


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_images_come_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    found = decode(encoded(COLOUR, kind, exif=exif, **options), "it")
    assert np.array_equal(found.transpose(1, 2, 0), UPRIGHT[orientation](COLOUR))


def test_a_photograph_comes_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = decode(encoded(COLOUR, "JPEG"), "it")
    turned = decode(encoded(COLOUR, "JPEG", exif=exif), "it")
    assert np.array_equal(turned, np.rot90(plain, -1, (1, 2)))


def test_a_size_cuts_out_the_middle_and_scales_it() -> None:
    wide = RNG.integers(0, 256, (4, 10, 3), np.uint8)
    assert np.array_equal(decode(encoded(wide), "it", 4), wide[:, 3:7].transpose(2, 0, 1))
    assert np.array_equal(decode(encoded(np.swapaxes(wide, 0, 1)), "it", 4), wide[:, 3:7].transpose(2, 1, 0))
    assert (decode(encoded(np.full((8, 8, 3), 77, np.uint8)), "it", 3) == 77).all()


@pytest.mark.parametrize("array", [GREY, DEEP, DEEP.astype(np.int32), REAL], ids=lambda array: str(array.dtype))
def test_a_scaled_image_is_the_mean_of_what_its_pixels_cover(array: np.ndarray) -> None:
    """By the triangle filter that is twice as wide as a new pixel (`bilinear` with antialiasing)."""
    array = np.pad(array, ((0, 3), (0, 3)), mode="edge")
    found = decode(encoded(array, "TIFF"), "it", 4)
    weights = np.array([[max(0.0, 1 - abs(old + 0.5 - (new + 0.5) * 2) / 2) for old in range(8)] for new in range(4)])
    weights /= weights.sum(1, keepdims=True)
    expected = weights @ array.astype(np.float64) @ weights.T
    assert found.dtype == array.dtype
    np.testing.assert_allclose(found, grey(expected), atol=1.0 if array.dtype.kind in "ui" else 1e-6)


def test_bytes_beside_16_bits_are_put_on_their_scale() -> None:
    images = [("a", decode(encoded(GREY), "a")), ("b", decode(encoded(DEEP), "b")), ("c", decode(encoded(GREY), "c"))]
    held = stack(images, 3, "them")
    assert held.dtype == np.uint16
    for image in (held[0], held[2]):
        np.testing.assert_array_equal(image / 65535, grey(GREY) / 255)
    assert np.array_equal(held[1], grey(DEEP))


def test_kinds_between_which_no_scale_is_known_are_refused() -> None:
    images = [("a", decode(encoded(GREY), "a")), ("b", decode(encoded(REAL, "TIFF"), "b"))]
    with pytest.raises(InputError, match="dataset: b has samples of floating point, a of 8 bits, between"):
        stack(images, 2, "them")


def test_more_than_memory_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bnsweep.data.memory.memory_bytes", lambda: 2**29)
    image = ("a", np.zeros((3, 5, 5), np.uint8))
    with pytest.raises(InputError, match=r"the 10000000 images of b take 0\.698 GiB .* this process may use 0\.5 GiB"):
        stack([image], 10**7, "b")
