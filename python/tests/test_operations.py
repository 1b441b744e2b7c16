# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Operations as functions: signatures, results, errors, progress, cancellation; reading and the main job."""
import inspect
import keyword
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings
from pathlib import Path

import gantry
import numpy as np
from gantry import _families, _native


class Functions(unittest.TestCase):
    def test_every_operation_is_a_function_with_its_own_signature(self):
        for declaration in _native.declarations():
            family, name = declaration["id"].split(".")
            function = getattr(getattr(gantry, family), name)
            names = list(inspect.signature(function).parameters)
            for port in declaration["inputs"]:
                self.assertIn(port["name"], names)
            for parameter, schema in declaration["parameters"]["properties"].items():
                shown = inspect.signature(function).parameters[_families.python_name(parameter)]
                self.assertEqual(_families.literal_of(schema["default"]), shown.default)
            self.assertEqual(len(names), len(set(names)))
            self.assertFalse(any(map(keyword.iskeyword, names)))
            self.assertIn(declaration["summary"], function.__doc__)
        self.assertEqual(gantry.operations(), [d["id"] for d in _native.declarations()])

    def test_families_import_as_modules(self):
        import gantry.filter
        from gantry.segmentation import otsu

        self.assertEqual(otsu.__module__, "gantry.segmentation")
        self.assertIn("gaussian", dir(gantry.filter))
        with self.assertRaises(AttributeError):
            gantry.filter.gauss
        with self.assertRaises(AttributeError):
            gantry.nothing

    def test_constant_keeps_its_value_and_an_impulse_its_sum(self):
        self.assertAlmostEqual(float(gantry.filter.gaussian("phantom:impulse", sigma=2.0).array.sum()), 1, places=4)
        np.testing.assert_allclose(gantry.filter.gaussian(np.full((9, 9, 9), 100.0), sigma=2.0), 100, rtol=1e-5)

    def test_arrays_give_arrays_and_images_images(self):
        array = gantry.read("phantom:sphere").array
        image = gantry.Image(array, (1, 1, 2))
        self.assertIsInstance(gantry.filter.median(array), np.ndarray)
        self.assertIsInstance(gantry.filter.median(image), gantry.Image)
        self.assertEqual(gantry.filter.median(image).spacing_mm, (1, 1, 2))
        self.assertIsInstance(gantry.segmentation.connected_components(array).labels, np.ndarray)
        self.assertIsInstance(gantry.segmentation.connected_components(image).labels, gantry.Labels)
        self.assertEqual(gantry.filter.median(array[3]).shape, array[3].shape)

    def test_spacing_is_respected(self):
        values = np.zeros((21, 21, 21), "f4")
        values[10, 10, 10] = 1
        wide = gantry.filter.gaussian(gantry.Image(values, (1, 1, 4)), sigma=2.0).array
        self.assertGreater(wide[10, 10, 12], wide[12, 10, 10] * 2)

    def test_numbers_of_numpy_and_paths_are_taken(self):
        array = np.random.default_rng(0).normal(size=(5, 6, 7)).astype("f4")
        one = gantry.filter.gaussian(array, sigma=np.float32(1.5))
        np.testing.assert_array_equal(one, gantry.filter.gaussian(array, sigma=1.5))
        np.testing.assert_array_equal(gantry.filter.median(array, radius=np.int64(1)), gantry.filter.median(array))
        half = gantry.filter.resample(array, spacing=np.array([2, 2, 2.0]))
        self.assertEqual(half.ndim, 3)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.nrrd")
            gantry.write(path, array)
            np.testing.assert_array_equal(gantry.filter.gaussian(path, sigma=1.5).array, one)

    def test_results_do_not_depend_on_threads(self):
        image = gantry.read("phantom:noise")
        one, two = (gantry.filter.gaussian(image, sigma=3, threads=n).array for n in (1, 2))
        np.testing.assert_array_equal(one, two)


