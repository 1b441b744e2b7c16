// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

#include "gantry/base/error.h"

namespace gantry::bundle {

namespace {

using View = std::span<const std::byte>;
constexpr std::size_t most_items = 4096, most_of_a_node = 64;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 28;

[[noreturn]] void malformed(const std::string& message) { throw Error(ErrorCode::unreadable, message); }
[[noreturn]] void unsupported(const std::string& message) { throw Error(ErrorCode::refused, message); }

/// One field of a message in the wire format of protocol buffers.
struct Field {
  std::uint32_t number = 0;
  unsigned wire = 0;        ///< 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes
  std::uint64_t value = 0;  ///< of wire type 0
  View bytes;               ///< of the others
};

/// Walks the fields of one message.
class Message {
 public:
  explicit Message(View bytes) : left_(bytes) {}

  std::optional<Field> next() {
    if (left_.empty()) return std::nullopt;
    const std::uint64_t key = varint();
    Field field;
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) malformed("protobuf: field numbers must lie between 1 and 2^29 - 1");
    field.number = static_cast<std::uint32_t>(key >> 3);
    field.wire = static_cast<unsigned>(key & 7);
    if (field.wire == 0)
      field.value = varint();
    else if (field.wire == 1)
      field.bytes = take(8);
    else if (field.wire == 2)
      field.bytes = take(varint());
    else if (field.wire == 5)
      field.bytes = take(4);
    else
      malformed(fmt::format("protobuf: wire type must be 0, 1, 2 or 5; got {}", field.wire));
    return field;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) malformed("protobuf: a number ends beyond the end");
      const auto byte = static_cast<std::uint64_t>(left_.front());
      left_ = left_.subspan(1);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    malformed("protobuf: a number has more than ten bytes");
  }
  bool done() const { return left_.empty(); }

 private:
  View take(std::uint64_t count) {
    if (count > left_.size()) malformed(fmt::format("protobuf: a field of {} bytes must fit the {} that are left", count, left_.size()));
    const View taken = left_.first(static_cast<std::size_t>(count));
    left_ = left_.subspan(static_cast<std::size_t>(count));
    return taken;
  }
  View left_;
};

View bytes_in(const Field& field) {
  if (field.wire != 2) malformed(fmt::format("protobuf: field {} must be length-delimited", field.number));
  return field.bytes;
}
std::string text_in(const Field& field) {
  const View bytes = bytes_in(field);
  if (bytes.size() > 1024) malformed("protobuf: names must have at most 1024 bytes");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// Appends a repeated integer, packed or not.
void append(std::vector<std::int64_t>& values, const Field& field) {
  if (field.wire == 0) {
    values.push_back(static_cast<std::int64_t>(field.value));
  } else {
    Message packed(bytes_in(field));
    while (!packed.done() && values.size() <= most_of_a_node) values.push_back(static_cast<std::int64_t>(packed.varint()));
  }
  if (values.size() > most_of_a_node) malformed("protobuf: lists of numbers must have at most 64 entries");
}
float float_in(const Field& field) {
  if (field.wire != 5) malformed(fmt::format("protobuf: field {} must have four bytes", field.number));
  float value = 0;
  std::memcpy(&value, field.bytes.data(), sizeof value);
  return value;
}

struct Attribute {
  std::string name, text;
  std::int64_t number = 0;
  float real = 0;
  std::vector<std::int64_t> numbers;
};
struct Node {
  std::vector<std::string> inputs, outputs;
  std::string name, kind, domain;
  std::vector<Attribute> attributes;

  const Attribute* find(std::string_view wanted) const {
    for (const Attribute& attribute : attributes)
      if (attribute.name == wanted) return &attribute;
    return nullptr;
  }
};
struct ValueInfo {
  std::string name;
  std::vector<std::int64_t> shape;  ///< 0 where it is a name
};
struct Graph {
  std::vector<Node> nodes;
  std::map<std::string, Tensor> tensors;
  std::vector<ValueInfo> inputs, outputs;
};

template <class List>
void check_room(const List& list, const char* what, std::size_t most = most_items) {
  if (list.size() >= most) malformed(fmt::format("{}: must be at most {}", what, most));
}

Attribute attribute_in(View bytes) {
  Attribute attribute;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1) attribute.name = text_in(*field);
    if (field->number == 2) attribute.real = float_in(*field);
    if (field->number == 3) attribute.number = static_cast<std::int64_t>(field->value);
    if (field->number == 4) attribute.text = text_in(*field);
    if (field->number == 8) append(attribute.numbers, *field);
  }
  return attribute;
}

