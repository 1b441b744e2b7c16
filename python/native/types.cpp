// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Image, Labels and Transform as Python sees them: (z, y, x[, component]) arrays in shared memory.
#include <pybind11/complex.h>
#include <pybind11/stl.h>

#include "borrowed.h"
#include "gantry/base/error.h"
#include "gantry/image/labels.h"
#include "gantry/image/transform.h"
#include "native.h"

namespace gantry::python {

namespace {

using Triple = std::array<double, 3>;
using Rows = std::array<Triple, 3>;

Triple triple_of(Vec3 v) { return {v.x, v.y, v.z}; }
Vec3 vec3_of(const Triple& v) { return {v[0], v[1], v[2]}; }
Rows rows_of(const Mat3& m) {
  Rows rows;
  for (int r = 0; r < 3; ++r) rows[static_cast<std::size_t>(r)] = {m.column[0][r], m.column[1][r], m.column[2][r]};
  return rows;
}
Mat3 mat3_of(const Rows& rows) {
  Mat3 m;
  for (std::size_t c = 0; c < 3; ++c) m.column[c] = {rows[0][c], rows[1][c], rows[2][c]};
  return m;
}

/// A Python buffer that is held until the last Image of it has gone, on whichever thread that happens.
std::shared_ptr<const Py_buffer> held_buffer(py::handle object, int flags) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), view.get(), flags) != 0) {
    PyErr_Clear();
    throw Error(ErrorCode::usage, "array: must be a contiguous array of numbers, such as a NumPy array");
  }
  return {view.release(), [](const Py_buffer* held) {
            if (Py_IsInitialized()) {
              const py::gil_scoped_acquire lock;
              PyBuffer_Release(const_cast<Py_buffer*>(held));
            }
            delete held;
          }};
}

template <class T>
Image borrowed_image(const std::shared_ptr<const Py_buffer>& buffer, const Grid& grid, int components, std::int64_t frames) {
  return Image(Voxels<Borrowed<T>>(grid, components, frames, std::shared_ptr<const T>(buffer, static_cast<const T*>(buffer->buf))));
}

struct Shape {
  Size3 size{1, 1, 1};
  int components = 1;
  std::int64_t frames = 1;
};

/// Axes are (y, x), (z, y, x), (z, y, x, component) or (t, z, y, x, component).
Shape shape_of(const Py_buffer& view) {
  if (!(view.ndim >= 2 && view.ndim <= 5))
    throw Error(ErrorCode::parameter, fmt::format("array: must have 2 to 5 axes, (z, y, x[, component]); got {}", view.ndim));
  std::vector<std::int64_t> axes(view.shape, view.shape + view.ndim);
  for (const std::int64_t axis : axes) {
    if (axis < 1) throw Error(ErrorCode::parameter, "array: must not be empty");
  }
  Shape shape;
  if (view.ndim == 5) {
    shape.frames = axes.front();
    axes.erase(axes.begin());
  }
  if (view.ndim >= 4) {
    if (axes.back() > 0x10000)
      throw Error(ErrorCode::parameter, fmt::format("array: must have at most 65536 components; got {}", axes.back()));
    shape.components = static_cast<int>(axes.back());
    axes.pop_back();
  }
  std::copy(axes.rbegin(), axes.rend(), shape.size.begin());
  return shape;
}

