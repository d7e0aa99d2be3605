"""Folders of images as arrays."""

import os
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from ._progress import progress
from ._typing import validate_params
from ._warn import warn

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_POSITIVE = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "folder": [str, os.PathLike],
        "size": [_POSITIVE, tuple, list],
        "crop": [_POSITIVE, Interval(Real, 0, 1, closed="neither"), tuple, list, None],
        "grey": ["boolean"],
        "max_images": [_POSITIVE, None],
        "on_error": [StrOptions({"raise", "warn"})],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def load_image_folder(
    folder: str | os.PathLike[str],
    size: int | Sequence[int] = 64,
    *,
    crop: float | Sequence[int] | None = None,
    grey: bool = False,
    max_images: int | None = None,
    on_error: str = "raise",
    verbose: int = 0,
) -> NDArray[np.uint8]:
    """Read a folder of images, cropped about their centre and resized.

    Parameters
    ----------
    folder : str or path
        Searched with its subfolders; files are taken in the order of their names.

    size : int or (int, int), default=64
        Height and width of what is returned.

    crop : int, float or (int, int), default=None
        Height and width in pixels of the middle that is kept before resizing, or a
        share of the shorter side; None keeps the largest middle that has the
        proportions of `size`. (The faces of CelebA: 108 or 140.)

    grey : bool, default=False
        Whether one channel is returned, of brightness, instead of red, green and blue.

    max_images : int, default=None
        How many are read at most.

    on_error : {"raise", "warn"}, default="raise"
        What a file that is no readable image does; "warn" leaves it out.

    verbose : int, default=0
        1 shows a bar.

    Returns
    -------
    images : ndarray of shape (n, 1 or 3, height, width), uint8
        Of 16 bits the upper 8; transparency is dropped, and of films the first image
        is taken.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If there is no such folder, no image in it, or one that cannot be read; the
        message names it.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from sklearn_mine.datasets import load_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in "ab":
    ...         pixels = np.zeros((40, 30, 3), dtype=np.uint8)
    ...         Image.fromarray(pixels).save(f"{folder}/{name}.png")
    ...     load_image_folder(folder, size=16).shape
    (2, 3, 16, 16)
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading images needs Pillow: pip install 'sklearn-mine[images]'."
        ) from error
    height, width = _pair(size, "size")
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"folder={str(folder)!r} is no folder.")
    files = sorted(
        file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES
    )[:max_images]
    if not files:
        raise ValueError(
            f"There is no image in folder={str(folder)!r}: no file that ends in "
            f"{', '.join(sorted(_SUFFIXES))}."
        )
    channels = 1 if grey else 3
    images = np.empty((len(files), channels, height, width), dtype=np.uint8)
    n_read, broken = 0, []
    bar = progress(len(files), "images", "image", shown=bool(verbose))
    with bar:
        for file in files:
            try:
                with Image.open(file) as image:
                    if image.mode.startswith("I"):
                        pixels = _of_eight_bits(np.asarray(image), image.mode)
                        image = Image.fromarray(pixels)
                    image = image.convert("L" if grey else "RGB")
                    middle = _middle(image.size, crop, height / width, file)
                    image = image.resize(
                        (width, height), Image.Resampling.LANCZOS, box=middle
                    )
            except (OSError, SyntaxError, Image.DecompressionBombError) as error:
                if on_error == "raise":
                    raise ValueError(
                        f"{file} cannot be read as an image: {error}. Mend or remove "
                        "it, or pass on_error='warn' to leave such files out."
                    ) from error
                broken.append(file)
            else:
                pixels = np.asarray(image).reshape(height, width, channels)
                images[n_read] = pixels.transpose(2, 0, 1)
                n_read += 1
            bar.update()
    if broken:
        named = ", ".join(str(file) for file in broken[:3])
        warn(
            f"{len(broken)} of {len(files)} files cannot be read as images, and are "
            f"left out: {named}{' and others' if len(broken) > 3 else ''}.",
            UserWarning,
        )
    if not n_read:
        raise ValueError(f"No image in folder={str(folder)!r} can be read.")
    return images[:n_read]


def _of_eight_bits(pixels: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Of 16, which Pillow would cut off at 255."""
    if pixels.min() < 0 or pixels.max() > 65535:
        raise OSError("its pixels have more than 16 bits")
    if mode.startswith("I;16") or pixels.max() > 255:
        pixels = pixels >> 8
    return pixels.astype(np.uint8)


def _pair(value: Any, name: str) -> tuple[int, int]:
    """(height, width), where one number stands for both."""
    pair = (value, value) if isinstance(value, Integral) else tuple(value)
    if len(pair) != 2 or not all(
        isinstance(each, Integral) and not isinstance(each, bool) and int(each) > 0
        for each in pair
    ):
        raise ValueError(
            f"{name} should be a whole number of pixels or (height, width), got "
            f"{value!r}."
        )
    return pair


def _middle(
    have: tuple[int, int],
    crop: Any,
    proportion: float,
    file: Path,
) -> tuple[float, float, float, float]:
    """The box (left, upper, right, lower) that is kept of an image."""
    wide, high = have
    if crop is None or (isinstance(crop, Real) and not isinstance(crop, Integral)):
        share: Any = crop or 1.0
        width = min(wide, high / proportion) * share
        height = width * proportion
    else:
        height, width = _pair(crop, "crop")
        if height > high or width > wide:
            raise ValueError(
                f"crop={crop} is larger than {file}, which has {high} x {wide} pixels."
            )
    left, upper = 0.5 * (wide - width), 0.5 * (high - height)
    return left, upper, left + width, upper + height
