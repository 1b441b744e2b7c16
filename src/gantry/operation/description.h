// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <type_traits>

#include "gantry/base/error.h"
#include "gantry/operation/operation.h"

namespace gantry {

/// An enumeration becomes a parameter when a function `choices_of(E)` beside it names its values:
/// `constexpr std::array<std::pair<Border, std::string_view>, 3> choices_of(Border)`.
template <class E>
concept Choice = std::is_enum_v<E> && requires(E value) { choices_of(value); };

namespace description_detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// How a C++ type of a parameter stands in JSON.
template <class T>
struct ParameterType {
  static_assert(Choice<T>,
                "a parameter must be bool, a number, text, Vec3, a vector or array of numbers, an optional of these, or an enumeration "
                "with choices_of");
  static void describe(ParameterInfo& info) {
    info.kind = ParameterKind::choice;
    for (const auto& [value, name] : choices_of(T{})) info.choices.emplace_back(name);
  }
  static Json to_json(const T& wanted) {
    for (const auto& [value, name] : choices_of(T{})) {
      if (value == wanted) return Json(std::string(name));
    }
    throw Error(ErrorCode::parameter, fmt::format("enumeration: {} is not among its choices", static_cast<long long>(wanted)));
  }
  static T from_json(const Json& json) {
    for (const auto& [value, name] : choices_of(T{})) {
      if (name == json.get_ref<const std::string&>()) return value;
    }
    throw Error(ErrorCode::internal, "choice was not checked");
  }
};
template <>
struct ParameterType<bool> {
  static void describe(ParameterInfo& info) { info.kind = ParameterKind::boolean; }
  static Json to_json(bool value) { return value; }
  static bool from_json(const Json& json) { return json.get<bool>(); }
};
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
struct ParameterType<T> {
  static void describe(ParameterInfo& info) {
    info.kind = ParameterKind::integer;
    info.minimum = static_cast<double>(std::numeric_limits<T>::min());
    info.maximum = static_cast<double>(std::numeric_limits<T>::max());
  }
  static Json to_json(T value) { return value; }
  static T from_json(const Json& json) { return json.get<T>(); }
};
template <class T>
  requires std::is_floating_point_v<T>
struct ParameterType<T> {
  static void describe(ParameterInfo& info) { info.kind = ParameterKind::number; }
  static Json to_json(T value) { return static_cast<double>(value); }
  static T from_json(const Json& json) { return static_cast<T>(json.get<double>()); }
};
template <>
struct ParameterType<std::string> {
  static void describe(ParameterInfo& info) { info.kind = ParameterKind::text; }
  static Json to_json(const std::string& value) { return value; }
  static std::string from_json(const Json& json) { return json.get<std::string>(); }
};
template <>
struct ParameterType<Vec3> {
  static void describe(ParameterInfo& info) {
    info.kind = ParameterKind::numbers;
    info.count = 3;
  }
  static Json to_json(const Vec3& value) { return Json::array({value.x, value.y, value.z}); }
  static Vec3 from_json(const Json& json) { return {json[0].get<double>(), json[1].get<double>(), json[2].get<double>()}; }
};
template <>
struct ParameterType<std::vector<double>> {
  static void describe(ParameterInfo& info) { info.kind = ParameterKind::numbers; }
  static Json to_json(const std::vector<double>& value) { return value; }
  static std::vector<double> from_json(const Json& json) { return json.get<std::vector<double>>(); }
};
template <class T>
struct ParameterType<std::optional<T>> {
  static void describe(ParameterInfo& info) {
    ParameterType<T>::describe(info);
    info.optional = true;
  }
  static Json to_json(const std::optional<T>& value) { return value ? ParameterType<T>::to_json(*value) : Json(nullptr); }
  static std::optional<T> from_json(const Json& json) {
    return json.is_null() ? std::optional<T>() : std::optional<T>(ParameterType<T>::from_json(json));
  }
};

/// How one argument of operator() is a port.
template <class Argument>
struct InputOf;
template <class T>
struct InputOf<const T&> {
  using Type = T;
  static constexpr bool optional = false, variadic = false;
  static const T& fetch(const std::vector<Value>& values, std::vector<T>&) { return values.front().template as<T>(); }
};
template <class T>
struct InputOf<const T*> {
  using Type = T;
  static constexpr bool optional = true, variadic = false;
  static const T* fetch(const std::vector<Value>& values, std::vector<T>&) {
    return values.empty() ? nullptr : &values.front().template as<T>();
  }
};
template <class T>
struct InputOf<std::span<const T>> {
  using Type = T;
  static constexpr bool optional = false, variadic = true;
  static std::span<const T> fetch(const std::vector<Value>& values, std::vector<T>& storage) {
    for (const Value& value : values) storage.push_back(value.template as<T>());
    return storage;
  }
};

template <class Member>
struct SignatureOf;
template <class Op, class Result_, class... Arguments_>
struct SignatureOf<Result_ (Op::*)(Arguments_...) const> {
  using Result = Result_;
  using All = std::tuple<Arguments_...>;
  static constexpr std::size_t count = sizeof...(Arguments_) - 1;
  static_assert(std::is_same_v<std::tuple_element_t<count, All>, Run&>, "the last argument of operator() must be Run&");
  template <std::size_t N>
  using Input = InputOf<std::tuple_element_t<N, All>>;
};
template <class Op>
using Signature = SignatureOf<decltype(&Op::operator())>;

/// Number of members of an aggregate: the most initialisers it takes.
struct Anything {
  template <class T>
  operator T() const noexcept;
};
template <class T, class... Initialisers>
consteval std::size_t member_count() {
  if constexpr (requires { T{Initialisers{}..., Anything{}}; }) {
    return member_count<T, Initialisers..., Anything>();
  } else {
    return sizeof...(Initialisers);
  }
}

}  // namespace description_detail