Node node_in(View bytes) {
  Node node;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1) check_room(node.inputs, "inputs of a node", most_of_a_node), node.inputs.push_back(text_in(*field));
    if (field->number == 2) check_room(node.outputs, "outputs of a node", most_of_a_node), node.outputs.push_back(text_in(*field));
    if (field->number == 3) node.name = text_in(*field);
    if (field->number == 4) node.kind = text_in(*field);
    if (field->number == 5)
      check_room(node.attributes, "attributes of a node", most_of_a_node), node.attributes.push_back(attribute_in(bytes_in(*field)));
    if (field->number == 7) node.domain = text_in(*field);
  }
  return node;
}

std::pair<std::string, Tensor> tensor_in(View bytes) {
  std::pair<std::string, Tensor> named;
  std::int64_t type = 0;
  std::optional<View> raw;
  std::vector<float>& values = named.second.values;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1) append(named.second.shape, *field);
    if (field->number == 2) type = static_cast<std::int64_t>(field->value);
    if (field->number == 4) {
      if (field->wire != 2) {
        values.push_back(float_in(*field));
      } else if (field->bytes.size() % sizeof(float) == 0) {
        const std::size_t had = values.size();
        values.resize(had + field->bytes.size() / sizeof(float));
        if (!field->bytes.empty()) std::memcpy(values.data() + had, field->bytes.data(), field->bytes.size());
      } else {
        malformed("float_data: must be whole 32-bit numbers");
      }
    }
    if (field->number == 8) named.first = text_in(*field);
    if (field->number == 9) raw = bytes_in(*field);
    if (field->number == 3 || field->number == 13 || (field->number == 14 && field->value != 0))
      unsupported("initialisers must lie whole within the file, not in segments or other files");
  }
  if (type != 1) unsupported(fmt::format("initialiser '{}': must be float32 (type 1); has type {}", named.first, type));
  if (raw) {
    if (!values.empty() || raw->size() % sizeof(float) != 0)
      malformed(fmt::format("initialiser '{}': raw_data must be whole 32-bit numbers", named.first));
    values.resize(raw->size() / sizeof(float));
    if (!raw->empty()) std::memcpy(values.data(), raw->data(), raw->size());
  }
  std::size_t count = 1;
  for (const std::int64_t size : named.second.shape) {
    if (size < 0 || named.second.shape.size() > 8 || (size != 0 && count > values.size() / static_cast<std::size_t>(size)))
      malformed(fmt::format("initialiser '{}': shape must fit its {} values", named.first, values.size()));
    count *= static_cast<std::size_t>(size);
  }
  if (count != values.size()) malformed(fmt::format("initialiser '{}': must hold {} values; got {}", named.first, count, values.size()));
  return named;
}

/// ValueInfoProto: name and type.tensor_type.shape.dim[].dim_value
ValueInfo value_info_in(View bytes) {
  ValueInfo info;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1) info.name = text_in(*field);
    if (field->number != 2) continue;
    Message type(bytes_in(*field));
    while (const auto kind = type.next()) {
      if (kind->number != 1) continue;
      Message tensor(bytes_in(*kind));
      while (const auto part = tensor.next()) {
        if (part->number != 2) continue;
        Message shape(bytes_in(*part));
        while (const auto dimension = shape.next()) {
          if (dimension->number != 1) continue;
          std::int64_t size = 0;
          Message value(bytes_in(*dimension));
          while (const auto entry = value.next())
            if (entry->number == 1 && entry->wire == 0) size = static_cast<std::int64_t>(entry->value);
          check_room(info.shape, "sizes of a shape", most_of_a_node);
          info.shape.push_back(size);
        }
      }
    }
  }
  return info;
}

