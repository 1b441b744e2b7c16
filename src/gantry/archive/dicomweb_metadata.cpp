// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <openssl/evp.h>

#include "gantry/archive/dicomweb.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr std::uint64_t inline_bytes = 1024, most_bytes = std::uint64_t{1} << 31;
constexpr int most_levels = 12;

bool is_binary(std::string_view vr) {
  return vr == "OB" || vr == "OW" || vr == "OD" || vr == "OF" || vr == "OL" || vr == "OV" || vr == "UN";
}

std::string base64(std::span<const std::byte> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

/// Adds what the JSON of a data set lacks: its binary values. `address` is that of the bulk data of this level.
void add_binary(const dicom::DataSet& set, Json& json, const std::string& address, int level) {
  for (const dicom::Element& element : set.elements()) {
    const auto key = fmt::format("{:08X}", element.tag);
    const auto entry = json.find(key);
    if (entry == json.end()) continue;
    const std::string kind = set.vr(element);
    if (kind == "SQ" && level < most_levels && entry->contains("Value")) {
      const auto items = set.items(element.tag);
      Json& values = (*entry)["Value"];
      for (std::size_t n = 0; n < items.size() && n < values.size(); ++n)
        add_binary(items[n], values[n], fmt::format("{}/{}/{}", address, key, n), level + 1);
    } else if (is_binary(kind) && element.length > 0) {
      if (!element.external && element.length <= inline_bytes) {
        (*entry)["InlineBinary"] = base64(set.value(element));
      } else {
        (*entry)["BulkDataURI"] = address + "/" + key;
      }
    }
  }
}

}  // namespace

Json metadata_of(const dicom::Header::Data& header, const InstanceRecord& record) {
  const std::string address = dicomweb_address(record.study_uid, record.series_uid, record.sop_instance_uid);
  Json json = header.root.to_json();
  add_binary(header.root, json, address + "/bulkdata", 0);
  json["00083002"] = {{"vr", "UI"}, {"Value", Json::array({header.transfer_syntax})}};
  if (header.pixel.tag != 0) {
    const std::string vr = header.pixel.vr[0] != 0 ? std::string(header.pixel.vr, 2) : "OW";
    json[fmt::format("{:08X}", header.pixel.tag)] = {{"vr", vr},
                                                     {"BulkDataURI", fmt::format("{}/bulkdata/{:08X}", address, header.pixel.tag)}};
  }
  return json;
}

Response bulk_data(const std::shared_ptr<const dicom::Header::Data>& header, const std::string& place) {
  const Error none(ErrorCode::not_found, "bulk data: there is none at this place");
  const auto parts = split(place, '/');
  if (parts.size() % 2 == 0 || parts.size() > 2 * most_levels) throw none;
  std::vector<std::unique_ptr<dicom::DataSet>> held;  // Items refer to the data set around them.
  const dicom::DataSet* set = &header->root;
  for (std::size_t n = 0; n + 2 < parts.size(); n += 2) {
    const auto tag = dicom::tag_of(parts[n]);
    const auto index = parse_integer(parts[n + 1]);
    auto item = tag && index && *index >= 0 ? set->item(*tag, static_cast<std::size_t>(*index)) : std::nullopt;
    if (!item) throw none;
    held.push_back(std::make_unique<dicom::DataSet>(std::move(*item)));
    set = held.back().get();
  }
  const auto tag = dicom::tag_of(parts.back());
  const dicom::Element* element = tag ? set->find(*tag) : nullptr;
  if (!element || element->length == 0) throw none;
  if (!element->external) {
    const auto bytes = set->value(*element);
    return text_response(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "application/octet-stream");
  }
  if (element->length > most_bytes) throw Error(ErrorCode::out_of_memory, "bulk data: is too long to be given at once");
  if (!header->origin.deflated_after) {
    Response response;
    response.header("Content-Type", "application/octet-stream");
    response.body.emplace_back(FileRange{header->origin.path, element->offset, element->length});
    return response;
  }
  std::string text(element->length, '\0');
  if (header->origin.open()->read(element->offset, std::as_writable_bytes(std::span(text))) != text.size())
    throw Error(ErrorCode::unreadable, "bulk data: is cut off");
  return text_response(std::move(text), "application/octet-stream");
}

}  // namespace gantry::archive