/// Gathers what an operation says of itself. `T` is the operation or a nested struct of options.
template <class T>
class Description {
 public:
  struct Parameter {
    ParameterInfo info;
    std::function<Json(const T&)> value;
    std::function<void(T&, const Json&)> assign;
  };
  struct Output {
    PortDescription port;
    std::function<Value(const std::any&)> take;  ///< from the result of operator(), held by pointer
  };

  /// Lets the words of a parameter be followed by its unit, range and choices.
  class ParameterWords {
   public:
    explicit ParameterWords(ParameterInfo& info) : info_(info) {}
    ParameterWords& unit(std::string_view ucum) { return info_.unit = ucum, *this; }
    ParameterWords& range(double minimum, double maximum) { return info_.minimum = minimum, info_.maximum = maximum, *this; }
    ParameterWords& at_least(double minimum) { return info_.minimum = minimum, *this; }

   private:
    ParameterInfo& info_;
  };

  void summary(std::string_view words) { info.summary = words; }
  /// Raises the version (default 1) when results change.
  void version(int number) { info.version = number; }
  void example(std::string_view command) { info.examples.emplace_back(command); }
  void reference(std::string_view citation) { info.references.emplace_back(citation); }

  /// Names the next argument of operator(). Its type, and whether it is optional or variadic, come from the signature.
  void input(std::string_view name, std::string_view words) {
    info.inputs.push_back({std::string(name), std::string(words), nullptr, false, false});
  }

  template <class M>
  ParameterWords parameter(std::string_view name, M T::*member, std::string_view words) {
    using Type = description_detail::ParameterType<M>;
    Parameter parameter;
    parameter.info.name = name;
    parameter.info.words = words;
    Type::describe(parameter.info);
    parameter.info.default_value = Type::to_json(T{}.*member);
    parameter.value = [member](const T& object) { return Type::to_json(object.*member); };
    parameter.assign = [member](T& object, const Json& json) { object.*member = Type::from_json(json); };
    parameters.push_back(std::move(parameter));
    ++described_members;
    return ParameterWords(parameters.back().info);
  }

  /// A nested struct of options, described by its own `describe`; its parameters are called "name.member".
  template <class G>
  void group(const std::string& name, G T::*member) {
    Description<G> inner;
    G::describe(inner);
    inner.require_all_described(name);
    for (auto& part : inner.parameters) {
      Parameter parameter;
      parameter.info = part.info;
      parameter.info.name = name + "." + part.info.name;
      parameter.info.default_value = part.value(T{}.*member);
      parameter.value = [member, value = part.value](const T& object) { return value(object.*member); };
      parameter.assign = [member, assign = part.assign](T& object, const Json& json) { assign(object.*member, json); };
      parameters.push_back(std::move(parameter));
    }
    ++described_members;
  }

  /// The only result of operator().
  void output(std::string_view name, std::string_view words) {
    using Result = typename description_detail::Signature<T>::Result;
    outputs.push_back({{std::string(name), std::string(words), &port_info<Result>(), false, false},
                       [](const std::any& result) { return Value(*std::any_cast<Result*>(result)); }});
  }
  /// One member of the struct that operator() gives; `std::optional` members are optional outputs.
  template <class R, class M>
  void output(std::string_view name, M R::*member, std::string_view words) {
    if constexpr (description_detail::IsOptional<M>::value) {
      outputs.push_back(
          {{std::string(name), std::string(words), &port_info<typename M::value_type>(), true, false}, [member](const std::any& result) {
             const auto& held = std::any_cast<R*>(result)->*member;
             return held ? Value(*held) : Value();
           }});
    } else {
      outputs.push_back({{std::string(name), std::string(words), &port_info<M>(), false, false},
                         [member](const std::any& result) { return Value(std::any_cast<R*>(result)->*member); }});
    }
  }