/// An Image that shares the memory of `array`; Error(usage) where its layout or type does not allow that.
Image shared_image(py::handle array, const Triple& spacing_mm, const Triple& origin, const Rows& direction) {
  const auto buffer = held_buffer(array, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT);
  const Shape shape = shape_of(*buffer);
  const Grid grid(shape.size, vec3_of(spacing_mm), vec3_of(origin), mat3_of(direction));
  const auto item = static_cast<std::size_t>(buffer->itemsize);
  std::string format = buffer->format ? buffer->format : "B";
  if (format.find_first_of("@=<") == 0) format.erase(0, 1);
  if (reinterpret_cast<std::uintptr_t>(buffer->buf) % std::min<std::size_t>(item, 8) != 0)
    throw Error(ErrorCode::usage, "array: must be aligned to its elements");
  const auto make = [&]<class T>(T) { return borrowed_image<T>(buffer, grid, shape.components, shape.frames); };
  if (format == "Zf") return make(std::complex<float>());
  if (format == "Zd") return make(std::complex<double>());
  if (format.size() == 1) {
    const char code = format.front();
    if (code == 'f') return make(float());
    if (code == 'd') return make(double());
    const bool is_signed = std::string_view("bhilq").find(code) != std::string_view::npos;
    const bool is_unsigned = std::string_view("BHILQ?").find(code) != std::string_view::npos;
    if (is_signed && item == 1) return make(std::int8_t());
    if (is_signed && item == 2) return make(std::int16_t());
    if (is_signed && item == 4) return make(std::int32_t());
    if (is_unsigned && item == 1) return make(std::uint8_t());
    if (is_unsigned && item == 2) return make(std::uint16_t());
    if (is_unsigned && item == 4) return make(std::uint32_t());
  }
  throw Error(ErrorCode::usage, fmt::format("array: must hold integers of 8 to 32 bits, floats or complex numbers; got format {}", format));
}

Image image_of_array(const py::object& array, const Triple& spacing_mm, const Triple& origin, const Rows& direction) {
  try {
    return shared_image(array, spacing_mm, origin, direction);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::usage) throw;
  }
  const py::object copy = py::module_::import("gantry._work").attr("prepared")(array);
  return shared_image(copy, spacing_mm, origin, direction);
}

std::vector<std::int64_t> array_shape(const Image& image) {
  const Size3& size = image.grid().size();
  std::vector<std::int64_t> shape{size[2], size[1], size[0]};
  if (image.frames() > 1) shape.insert(shape.begin(), image.frames());
  if (image.components() > 1 || image.frames() > 1) shape.push_back(image.components());
  return shape;
}

constexpr std::array<std::string_view, 10> numpy_types{"|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8", "<c8", "<c16"};
constexpr std::array<std::string_view, 10> buffer_formats{"b", "B", "h", "H", "i", "I", "f", "d", "Zf", "Zd"};

std::string numpy_type(const Image& image) { return std::string(numpy_types[static_cast<std::size_t>(image.type())]); }

py::dict array_interface(const Image& image, bool read_only) {
  py::dict interface;
  interface["shape"] = py::tuple(py::cast(array_shape(image)));
  interface["typestr"] = numpy_type(image);
  interface["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(image.data()), read_only);
  interface["version"] = 3;
  return interface;
}

py::buffer_info buffer_of(Image& image) {
  const auto shape = array_shape(image);
  const auto item = static_cast<py::ssize_t>(bytes_of(image.type()));
  std::vector<py::ssize_t> strides(shape.size(), item);
  for (std::size_t n = shape.size() - 1; n > 0; --n) strides[n - 1] = strides[n] * shape[n];
  return py::buffer_info(const_cast<void*>(image.data()), item, std::string(buffer_formats[static_cast<std::size_t>(image.type())]),
                         static_cast<py::ssize_t>(shape.size()), std::vector<py::ssize_t>(shape.begin(), shape.end()), strides, true);
}

/// World from voxel as a 4 x 4 matrix, LPS mm.
std::array<std::array<double, 4>, 4> affine_of(const Grid& grid) {
  std::array<std::array<double, 4>, 4> m{};
  const Rows rows = rows_of(grid.direction());
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) m[r][c] = rows[r][c] * grid.spacing_mm()[static_cast<int>(c)];
    m[r][3] = grid.origin_mm()[static_cast<int>(r)];
  }
  m[3][3] = 1;
  return m;
}

std::string described(const Image& image) {
  const Grid& grid = image.grid();
  const auto shape = array_shape(image);
  const Vec3 spacing = grid.spacing_mm();
  return fmt::format("shape ({}), {}, spacing {:g} x {:g} x {:g} mm, {}", fmt::join(shape, ", "), numpy_type(image).substr(1), spacing.x,
                     spacing.y, spacing.z, grid.orientation());
}

/// Voxels of a result that nothing else refers to: NumPy may write to them.
struct Storage {
  Image image;
};

Json json_of_label(const Label& label) {
  return {{"value", label.value}, {"id", label.id},
          {"name", label.name},   {"code", {{"scheme", label.code.scheme}, {"value", label.code.value}, {"meaning", label.code.meaning}}},
          {"color", label.color}, {"method", label.method}};
}