Graph graph_in(View bytes) {
  Graph graph;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1) check_room(graph.nodes, "nodes"), graph.nodes.push_back(node_in(bytes_in(*field)));
    if (field->number == 5) {
      check_room(graph.tensors, "initialisers");
      auto named = tensor_in(bytes_in(*field));
      if (!graph.tensors.insert(named).second) malformed(fmt::format("initialiser '{}': must be there once", named.first));
    }
    if (field->number == 11) check_room(graph.inputs, "inputs"), graph.inputs.push_back(value_info_in(bytes_in(*field)));
    if (field->number == 12) check_room(graph.outputs, "outputs"), graph.outputs.push_back(value_info_in(bytes_in(*field)));
    if (field->number == 15) unsupported("sparse initialisers are not supported");
  }
  return graph;
}

/// An attribute with three equal values; `otherwise` when it is absent.
int same_along_axes(const Node& node, const char* name, int otherwise) {
  const Attribute* attribute = node.find(name);
  if (!attribute) return otherwise;
  const auto& values = attribute->numbers;
  if (values.size() != 3) unsupported(fmt::format("{}: must have three values; got {}", name, values.size()));
  if (values[1] != values[0] || values[2] != values[0] || values[0] < 1 || values[0] > 4096)
    unsupported(fmt::format("{}: must be positive and the same along the three axes", name));
  return static_cast<int>(values[0]);
}

const Tensor& initialiser(const Graph& graph, const Node& node, std::size_t input) {
  if (node.inputs.size() <= input)
    malformed(fmt::format("{}: must have at least {} inputs; got {}", node.kind, input + 1, node.inputs.size()));
  const auto found = graph.tensors.find(node.inputs[input]);
  if (found == graph.tensors.end()) unsupported(fmt::format("input '{}': must be an initialiser", node.inputs[input]));
  return found->second;
}

VolumeLayer convolution(const Graph& graph, const Node& node) {
  VolumeLayer layer;
  layer.name = node.name.empty() ? node.inputs[0] : node.name;
  layer.weights = initialiser(graph, node, 1);
  if (layer.weights.shape.size() != 5) unsupported(fmt::format("weights: must have five axes; got {}", layer.weights.shape.size()));
  if (node.inputs.size() > 2 && !node.inputs[2].empty()) layer.bias = initialiser(graph, node, 2);
  layer.kernel = same_along_axes(node, "kernel_shape", static_cast<int>(std::min<std::int64_t>(layer.weights.shape[2], 4096)));
  layer.dilation = same_along_axes(node, "dilations", 1);
  if (same_along_axes(node, "strides", 1) != 1) unsupported("strides: must be 1");
  if (const Attribute* group = node.find("group"); group && group->number != 1)
    unsupported(fmt::format("group: must be 1; got {}", group->number));
  const std::int64_t pad = std::int64_t{layer.kernel / 2} * layer.dilation;
  const Attribute *automatic = node.find("auto_pad"), *pads = node.find("pads");
  const std::string mode = automatic ? automatic->text : "NOTSET";
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") return layer;
  if (mode != "NOTSET") unsupported("auto_pad: must be SAME_UPPER, SAME_LOWER or NOTSET; got " + mode);
  const std::vector<std::int64_t> stated = pads ? pads->numbers : std::vector<std::int64_t>(6, 0);
  if (stated != std::vector<std::int64_t>(6, pad))
    unsupported(fmt::format("pads: must be {} at every side, so that the size is kept", pad));
  return layer;
}

void normalise(const Graph& graph, const Node& node, VolumeLayer& layer) {
  const Tensor &scale = initialiser(graph, node, 1), &shift = initialiser(graph, node, 2);
  const auto outputs = static_cast<std::size_t>(layer.weights.shape[0]);
  if (layer.normalised || layer.activation != Activation::linear) unsupported("must follow a convolution");
  if (scale.values != std::vector<float>(outputs, 1.0F) || shift.values != std::vector<float>(outputs, 0.0F))
    unsupported("scale must be 1 and B 0 for every channel");
  layer.normalised = true;
  if (const Attribute* epsilon = node.find("epsilon")) layer.epsilon = epsilon->real;
}

