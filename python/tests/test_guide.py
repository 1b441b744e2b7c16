# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""The code of docs/guide/python.md runs as it stands."""
import importlib.util
import os
import re
import tempfile
import unittest
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/python.md"


class Guide(unittest.TestCase):
    @unittest.skipUnless(all(map(importlib.util.find_spec, ("numpy", "SimpleITK", "nibabel"))), "numpy, SimpleITK or nibabel is not installed")
    def test_code_runs_as_it_stands(self):
        blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
        self.assertGreater(len(blocks), 5)
        names = {}
        with tempfile.TemporaryDirectory() as folder:
            before = os.getcwd()
            os.chdir(folder)
            try:
                for block in blocks:
                    exec(compile(block, str(GUIDE), "exec"), names)
                self.assertTrue(Path("result/report.html").exists())
            finally:
                os.chdir(before)


if __name__ == "__main__":
    unittest.main()
