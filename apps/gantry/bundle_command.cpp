// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/bundle/network_bundle.h"
#include "session.h"

namespace gantry::cli {

int bundle_import(const Words& arguments) {
  CommandLine command("bundle import", "Makes a bundle of a segmentation network in TensorFlow.js or ONNX form.");
  std::string source, out, description, licence, low, high;
  command.positional("SOURCE", source, "model.json with its weights, an .onnx file, or a folder that holds one of them");
  command.option("-o,--output", out, "Bundle to write", "BUNDLE");
  command.option("--describe", description, "JSON with title, version, intended_use, not_for, data, licence and limits for the card",
                 "FILE");
  command.option("--licence", licence, "Licence of the network, to go along as LICENSE", "FILE");
  command.option("--low-quantile", low, "Share of the voxels below the value that becomes 0; default: as the source states, else 0",
                 "SHARE");
  command.option("--high-quantile", high, "Share of the voxels below the value that becomes 1; default: as the source states, else 1",
                 "SHARE");
  command.example("gantry bundle import mindgrab/model.json -o mindgrab-bundle --licence LICENSE");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (out.empty()) throw Error(ErrorCode::usage, "bundle import: needs -o BUNDLE");
  session.start();
  bundle::ImportedNetwork imported = bundle::read_network(source);
  if (!low.empty()) imported.range.low = number("low-quantile", low, 0, 1);
  if (!high.empty()) imported.range.high = number("high-quantile", high, 0, 1);
  if (!(imported.range.low < imported.range.high)) throw Error(ErrorCode::parameter, "low-quantile: must lie below high-quantile");
  Json said = Json::object();
  if (!description.empty()) {
    said =
        with_context(Path(description).filename().string(), [&] { return parse_json(read_text(description, std::uint64_t{1} << 20), 8); });
    if (!said.is_object()) throw Error(ErrorCode::parameter, "describe: must hold an object");
  }
  std::optional<Bytes> terms;
  if (!licence.empty()) terms = read_bytes(licence, std::uint64_t{1} << 20);
  bundle::write_network_bundle(out, imported, said, terms);
  session.finish();
  const bundle::Bundle written = bundle::open_bundle(out);
  const bundle::VolumeNetwork& network = imported.network;
  if (session.json()) {
    print(Json{{"bundle", written.id()},
               {"format", imported.format},
               {"layers", network.layers().size()},
               {"parameters", network.parameters()},
               {"classes", network.outputs()}});
  } else {
    print(fmt::format("{}\n{} convolutions, {} parameters, {} classes, from {}\n", written.id(), network.layers().size(),
                      network.parameters(), network.outputs(), imported.format));
  }
  return 0;
}

}  // namespace gantry::cli
