#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Scaffolds an operation: header, code, test, case and page, and its line in the catalogue. Usage: new_operation.py FAMILY.NAME"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPDX = "// SPDX-License-Identifier: Apache-2.0\n// SPDX-FileCopyrightText: The Gantry authors\n"

HEADER = SPDX + """#pragma once

#include "gantry/operation/description.h"

namespace gantry {{

/// Multiplies every value by a factor; the result is f32 on the input's grid. Cost: one pass.
struct {type} {{
  double factor = 2.0;

  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<{type}>& d);
}};

}}  // namespace gantry
"""

CODE = SPDX + """#include "gantry/{family}/{name}.h"

#include "gantry/compute/parallel.h"
#include "gantry/operation/frames.h"

namespace gantry {{

void {type}::describe(Description<{type}>& d) {{
  d.summary("Multiplies every value by a factor.");
  d.input("image", "Image whose values are multiplied");
  d.parameter("factor", &{type}::factor, "Factor").range(-1e6, 1e6);
  d.output("scaled", "Image of the products on the input's grid");
  d.example("gantry {family} {kebab} ct.nii.gz scaled.nii.gz --factor 2");
}}

Image {type}::operator()(const Image& image, Run& run) const {{
  check_parameters(*this);
  require_single_component(image);
  const auto values = image.as<float>();
  auto scaled = Voxels<float>::uninitialized(image.grid(), 1, image.frames());
  const auto by = static_cast<float>(factor);
  parallel_for(run, values.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {{
    for (std::int64_t n = begin; n < end; ++n) scaled[n] = by * values[n];
  }});
  return scaled;
}}

Cost {type}::cost(const Image& image) const {{
  return {{.bytes = static_cast<std::uint64_t>(image.count()) * 8, .seconds = static_cast<double>(image.count()) * 1e-9}};
}}

}}  // namespace gantry
"""

TEST = SPDX + """#include "gantry/{family}/{name}.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry {{
namespace {{

TEST({type}, multiplies_a_constant) {{
  gantry::Run run;
  const Image scaled = {type}{{.factor = 3}}(phantom("constant"), run);
  const auto values = scaled.as<float>();
  for (const float value : values.values()) ASSERT_EQ(value, 300.0f);
}}

TEST({type}, refuses_a_factor_that_is_no_number) {{
  gantry::Run run;
  EXPECT_THROW({type}{{.factor = NAN}}(phantom("constant"), run), Error);
}}

}}  // namespace
}}  // namespace gantry
"""

CASE = """# A constant of 100 becomes factor times 100.
run {id} --factor 3 image=phantom:constant
expect scaled.mean is 300 within 1e-3
fail {id} --factor nan image=phantom:constant => factor: must lie between -1e+06 and 1e+06; got nan
"""

PAGE = """# {id}

Multiplies every value of an image by a factor.

$$ y = f\\,x $$

<!-- generated: begin -->
<!-- generated: end -->
"""


def main():
    if len(sys.argv) != 2 or not re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", sys.argv[1]):
        sys.exit("usage: ./dev new FAMILY.NAME (snake_case), such as filter.example")
    family, name = sys.argv[1].split(".")
    folder = ROOT / "src/gantry" / family
    if not (folder / "CMakeLists.txt").exists():
        sys.exit(f"new: there is no folder src/gantry/{family}")
    words = {"id": sys.argv[1], "family": family, "name": name, "kebab": name.replace("_", "-"), "type": "".join(w.title() for w in name.split("_"))}
    files = {
        folder / f"{name}.h": HEADER,
        folder / f"{name}.cpp": CODE,
        folder / f"{name}_test.cpp": TEST,
        ROOT / f"tests/cases/{sys.argv[1]}.case": CASE,
        ROOT / f"docs/reference/operations/{sys.argv[1]}.md": PAGE,
    }
    for path in files:
        if path.exists():
            sys.exit(f"new: {path.relative_to(ROOT)} exists")
    for path, template in files.items():
        path.write_text(template.format(**words))
        print(path.relative_to(ROOT))
    catalogue = ROOT / "src/gantry/catalogue/catalogue.cpp"
    text = catalogue.read_text()
    includes = sorted(set(re.findall(r'#include "gantry/(?!catalogue/catalogue).*"', text)) | {f'#include "gantry/{family}/{name}.h"'})
    text = re.sub(r'(#include "gantry/catalogue/catalogue\.h"\n\n)(?:#include .*\n)+', lambda m: m.group(1) + "\n".join(includes) + "\n", text)
    lines = re.findall(r"    c\.add<.*\n", text)
    text = text.replace(lines[-1], lines[-1] + f'    c.add<{words["type"]}>("{sys.argv[1]}");\n')
    catalogue.write_text(text)
    print("src/gantry/catalogue/catalogue.cpp: listed. Next: ./dev build, ./dev docs, ./dev test -R " + name)


if __name__ == "__main__":
    main()
