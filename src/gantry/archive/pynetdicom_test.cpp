// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/dicom_server_test_support.h"
#include "gantry/base/json.h"

namespace gantry::archive::pynetdicom_test {
namespace {

using test::Node;
using test::write_study;

/// What a script prints as JSON. Its arguments are the port and the folder of the objects.
Json result_of(const std::string& interpreter, const Node& node, const std::string& body) {
  const Path script = node.folder.path() / "script.py";
  write_atomic(script, R"(
import json, sys, time
from pathlib import Path
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import *
port, folder = int(sys.argv[1]), Path(sys.argv[2])
files = sorted(folder.glob("*.dcm"))
ae = AE(ae_title="PYNETDICOM")
def keys(**values):
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds
)" + body);
  const auto [status, text] = run_command(
      fmt::format("'{}' -W ignore {} {} {}", interpreter, script.string(), node.server->port(), (node.folder.path() / "in").string()));
  EXPECT_EQ(status, 0) << text;
  return status == 0 ? parse_json(text) : Json();
}

TEST(Pynetdicom, stores_finds_and_gets_the_same_objects) {
  const std::string interpreter = python_with("pynetdicom");
  if (interpreter.empty()) GTEST_SKIP() << "pynetdicom is not installed";
  const Node node;
  write_study(node.folder.path() / "in", 3);
  const Json result = result_of(interpreter, node, R"(
ae.add_requested_context(Verification)
for uid in (CTImageStorage, MRImageStorage):
    ae.add_requested_context(uid, "1.2.840.10008.1.2.1")
for uid in (StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet):
    ae.add_requested_context(uid)
got = {}
def take(event):
    got[event.request.AffectedSOPInstanceUID] = event.request.DataSet.getvalue()
    return 0
roles = [build_role(uid, scu_role=True, scp_role=True) for uid in (CTImageStorage, MRImageStorage)]
# No limit of the PDU size, user identity: both are to be understood or passed over.
ae.maximum_pdu_size = 0
assoc = ae.associate("127.0.0.1", port, ae_title="GANTRY", ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, take)], max_pdu=0)
out = {"echo": assoc.send_c_echo().Status, "store": [assoc.send_c_store(str(f)).Status for f in files]}
found = list(assoc.send_c_find(keys(QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2.3", SeriesInstanceUID="", Modality="", PatientName="M*"),
                               StudyRootQueryRetrieveInformationModelFind))
out["find"] = [s.Status for s, d in found]
out["modalities"] = sorted(d.Modality for s, d in found if d)
out["name"] = str(found[0][1].PatientName)
answers = list(assoc.send_c_get(keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3"), StudyRootQueryRetrieveInformationModelGet))
out["get"] = answers[-1][0].Status
out["completed"] = answers[-1][0].NumberOfCompletedSuboperations
out["same"] = len(got) == len(files) and all(f.read_bytes().endswith(got[dcmread(f).SOPInstanceUID]) for f in files)
assoc.release()
print(json.dumps(out))
)");
  ASSERT_FALSE(result.is_null());
  EXPECT_EQ(result["echo"], 0);
  EXPECT_EQ(result["store"], Json(std::vector<int>(6, 0)));
  EXPECT_EQ(result["find"], Json({0xFF00, 0xFF00, 0}));
  EXPECT_EQ(result["modalities"], Json({"CT", "MR"}));
  EXPECT_EQ(result["name"], "Müller^Jörg");
  EXPECT_EQ(result["get"], 0);
  EXPECT_EQ(result["completed"], 6);
  EXPECT_EQ(result["same"], true);
}

TEST(Pynetdicom, is_sent_what_it_asked_to_be_moved) {
  const std::string interpreter = python_with("pynetdicom");
  if (interpreter.empty()) GTEST_SKIP() << "pynetdicom is not installed";
  std::uint16_t free_port = 0;
  { free_port = dicom::network::Listener("127.0.0.1", 0).port(); }
  DicomServerOptions options;
  options.nodes = {{"DESTINATION", "127.0.0.1", free_port}};
  const Node node(options);
  write_study(node.folder.path() / "in", 3);
  const Json result = result_of(interpreter, node,
                                fmt::format(R"(
from pynetdicom import StoragePresentationContexts
got = []
def take(event):
    got.append((event.request.AffectedSOPInstanceUID, event.request.MoveOriginatorApplicationEntityTitle))
    return 0xA700 if len(got) == 2 else 0
scp = AE(ae_title="DESTINATION")
scp.supported_contexts = StoragePresentationContexts
server = scp.start_server(("127.0.0.1", {}), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
for uid in (CTImageStorage, MRImageStorage):
    ae.add_requested_context(uid, "1.2.840.10008.1.2.1")
ae.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
assoc = ae.associate("127.0.0.1", port, ae_title="GANTRY")
for f in files:
    assoc.send_c_store(str(f))
answers = list(assoc.send_c_move(keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3"), "DESTINATION", StudyRootQueryRetrieveInformationModelMove))
last, failed = answers[-1]
assoc.release()
server.shutdown()
print(json.dumps(dict(status=last.Status, completed=last.NumberOfCompletedSuboperations, failed=last.NumberOfFailedSuboperations,
                      listed=failed.FailedSOPInstanceUIDList, second=got[1][0], got=len(set(got)), by=got[0][1])))
)",
                                            free_port));
  ASSERT_FALSE(result.is_null());
  EXPECT_EQ(result["status"], 0xB000);
  EXPECT_EQ(result["completed"], 5);
  EXPECT_EQ(result["failed"], 1);
  EXPECT_EQ(result["listed"], result["second"]);
  EXPECT_EQ(result["got"], 6);
  EXPECT_EQ(result["by"], "PYNETDICOM");
}

TEST(Pynetdicom, can_cancel_a_query_and_abort_in_the_middle) {
  const std::string interpreter = python_with("pynetdicom");
  if (interpreter.empty()) GTEST_SKIP() << "pynetdicom is not installed";
  Node node;
  for (int n = 0; n < 40; ++n) {
    test::Object object;
    object.uid = fmt::format("1.2.3.1.{}", n + 1);
    node.archive.add(test::file_of(object));
  }
  const Json result = result_of(interpreter, node, R"(
ae.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
assoc = ae.associate("127.0.0.1", port, ae_title="GANTRY")
question = keys(QueryRetrieveLevel="IMAGE", StudyInstanceUID="1.2.3", SOPInstanceUID="")
assoc.send_c_cancel(7, query_model=StudyRootQueryRetrieveInformationModelFind)
statuses = [s.Status for s, d in assoc.send_c_find(question, StudyRootQueryRetrieveInformationModelFind, msg_id=8)]
for s, d in assoc.send_c_find(question, StudyRootQueryRetrieveInformationModelFind, msg_id=9):
    assoc.abort()
    break
again = ae.associate("127.0.0.1", port, ae_title="GANTRY")
alive = [s.Status for s, d in again.send_c_find(question, StudyRootQueryRetrieveInformationModelFind)]
again.release()
print(json.dumps({"last": statuses[-1], "count": len(statuses), "alive": len(alive)}))
)");
  ASSERT_FALSE(result.is_null());
  EXPECT_EQ(result["last"], 0);
  EXPECT_EQ(result["count"], 41);
  EXPECT_EQ(result["alive"], 41);
}

}  // namespace
}  // namespace gantry::archive::pynetdicom_test