class Errors(unittest.TestCase):
    def test_classes_of_the_table_are_what_python_programs_catch(self):
        array = np.zeros((4, 4, 4), "f4")
        for kind, expected, code, call in (
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, sigma=-1)),
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, sigma=float("nan"))),
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, sigma=None)),
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, sigma=[1, 2])),
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, sigma=10**400)),
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, sigme=1)),
            (gantry.ParameterError, ValueError, "parameter", lambda: gantry.filter.gaussian(array, threads=-1)),
            (gantry.UsageError, TypeError, "usage", lambda: gantry.filter.gaussian()),
            (gantry.UsageError, TypeError, "usage", lambda: gantry.filter.gaussian(array, array)),
            (gantry.UsageError, TypeError, "usage", lambda: gantry.filter.gaussian(array, image=array)),
            (gantry.UsageError, TypeError, "usage", lambda: gantry.filter.gaussian(7)),
            (gantry.UsageError, TypeError, "usage", lambda: gantry.filter.gaussian(array, sigma=object())),
            (gantry.UsageError, TypeError, "usage", lambda: gantry.filter.gaussian(array, progress=3)),
            (gantry.UsageError, ValueError, "usage", lambda: gantry.read("phantom:nothing")),
            (gantry.UsageError, ValueError, "usage", lambda: gantry.write("/tmp/image.xyz", array)),
            (gantry.NotFoundError, FileNotFoundError, "not_found", lambda: gantry.read("/nowhere/image.nii")),
            (gantry.NotFoundError, FileNotFoundError, "not_found", lambda: gantry.filter.gaussian("/nowhere/image.nii")),
            (gantry.OutOfMemoryError, MemoryError, "out_of_memory", lambda: gantry.filter.gaussian(np.zeros((64,) * 3), memory=1000)),
        ):
            with self.assertRaises(kind) as caught:
                call()
            self.assertIsInstance(caught.exception, (gantry.Error, expected))
            self.assertIsInstance(caught.exception, expected)
            self.assertEqual(caught.exception.code, code)
            self.assertTrue(str(caught.exception).endswith(caught.exception.message))

    def test_message_reads_subject_rule_found(self):
        with self.assertRaises(gantry.ParameterError) as caught:
            gantry.filter.gaussian(np.zeros((4, 4, 4)), sigma=-1)
        self.assertEqual(caught.exception.message, "sigma: must lie between 0 and 100 mm; got -1")
        self.assertEqual(caught.exception.context, ["filter.gaussian"])

    def test_a_damaged_file_is_unreadable(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "image.nii")
            gantry.write(path, np.zeros((4, 4, 4)))
            path.write_bytes(path.read_bytes()[:400])
            with self.assertRaises((gantry.UnreadableError, gantry.RefusedError)):
                gantry.read(path)

    def test_warnings_are_python_warnings(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "volume.nii")
            gantry.write(path, np.random.default_rng(0).normal(size=(16, 16, 16)).astype("f4"))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                summary = gantry.analyze(path, cache="off")
        self.assertIn("studies", summary)
        for warning in caught:
            self.assertTrue(issubclass(warning.category, gantry.GantryWarning))


class LongCalls(unittest.TestCase):
    image = gantry.from_array(np.random.default_rng(5).normal(size=(200, 200, 200)).astype("f4"))

    def test_progress_is_called_with_growing_fractions(self):
        seen = []
        spheres = gantry.read_labels("phantom:two_spheres")
        gantry.segmentation.compare(spheres, spheres, progress=lambda fraction, step: seen.append((fraction, step)))
        self.assertEqual(seen, [(0.5, "comparing labels"), (1.0, "comparing labels")])

    def test_what_progress_raises_ends_the_work(self):
        class Enough(Exception):
            pass

        def stop(fraction, step):
            raise Enough

        with self.assertRaises(Enough):
            gantry.segmentation.compare("phantom:two_spheres", "phantom:two_spheres", progress=stop)

    def test_other_threads_run_meanwhile(self):
        ticks, ended = [], threading.Event()

        def tick():
            while not ended.is_set():
                ticks.append(time.perf_counter())
                time.sleep(0.005)

        other = threading.Thread(target=tick)
        other.start()
        begin = time.perf_counter()
        gantry.filter.median(self.image, radius=2, threads=1)
        end = time.perf_counter()
        ended.set()
        other.join()
        self.assertGreater(sum(begin < t < end for t in ticks), 3)

    def test_calls_from_several_threads_agree(self):
        small = gantry.read("phantom:noise")
        expected = gantry.filter.gaussian(small, sigma=2).array
        results = []
        threads = [threading.Thread(target=lambda: results.append(gantry.filter.gaussian(small, sigma=2).array)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 6)
        for result in results:
            np.testing.assert_array_equal(result, expected)

    def test_control_c_cancels(self):
        code = (
            "import gantry, numpy, sys\n"
            "image = gantry.Image(numpy.random.default_rng(0).normal(size=(400, 400, 400)).astype('f4'))\n"
            "print('begin', flush=True)\n"
            "try:\n"
            "    gantry.filter.median(image, radius=2, threads=1)\n"
            "    print('done')\n"
            "except KeyboardInterrupt:\n"
            "    print('cancelled')\n"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.readline(), "begin\n")
        time.sleep(0.3)
        begin = time.perf_counter()
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.communicate(timeout=120)[0], "cancelled\n")
        self.assertEqual(child.returncode, 0)
        self.assertLess(time.perf_counter() - begin, 60)

    def test_import_brings_no_numpy(self):
        code = "import sys, gantry; print(sorted({'numpy', 'SimpleITK', 'nibabel', 'inspect'} & set(sys.modules)))"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout, "[]\n")


@unittest.skipUnless(os.environ.get("GANTRY_TEST_DATA"), "GANTRY_TEST_DATA is not set (docs/test-data.md)")
class RealData(unittest.TestCase):
    data = Path(os.environ.get("GANTRY_TEST_DATA", ""))

    def test_a_dicom_series_reads_as_its_volume(self):
        image = gantry.read(self.data / "series/mr-t1-head")
        self.assertEqual(image.shape[0], 384)
        self.assertTrue(np.isfinite(image.array).all())


if __name__ == "__main__":
    unittest.main()
