"""Folders of images."""

import numpy as np
import pytest

from sklearn_mine.datasets import load_image_folder

Image = pytest.importorskip("PIL.Image")


def _save(folder, name, shape=(40, 30, 3), value=0, **options):
    pixels = np.full(shape, value, dtype=np.uint8)
    file = folder / name
    file.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels).save(file, **options)
    return file


def test_images_of_all_kinds_come_in_the_order_of_their_names(tmp_path):
    _save(tmp_path, "b/2.png", value=20)
    _save(tmp_path, "a/1.bmp", value=10)
    _save(tmp_path, "c.PNG", shape=(20, 50), value=30)
    _save(tmp_path, "d.png", shape=(9, 9, 4), value=40)
    (tmp_path / "notes.txt").write_text("not an image")
    images = load_image_folder(tmp_path, size=(12, 8))
    assert images.shape == (4, 3, 12, 8)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images.mean(axis=(1, 2, 3)), [10, 20, 30, 40])
    assert load_image_folder(str(tmp_path), size=4, grey=True).shape == (4, 1, 4, 4)
    assert load_image_folder(tmp_path, size=4, max_images=2).shape == (2, 3, 4, 4)


def test_the_middle_is_kept(tmp_path):
    pixels = np.zeros((40, 80, 3), dtype=np.uint8)
    pixels[10:30, 30:50] = 255
    Image.fromarray(pixels).save(tmp_path / "middle.png")
    whole = load_image_folder(tmp_path, size=20)
    # The largest square of 40 x 80 pixels, of which a quarter is white.
    assert whole.mean() == pytest.approx(255.0 / 4.0, rel=0.05)
    for crop in (20, 0.5, (20, 20)):
        assert (load_image_folder(tmp_path, size=20, crop=crop) == 255).all()
    with pytest.raises(ValueError, match=r"crop=50 is larger than .*middle\.png"):
        load_image_folder(tmp_path, size=20, crop=50)


def test_of_sixteen_bits_the_upper_ones_are_kept(tmp_path):
    pixels = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    (image,) = load_image_folder(tmp_path, size=20, grey=True)
    np.testing.assert_array_equal(image[0], pixels >> 8)


def test_broken_files_are_named(tmp_path):
    _save(tmp_path, "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    whole = _save(tmp_path, "whole.png", shape=(200, 200, 3), value=3)
    (tmp_path / "short.png").write_bytes(whole.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"broken\.jpg cannot be read"):
        load_image_folder(tmp_path)
    with pytest.warns(UserWarning, match=r"2 of 4 files .*broken\.jpg.*short\.png"):
        images = load_image_folder(tmp_path, on_error="warn")
    assert len(images) == 2


def test_what_is_no_folder_of_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is no folder"):
        load_image_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="There is no image"):
        load_image_folder(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with (
        pytest.warns(UserWarning, match="1 of 1"),
        pytest.raises(ValueError, match="can be read"),
    ):
        load_image_folder(tmp_path, on_error="warn")
    with pytest.raises(ValueError, match="size should be"):
        load_image_folder(tmp_path, size=(3, 4, 5))