Label label_of_json(const Json& json) {
  try {
    Label label{.value = json.at("value").get<int>(), .id = json.at("id").get<std::string>()};
    label.name = json.value("name", label.id);
    label.method = json.value("method", "");
    if (json.contains("color")) label.color = json.at("color").get<Color>();
    if (json.contains("code")) {
      const Json& code = json.at("code");
      label.code = {code.at("scheme").get<std::string>(), code.at("value").get<std::string>(), code.at("meaning").get<std::string>()};
    }
    return label;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::parameter, "label table: must be a list of dicts with at least value (int) and id (str)");
  }
}

Labels labels_of(const Image& image, py::handle table) {
  std::vector<Label> rows;
  for (const Json& row : json_of(table)) rows.push_back(label_of_json(row));
  return Labels(whole_numbers(image), std::move(rows));
}

void bind_image(py::module_& module) {
  const Rows identity{Triple{1, 0, 0}, Triple{0, 1, 0}, Triple{0, 0, 1}};
  py::class_<Image>(
      module, "Image", py::buffer_protocol(),
      "An immutable image on a grid in LPS millimetres. `Image(array, spacing_mm, origin, direction)` shares the memory of a "
      "contiguous array of axes (z, y, x[, component]): do not write to the array while the image is in use. Arrays of other layouts and "
      "types are copied.")
      .def(py::init(&image_of_array), py::arg("array"), py::arg("spacing_mm") = Triple{1, 1, 1}, py::arg("origin") = Triple{0, 0, 0},
           py::arg("direction") = identity)
      .def_buffer(&buffer_of)
      .def_property_readonly("__array_interface__", [](const Image& image) { return array_interface(image, true); })
      .def_property_readonly(
          "shape", [](const Image& image) { return py::tuple(py::cast(array_shape(image))); },
          "Shape of the array: (z, y, x[, component]).")
      .def_property_readonly("dtype_name", &numpy_type, "Scalar type as NumPy writes it, such as '<f4'.")
      .def_property_readonly("components", &Image::components, "Values per voxel.")
      .def_property_readonly("frames", &Image::frames, "Points in time.")
      .def_property_readonly(
          "spacing_mm", [](const Image& image) { return py::tuple(py::cast(triple_of(image.grid().spacing_mm()))); },
          "Distance of voxel centres along x, y, z of the grid, in mm.")
      .def_property_readonly(
          "origin", [](const Image& image) { return py::tuple(py::cast(triple_of(image.grid().origin_mm()))); },
          "Centre of the first voxel, LPS mm.")
      .def_property_readonly(
          "direction", [](const Image& image) { return py::tuple(py::cast(rows_of(image.grid().direction()))); },
          "3 x 3 matrix whose columns are the unit vectors of the grid's axes in LPS.")
      .def_property_readonly(
          "affine", [](const Image& image) { return py::tuple(py::cast(affine_of(image.grid()))); },
          "4 x 4 matrix from voxel (i, j, k) to LPS mm.")
      .def_property_readonly(
          "slice_positions_mm", [](const Image& image) { return image.grid().slice_positions_mm(); },
          "Distances of unevenly spaced slices from the first, in mm; empty otherwise.")
      .def_property_readonly(
          "orientation", [](const Image& image) { return image.grid().orientation(); },
          "Where the axes x, y, z of the grid point to, such as 'LPS'.")
      .def_property_readonly(
          "array", [](const py::object& self) -> py::object { return py::module_::import("numpy").attr("asarray")(self); },
          "The voxels as a read-only NumPy array, without a copy.")
      .def(
          "frame", [](const Image& image, std::int64_t index) { return image.frame(index); }, py::arg("index"), "One point in time.")
      .def("__copy__", [](const Image& image) { return image; })
      .def("__deepcopy__", [](const Image& image, const py::dict&) { return image; })
      .def("__repr__", [](const Image& image) { return "<gantry.Image " + described(image) + ">"; })
      .def(py::pickle(
          [](const Image& image) {
            const Bytes bytes = PortType<Image>::to_bytes(image);
            return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
          },
          [](const py::bytes& bytes) {
            const std::string_view text = bytes;
            return PortType<Image>::from_bytes(std::as_bytes(std::span(text.data(), text.size())));
          }));
  py::class_<Storage>(module, "Storage").def_property_readonly("__array_interface__", [](const Storage& storage) {
    return array_interface(storage.image, false);
  });
  module.def("storage_of", [](const Image& image) { return Storage{image}; });
}

