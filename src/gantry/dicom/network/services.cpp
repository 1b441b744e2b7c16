// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/services.h"

#include "gantry/dicom/network/part10.h"

namespace gantry::dicom::network {

bool is_transfer_syntax(std::string_view uid) {
  // PS3.5 chapter 8 and its annexes put them all here; the pixels of JPIP (.94, .95, .204, .205) lie elsewhere.
  if (!is_uid(uid) || uid.ends_with(".1.2.4.94") || uid.ends_with(".1.2.4.95") || uid.ends_with(".1.2.4.204") ||
      uid.ends_with(".1.2.4.205"))
    return false;
  return uid == "1.2.840.10008.1.2" || uid.starts_with("1.2.840.10008.1.2.");
}

bool is_native(std::string_view uid) {
  return uid == transfer_syntax::implicit_little || uid == transfer_syntax::explicit_little || uid == transfer_syntax::explicit_big;
}

bool is_storage_class(std::string_view uid) {
  if (!is_uid(uid)) return false;
  if (!uid.starts_with("1.2.840.10008.")) return true;
  for (const std::string_view other :
       {"1.2.840.10008.5.1.4.1.1.", "1.2.840.10008.5.1.4.34.7", "1.2.840.10008.5.1.4.34.10", "1.2.840.10008.5.1.4.38.1",
        "1.2.840.10008.5.1.4.39.1", "1.2.840.10008.5.1.4.43.1", "1.2.840.10008.5.1.4.44.1", "1.2.840.10008.5.1.4.45.1",
        "1.2.840.10008.5.1.1.27", "1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30"}) {
    if (uid == other || (other.back() == '.' && uid.starts_with(other))) return true;
  }
  return false;
}

const std::vector<std::string>& common_storage_classes() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> list;
    for (const char* tail :
         {"1",        "1.1",      "1.1.1",    "1.2",      "1.2.1",    "1.3",    "1.3.1",    "2",      "2.1",      "2.2",    "3.1",
          "4",        "4.1",      "4.2",      "4.3",      "4.4",      "6.1",    "6.2",      "7",      "7.1",      "7.2",    "7.3",
          "7.4",      "9.1.1",    "9.1.2",    "9.1.3",    "9.2.1",    "9.3.1",  "9.4.1",    "9.4.2",  "9.5.1",    "9.6.1",  "11.1",
          "11.2",     "11.3",     "11.4",     "11.5",     "12.1",     "12.1.1", "12.2",     "12.2.1", "13.1.1",   "13.1.2", "13.1.3",
          "13.1.4",   "13.1.5",   "14.1",     "14.2",     "20",       "30",     "66",       "66.1",   "66.2",     "66.3",   "66.4",
          "66.5",     "66.6",     "67",       "68.1",     "68.2",     "77.1.1", "77.1.1.1", "77.1.2", "77.1.2.1", "77.1.3", "77.1.4",
          "77.1.4.1", "77.1.5.1", "77.1.5.2", "77.1.5.3", "77.1.5.4", "77.1.6", "78.1",     "78.2",   "78.3",     "78.4",   "79.1",
          "80.1",     "81.1",     "88.11",    "88.22",    "88.33",    "88.34",  "88.40",    "88.50",  "88.59",    "88.65",  "88.67",
          "88.68",    "88.69",    "88.70",    "88.71",    "104.1",    "104.2",  "104.3",    "128",    "128.1",    "130",    "481.1",
          "481.2",    "481.3",    "481.4",    "481.5",    "481.6",    "481.7",  "481.8",    "481.9"}) {
      list.push_back(std::string("1.2.840.10008.5.1.4.1.1.") + tail);
    }
    return list;
  }();
  return all;
}

}  // namespace gantry::dicom::network
