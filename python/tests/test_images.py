# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""gantry.Image and its way from and to NumPy, SimpleITK and nibabel."""
import gc
import importlib.util
import pickle
import tempfile
import unittest
from pathlib import Path

import gantry
import numpy as np

DIRECTION = ((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


def present(name):
    return importlib.util.find_spec(name) is not None


class Memory(unittest.TestCase):
    def test_image_shares_the_memory_of_a_contiguous_array(self):
        for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "c8", "c16"):
            array = np.arange(24).astype(kind).reshape(2, 3, 4)
            image = gantry.Image(array, spacing_mm=(1, 2, 3))
            self.assertTrue(np.shares_memory(array, image.array), kind)
            self.assertEqual(image.array.dtype, array.dtype)
            np.testing.assert_array_equal(image.array, array)

    def test_memory_outlives_the_array_and_the_image(self):
        image = gantry.Image(np.arange(1_000_000, dtype="f4").reshape(100, 100, 100))
        view = image.array
        del image
        gc.collect()
        self.assertEqual(view[99, 99, 99], 999_999)

    def test_array_of_an_image_is_read_only_and_that_of_a_result_is_not(self):
        array = np.ones((4, 5, 6), "f4")
        self.assertFalse(gantry.Image(array).array.flags.writeable)
        result = gantry.filter.gaussian(array, sigma=1)
        result[0] = 7
        self.assertTrue((array == 1).all())

    def test_result_never_shares_memory_with_an_array_that_was_given(self):
        array = np.ones((4, 5, 6), "f4")
        for result in (gantry.filter.gaussian(array, sigma=0), gantry.filter.resample(array, reference=array)):
            self.assertFalse(np.shares_memory(array, result))

    def test_strides_and_types_that_gantry_does_not_hold_are_copied(self):
        base = np.arange(240, dtype="i8").reshape(6, 5, 8)
        for array in (base[::2], base.T, base.astype(">i2"), base.astype("f2"), base > 100, base.astype("i4")[:, ::-1]):
            np.testing.assert_array_equal(gantry.from_array(array).array, array)
            np.testing.assert_array_equal(gantry.Image(array, np.ones(3), direction=np.eye(3)).array, array)

    def test_axes_are_time_z_y_x_component(self):
        self.assertEqual(gantry.from_array(np.zeros((4, 5))).shape, (1, 4, 5))
        self.assertEqual(gantry.from_array(np.zeros((3, 4, 5, 2))).components, 2)
        image = gantry.from_array(np.arange(240.0).reshape(2, 3, 4, 5, 2))
        self.assertEqual((image.frames, image.components, image.frame(1).shape), (2, 2, (3, 4, 5, 2)))
        self.assertEqual(image.frame(1).array[0, 0, 0, 0], 120)

    def test_bad_arrays_are_refused(self):
        for array in (np.zeros((0, 4, 4)), np.zeros(4), np.zeros((1,) * 6), np.array([["a", "b"]]), np.array([[None]]),
                      np.array([[2**40, 0]]), np.array([[-1, 2**32 - 1]])):
            for make in (gantry.from_array, gantry.Image):
                with self.assertRaises(gantry.Error):
                    make(array)
        for grid in ({"spacing_mm": (0, 1, 1)}, {"spacing_mm": (float("nan"), 1, 1)}, {"origin": (float("inf"), 0, 0)},
                     {"direction": ((1, 0, 0), (1, 0, 0), (0, 0, 1))}):
            with self.assertRaises(ValueError):
                gantry.from_array(np.zeros((2, 2, 2)), **grid)
        for spacing in (3, (1, 1), "abc"):
            with self.assertRaises(TypeError):
                gantry.Image(np.zeros((2, 2, 2)), spacing)

    def test_pickle_keeps_voxels_and_grid(self):
        image = gantry.Image(np.random.default_rng(1).normal(size=(3, 4, 5)), (1, 2, 3), (4, 5, 6), DIRECTION)
        again = pickle.loads(pickle.dumps(image))
        np.testing.assert_array_equal(again.array, image.array)
        self.assertEqual((again.spacing_mm, again.origin, again.direction), (image.spacing_mm, image.origin, image.direction))


class Grid(unittest.TestCase):
    def test_affine_maps_voxels_to_lps(self):
        image = gantry.Image(np.zeros((3, 4, 5)), (1, 2, 3), (10, 20, 30), DIRECTION)
        np.testing.assert_allclose(np.array(image.affine) @ (1, 1, 1, 1), (12, 19, 33, 1))
        self.assertEqual(image.orientation, "ALS")

    def test_files_keep_the_grid(self):
        image = gantry.Image(np.arange(60, dtype="i2").reshape(3, 4, 5), (1, 2, 3), (10, 20, 30), DIRECTION)
        with tempfile.TemporaryDirectory() as folder:
            for ending in (".nii", ".nii.gz", ".nrrd", ".mha"):
                path = Path(folder, "image" + ending)
                gantry.write(path, image)
                again = gantry.read(path)
                np.testing.assert_array_equal(again.array, image.array)
                np.testing.assert_allclose(again.affine, image.affine, atol=1e-5)

    def test_labels_keep_their_table(self):
        values = np.zeros((3, 4, 5), "u1")
        values[1] = 1
        labels = gantry.Labels(gantry.Image(values), [{"value": 1, "id": "lung_left"}])
        with tempfile.TemporaryDirectory() as folder:
            gantry.write(f"{folder}/lungs.nii.gz", labels)
            again = gantry.read_labels(f"{folder}/lungs.nii.gz")
        self.assertEqual(again.table[0]["id"], "lung_left")
        np.testing.assert_array_equal(again.array, values)
        for bad in ([{"value": 0, "id": "a"}], [{"value": 1}], [{"value": 1, "id": "a"}, {"value": 1, "id": "b"}], [3]):
            with self.assertRaises(ValueError):
                gantry.Labels(gantry.Image(values), bad)
        with self.assertRaises(ValueError):
            gantry.Labels(gantry.Image(np.full((2, 2, 2), 0.5)))

    def test_transform_moves_points(self):
        move = gantry.Transform(linear=DIRECTION, translation_mm=(1, 2, 3))
        self.assertEqual(move((1, 0, 0)), (1, 1, 3))


@unittest.skipUnless(present("SimpleITK"), "SimpleITK is not installed")
class SimpleITKImages(unittest.TestCase):
    def setUp(self):
        import SimpleITK

        self.array = np.random.default_rng(2).normal(size=(3, 4, 5)).astype("f4")
        self.peer = SimpleITK.GetImageFromArray(self.array)
        self.peer.SetSpacing((1, 2, 3))
        self.peer.SetOrigin((10, 20, 30))
        self.peer.SetDirection([v for row in DIRECTION for v in row])

    def test_image_shares_the_memory_and_lies_in_the_same_place(self):
        import SimpleITK

        image = gantry.from_simpleitk(self.peer)
        self.assertTrue(np.shares_memory(image.array, SimpleITK.GetArrayViewFromImage(self.peer)))
        for voxel in ((0, 0, 0), (4, 3, 2), (1, 2, 0)):
            np.testing.assert_allclose((np.array(image.affine) @ (*voxel, 1))[:3], self.peer.TransformIndexToPhysicalPoint(voxel))

    def test_image_keeps_the_memory_alive(self):
        import SimpleITK

        image = gantry.from_simpleitk(SimpleITK.GetImageFromArray(np.full((50, 50, 50), 3.0)))
        gc.collect()
        self.assertTrue((image.array == 3).all())

    def test_goes_back_the_same(self):
        import SimpleITK

        again = gantry.to_simpleitk(gantry.from_simpleitk(self.peer))
        np.testing.assert_array_equal(SimpleITK.GetArrayViewFromImage(again), self.array)
        for get in ("GetSpacing", "GetOrigin", "GetDirection", "GetSize", "GetPixelID"):
            self.assertEqual(getattr(again, get)(), getattr(self.peer, get)())

    def test_smoothing_agrees_with_the_peer(self):
        import SimpleITK

        smooth = gantry.filter.gaussian(self.peer, sigma=0.0)
        self.assertIsInstance(smooth, gantry.Image)
        np.testing.assert_allclose(smooth.array, SimpleITK.GetArrayViewFromImage(self.peer))

    def test_vectors_slices_and_time(self):
        import SimpleITK

        vector = SimpleITK.GetImageFromArray(np.arange(120.0).reshape(2, 4, 5, 3), isVector=True)
        image = gantry.from_simpleitk(vector)
        self.assertEqual((image.shape, image.components), ((2, 4, 5, 3), 3))
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(gantry.to_simpleitk(image)), image.array)
        self.assertEqual(gantry.from_simpleitk(SimpleITK.GetImageFromArray(np.zeros((4, 5)))).shape, (1, 4, 5))
        series = gantry.from_simpleitk(SimpleITK.JoinSeries([self.peer, self.peer]))
        self.assertEqual((series.frames, series.spacing_mm), (2, (1, 2, 3)))
        self.assertEqual(gantry.to_simpleitk(series).GetSize(), (5, 4, 3, 2))