void bind_labels(py::module_& module) {
  py::class_<Labels>(
      module, "Labels",
      "An integer image and what its values mean: `Labels(image, table)` with rows "
      "{'value': 1, 'id': 'lung_left', 'name': ..., 'code': {'scheme', 'value', 'meaning'}, 'color': [r, g, b], 'method': ...}, "
      "of which value and id are required.")
      .def(py::init(&labels_of), py::arg("image"), py::arg("table") = py::list())
      .def_property_readonly("image", &Labels::image, "The integer image.")
      .def_property_readonly(
          "array", [](const Labels& labels) -> py::object { return py::cast(labels.image()).attr("array"); },
          "The values as a read-only NumPy array, without a copy.")
      .def_property_readonly(
          "table",
          [](const Labels& labels) {
            Json rows = Json::array();
            for (const Label& label : labels.table()) rows.push_back(json_of_label(label));
            return object_of(rows);
          },
          "One dict a value; empty where nothing is known of the values.")
      .def("__repr__", [](const Labels& labels) {
        return fmt::format("<gantry.Labels {}, {} named>", described(labels.image()), labels.table().size());
      });
}

void bind_transform(py::module_& module) {
  py::class_<Transform>(module, "Transform",
                        "A map of points in LPS mm: x -> linear x + translation_mm, then the displacement field where there is one.")
      .def(py::init([](const Rows& linear, const Triple& translation_mm, const std::optional<Image>& displacement_mm) {
             return displacement_mm ? Transform(*displacement_mm, mat3_of(linear), vec3_of(translation_mm))
                                    : Transform(mat3_of(linear), vec3_of(translation_mm));
           }),
           py::arg("linear") = Rows{Triple{1, 0, 0}, Triple{0, 1, 0}, Triple{0, 0, 1}}, py::arg("translation_mm") = Triple{0, 0, 0},
           py::arg("displacement_mm") = py::none())
      .def_property_readonly(
          "linear", [](const Transform& transform) { return py::tuple(py::cast(rows_of(transform.linear()))); }, "3 x 3 matrix.")
      .def_property_readonly(
          "translation_mm", [](const Transform& transform) { return py::tuple(py::cast(triple_of(transform.translation_mm()))); },
          "Translation in mm.")
      .def_property_readonly(
          "displacement_mm", [](const Transform& transform) { return transform.displacement_mm(); },
          "Displacement field of 3 components in mm, or None.")
      .def(
          "__call__",
          [](const Transform& transform, const Triple& point) { return py::tuple(py::cast(triple_of(transform(vec3_of(point))))); },
          py::arg("point"), "The point to which `point` (LPS mm) is mapped.");
}

}  // namespace

Image whole_numbers(const Image& image) {
  if (is_integer(image.type())) return image;
  const auto values = image.as<double>();
  auto whole = Voxels<std::int32_t>::uninitialized(image.grid(), image.components(), image.frames());
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (!(values[n] == std::floor(values[n]) && std::abs(values[n]) < 0x1p31))
      throw Error(ErrorCode::refused, fmt::format("labels must be whole numbers; got {}", values[n]));
    whole[n] = static_cast<std::int32_t>(values[n]);
  }
  return Image(std::move(whole));
}

void bind_types(py::module_& module) {
  bind_image(module);
  bind_labels(module);
  bind_transform(module);
  py::class_<Value>(module, "Value", "A value of a type that has no Python form of its own; operations take it as it is.")
      .def_property_readonly(
          "type", [](const Value& value) { return std::string(value.type().id); }, "Name of the port type.")
      .def_property_readonly("digest", &Value::digest, "SHA-256 of what the value says.");
  for (const char* name : {"Image", "Labels", "Transform", "Value"}) module.attr(name).attr("__module__") = "gantry";
}

}  // namespace gantry::python