  /// A rule between parameters: throws Error(parameter) when it is broken.
  void rule(std::function<void(const T&)> check) { rules.push_back(std::move(check)); }

  void require_all_described(const std::string& owner) const {
    constexpr std::size_t members = description_detail::member_count<T>();
    if (described_members != members) {
      throw Error(ErrorCode::internal,
                  fmt::format("{}: has {} members, {} are described as parameters", owner, members, described_members));
    }
  }

  OperationInfo info;  ///< without parameters and outputs, which stand below
  std::vector<Parameter> parameters;
  std::vector<Output> outputs;
  std::vector<std::function<void(const T&)>> rules;
  std::size_t described_members = 0;
};

/// Checks the parameters of an operation against its description: the first line of an operator(). Throws Error(parameter).
template <class Op>
void check_parameters(const Op& operation) {
  static const Description<Op> description = [] {
    Description<Op> d;
    Op::describe(d);
    return d;
  }();
  for (const auto& parameter : description.parameters) checked_parameter(parameter.info, parameter.value(operation));
  for (const auto& rule : description.rules) rule(operation);
}

/// An operation of type Op behind the interface that every surface uses.
template <class Op>
class DescribedOperation final : public Operation {
  using Signature = description_detail::Signature<Op>;
  using Indices = std::make_index_sequence<Signature::count>;

 public:
  explicit DescribedOperation(std::string id) {
    Op::describe(description_);
    info_ = description_.info;
    info_.id = std::move(id);
    if (info_.inputs.size() != Signature::count) {
      throw Error(ErrorCode::internal,
                  fmt::format("{}: operator() takes {} inputs, {} are described", info_.id, Signature::count, info_.inputs.size()));
    }
    bind_inputs(Indices{});
    description_.require_all_described(info_.id);
    for (const auto& parameter : description_.parameters) info_.parameters.push_back(parameter.info);
    for (const auto& output : description_.outputs) info_.outputs.push_back(output.port);
  }

 protected:
  Arguments run_checked(const Arguments& inputs, const Json& canonical, Run& run) const override {
    const Op operation = made_of(canonical);
    auto result = call(
        inputs, [&](const auto&... arguments) { return operation(arguments..., run); }, Indices{});
    Arguments outputs;
    const std::any pointer = &result;
    for (const auto& output : description_.outputs) {
      if (Value value = output.take(pointer); !value.empty()) outputs[output.port.name].push_back(std::move(value));
    }
    return outputs;
  }

  Cost cost_checked(const Arguments& inputs, const Json& canonical) const override {
    const Op operation = made_of(canonical);
    return call(
        inputs,
        [&](const auto&... arguments) {
          if constexpr (requires { operation.cost(arguments...); }) {
            return operation.cost(arguments...);
          } else {
            return Cost{};
          }
        },
        Indices{});
  }

  Grid output_grid(const Arguments& inputs, const Json& canonical) const override {
    const Op operation = made_of(canonical);
    return call(
        inputs,
        [&](const auto&... arguments) {
          if constexpr (requires { operation.output_grid(arguments...); }) {
            return operation.output_grid(arguments...);
          } else {
            Grid grid;
            const auto take = [&grid, found = false](const auto& argument) mutable {
              if constexpr (std::is_same_v<std::remove_cvref_t<decltype(argument)>, Image>) {
                if (!found) grid = argument.grid();
                found = true;
              }
            };
            auto taker = take;
            (taker(arguments), ...);
            return grid;
          }
        },
        Indices{});
  }

  void check_rules(const Json& canonical) const override {
    const Op operation = made_of(canonical);
    for (const auto& rule : description_.rules) rule(operation);
  }

 private:
  template <std::size_t... N>
  void bind_inputs(std::index_sequence<N...>) {
    (bind_input<typename Signature::template Input<N>>(info_.inputs[N]), ...);
  }
  template <class Input>
  static void bind_input(PortDescription& port) {
    port.type = &port_info<typename Input::Type>();
    port.optional = Input::optional;
    port.variadic = Input::variadic;
  }

  Op made_of(const Json& canonical) const {
    Op operation{};
    for (const auto& parameter : description_.parameters) parameter.assign(operation, canonical.at(parameter.info.name));
    return operation;
  }

  template <class Body, std::size_t... N>
  auto call(const Arguments& inputs, Body&& body, std::index_sequence<N...>) const {
    static const std::vector<Value> none;
    const auto values = [&](std::size_t n) -> const std::vector<Value>& {
      const auto at = inputs.find(info_.inputs[n].name);
      return at == inputs.end() ? none : at->second;
    };
    std::tuple<std::vector<typename Signature::template Input<N>::Type>...> storage;
    return body(Signature::template Input<N>::fetch(values(N), std::get<N>(storage))...);
  }

  Description<Op> description_;
};

}  // namespace gantry