@unittest.skipUnless(present("nibabel"), "nibabel is not installed")
class NibabelImages(unittest.TestCase):
    def setUp(self):
        import nibabel

        self.array = np.asfortranarray(np.random.default_rng(3).normal(size=(5, 4, 3)).astype("f4"))
        affine = [[0, -2, 0, 10], [1, 0, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]]
        self.peer = nibabel.Nifti1Image(self.array, affine)

    def test_image_shares_the_memory_of_fortran_order(self):
        image = gantry.from_nibabel(self.peer)
        self.assertTrue(np.shares_memory(image.array, self.array))
        np.testing.assert_array_equal(image.array, self.array.T)

    def test_right_becomes_left_and_anterior_posterior(self):
        image = gantry.from_nibabel(self.peer)
        for voxel in ((0, 0, 0), (4, 3, 2), (1, 2, 0)):
            ras = (self.peer.affine @ (*voxel, 1))[:3]
            np.testing.assert_allclose((np.array(image.affine) @ (*voxel, 1))[:3], ras * (-1, -1, 1))

    def test_goes_back_the_same_without_a_copy(self):
        image = gantry.from_nibabel(self.peer)
        again = gantry.to_nibabel(image)
        self.assertTrue(np.shares_memory(np.asanyarray(again.dataobj), self.array))
        np.testing.assert_allclose(again.affine, self.peer.affine)

    def test_files_say_the_same_to_both(self):
        import nibabel

        with tempfile.TemporaryDirectory() as folder:
            nibabel.save(self.peer, f"{folder}/image.nii.gz")
            ours, theirs = gantry.read(f"{folder}/image.nii.gz"), gantry.from_nibabel(nibabel.load(f"{folder}/image.nii.gz"))
        np.testing.assert_array_equal(ours.array, theirs.array)
        np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-5)

    def test_time_and_components(self):
        import nibabel

        series = gantry.from_nibabel(nibabel.Nifti1Image(np.zeros((5, 4, 3, 2), "f4"), np.eye(4)))
        self.assertEqual((series.frames, gantry.to_nibabel(series).shape), (2, (5, 4, 3, 2)))
        vectors = gantry.from_nibabel(nibabel.Nifti1Image(np.zeros((5, 4, 3, 1, 3), "f4"), np.eye(4)))
        self.assertEqual((vectors.components, gantry.to_nibabel(vectors).shape), (3, (5, 4, 3, 1, 3)))

    def test_a_broken_affine_is_refused(self):
        import nibabel

        for affine in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
            peer = nibabel.Nifti1Image(self.array, np.eye(4))
            peer._affine = affine
            with self.assertRaises(ValueError):
                gantry.from_nibabel(peer)


if __name__ == "__main__":
    unittest.main()