void activate(const Node& node, VolumeLayer& layer) {
  if (layer.activation != Activation::linear) unsupported("an activation must follow a convolution without one");
  const Attribute *alpha = node.find("alpha"), *approximate = node.find("approximate");
  if (node.kind == "Elu" && alpha && alpha->real != 1.0F) unsupported(fmt::format("alpha: must be 1; got {}", alpha->real));
  if (node.kind == "Gelu" && approximate && approximate->text != "none") unsupported("approximate: must be none");
  layer.activation = node.kind == "Relu" ? Activation::relu : node.kind == "Elu" ? Activation::elu : Activation::gelu;
}

std::vector<VolumeLayer> chain_of(const Graph& graph, const std::string& input) {
  std::vector<VolumeLayer> layers;
  std::string before = input;
  for (const Node& node : graph.nodes) {
    with_context(fmt::format("node '{}'", node.name), [&] {
      if (!node.domain.empty() && node.domain != "ai.onnx")
        unsupported(fmt::format("operator {} of '{}' is not supported", node.kind, node.domain));
      const bool known =
          node.kind == "Conv" || node.kind == "Relu" || node.kind == "Elu" || node.kind == "Gelu" || node.kind == "InstanceNormalization";
      if (!known) unsupported(fmt::format("operator {} is not supported", node.kind));
      if (node.inputs.empty() || node.outputs.size() != 1) malformed("must have inputs and one output");
      if (node.inputs[0] != before) unsupported(fmt::format("must follow '{}': only chains of layers are supported", before));
      if (node.kind != "Conv" && layers.empty()) unsupported("the first node must be a Conv");
      if (node.kind == "Conv")
        layers.push_back(convolution(graph, node));
      else if (node.kind == "InstanceNormalization")
        normalise(graph, node, layers.back());
      else
        activate(node, layers.back());
    });
    before = node.outputs[0];
  }
  if (graph.outputs.size() != 1 || graph.outputs[0].name != before) malformed("graph: its one output must be that of the last node");
  return layers;
}

}  // namespace

ImportedNetwork parse_onnx(std::span<const std::byte> bytes) {
  std::optional<Graph> graph;
  std::uint64_t version = 0;
  std::string producer, producer_version;
  Message message(bytes);
  while (const auto field = message.next()) {
    if (field->number == 1) version = field->value;
    if (field->number == 2) producer = text_in(*field);
    if (field->number == 3) producer_version = text_in(*field);
    if (field->number == 7) {
      if (graph) malformed("onnx: must have one graph");
      graph = graph_in(bytes_in(*field));
    }
  }
  if (version < 3 || version > 64 || !graph) malformed("onnx: must state an IR version from 3 on and have a graph");
  std::vector<ValueInfo> inputs;
  for (const ValueInfo& input : graph->inputs)
    if (!graph->tensors.contains(input.name)) inputs.push_back(input);
  if (inputs.size() != 1) unsupported(fmt::format("graph: must have one input; got {}", inputs.size()));
  VolumeNetwork network(chain_of(*graph, inputs[0].name));
  std::array<std::int64_t, 3> size{};
  if (inputs[0].shape.size() != 5)
    unsupported(fmt::format("input: must be (batch, channels, i, j, k); has {} axes", inputs[0].shape.size()));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    size[axis] = inputs[0].shape[axis + 2];
    if (size[axis] < 0 || size[axis] > (std::int64_t{1} << 31)) malformed("input: sizes must lie between 0 and 2^31");
  }
  if (inputs[0].shape[1] != network.inputs())
    malformed(fmt::format("input: must have the {} channels of the first layer", network.inputs()));
  return {std::move(network), size, {}, {}, "onnx", producer_version.empty() ? producer : producer + " " + producer_version};
}

ImportedNetwork read_onnx(const Path& file) {
  const Bytes bytes = read_bytes(file, most_bytes);
  return with_context(file.filename().string(), [&] { return parse_onnx(bytes); });
}

}  // namespace gantry::bundle
