// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/index.h"

#include <fmt/format.h>

#include <chrono>
#include <set>

#include "gantry/archive/attributes.h"
#include "gantry/archive/matching.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/part10.h"

namespace gantry::archive {

namespace {

constexpr std::int64_t schema_version = 1;

/// Patient attributes lie with the study.
Level table_level(const IndexedAttribute& attribute) { return attribute.level == Level::patient ? Level::study : attribute.level; }

std::string_view table_name(Level level) { return level == Level::series ? "series" : level == Level::instance ? "instance" : "study"; }

bool is_column(const IndexedAttribute& attribute) { return !(attribute.computed && attribute.level == Level::patient); }

std::string columns_of(Level level) {
  std::string text;
  for (const IndexedAttribute& attribute : indexed_attributes()) {
    if (table_level(attribute) != level || !is_column(attribute)) continue;
    const bool count = attribute.computed && attribute.keyword.starts_with("Number");
    text += fmt::format(", {} {}", attribute.keyword, count ? "INTEGER NOT NULL DEFAULT 0" : "TEXT");
    if (attribute.vr == "PN") text += fmt::format(", {}_folded TEXT", attribute.keyword);
  }
  return text;
}

std::string schema() {
  return "CREATE TABLE study (id INTEGER PRIMARY KEY" + columns_of(Level::study) +
         ");"
         "CREATE TABLE series (id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study" +
         columns_of(Level::series) +
         ");"
         "CREATE TABLE instance (id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, size INTEGER NOT NULL,"
         " sha256 TEXT NOT NULL, source TEXT NOT NULL, arrived INTEGER NOT NULL" +
         columns_of(Level::instance) +
         ");"
         "CREATE TABLE removal (SOPInstanceUID TEXT PRIMARY KEY) WITHOUT ROWID;"
         "CREATE UNIQUE INDEX study_uid ON study (StudyInstanceUID);"
         "CREATE INDEX study_patient ON study (PatientID);"
         "CREATE INDEX study_name ON study (PatientName_folded);"
         "CREATE INDEX study_accession ON study (AccessionNumber);"
         "CREATE INDEX study_date ON study (StudyDate, StudyTime);"
         "CREATE UNIQUE INDEX series_uid ON series (SeriesInstanceUID, study);"
         "CREATE INDEX series_study ON series (study);"
         "CREATE UNIQUE INDEX instance_uid ON instance (SOPInstanceUID);"
         "CREATE INDEX instance_series ON instance (series);" +
         fmt::format("PRAGMA user_version={}", schema_version);
}

/// "INSERT INTO table (fixed, attributes) VALUES (?, ...)".
std::string insert_statement(Level level, const std::string& fixed, int fixed_count) {
  std::string names, marks;
  for (const IndexedAttribute& attribute : indexed_attributes()) {
    if (table_level(attribute) != level || attribute.computed) continue;
    names += fmt::format(",{}", attribute.keyword);
    marks += ",?";
    if (attribute.vr != "PN") continue;
    names += fmt::format(",{}_folded", attribute.keyword);
    marks += ",?";
  }
  std::string fixed_marks = "?";
  for (int n = 1; n < fixed_count; ++n) fixed_marks += ",?";
  return fmt::format("INSERT INTO {} ({}{}) VALUES ({}{})", table_name(level), fixed, names, fixed_marks, marks);
}

void bind_values(Statement& statement, Level level, int first, const IndexEntry& entry) {
  const auto& attributes = indexed_attributes();
  for (std::size_t n = 0; n < attributes.size(); ++n) {
    if (table_level(attributes[n]) != level || attributes[n].computed) continue;
    const std::optional<std::string>& value = entry.values[n];
    statement.bind_optional(first++, value);
    if (attributes[n].vr == "PN") statement.bind_optional(first++, value ? std::optional(folded_name(*value)) : std::nullopt);
  }
}

constexpr std::string_view record_columns =
    "study.StudyInstanceUID, series.SeriesInstanceUID, instance.SOPInstanceUID, instance.SOPClassUID, instance.AvailableTransferSyntaxUID,"
    " instance.InstanceNumber, instance.NumberOfFrames, instance.size, instance.sha256";
constexpr std::string_view joined = "study JOIN series ON series.study = study.id JOIN instance ON instance.series = series.id";

InstanceRecord record_of(const Statement& row) {
  InstanceRecord record;
  record.study_uid = row.text(0);
  record.series_uid = row.text(1);
  record.sop_instance_uid = row.text(2);
  record.sop_class_uid = row.text(3);
  record.transfer_syntax_uid = row.text(4);
  record.number = parse_integer(row.text(5)).value_or(0);
  record.frames = static_cast<int>(std::clamp<long long>(parse_integer(row.text(6)).value_or(1), 1, 1000000000));
  record.size = static_cast<std::uint64_t>(row.integer(7));
  record.sha256 = row.text(8);
  return record;
}

/// WHERE clause and parameters that name a study, series or instance.
std::string place_condition(std::string_view study_uid, std::string_view series_uid, std::string_view sop_instance_uid,
                            std::vector<std::string>& parameters) {
  std::string sql = "1";
  const auto add = [&](const char* column, std::string_view uid) {
    if (uid.empty()) return;
    sql += fmt::format(" AND {} = ?", column);
    parameters.emplace_back(uid);
  };
  add("study.StudyInstanceUID", study_uid);
  add("series.SeriesInstanceUID", series_uid);
  add("instance.SOPInstanceUID", sop_instance_uid);
  return sql;
}

std::vector<InstanceRecord> records(Database& database, std::string_view study_uid, std::string_view series_uid,
                                    std::string_view sop_instance_uid) {
  std::vector<std::string> parameters;
  const std::string where = place_condition(study_uid, series_uid, sop_instance_uid, parameters);
  const auto statement =
      database.prepare(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY study.id, CAST(series.SeriesNumber AS INTEGER), series.id,"
                                   " CAST(instance.InstanceNumber AS INTEGER), instance.SOPInstanceUID",
                                   record_columns, joined, where));
  for (std::size_t n = 0; n < parameters.size(); ++n) statement->bind(static_cast<int>(n), parameters[n]);
  std::vector<InstanceRecord> found;
  while (statement->step()) found.push_back(record_of(*statement));
  return found;
}

std::string tables_of(Level level) {
  if (level == Level::instance) return std::string(joined);
  return level == Level::series ? "study JOIN series ON series.study = study.id" : "study";
}

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Adds a value to a column of distinct values parted by backslashes.
std::string append_distinct(std::string_view column) {
  return fmt::format(R"(UPDATE study SET {0} = CASE WHEN {0} IS NULL OR {0} = '' THEN ?1 ELSE {0} || '\' || ?1 END)"
                     R"( WHERE id = ?2 AND instr('\' || ifnull({0}, '') || '\', '\' || ?1 || '\') = 0)",
                     column);
}

}  // namespace

/// A read connection out of the pool, given back at the end.
class Index::Reader {
 public:
  explicit Reader(const Index& index) : index_(index) {
    {
      const std::lock_guard lock(index.pool_lock_);
      if (!index.pool_.empty()) {
        database_ = std::move(index.pool_.back());
        index.pool_.pop_back();
      }
    }
    if (!database_) database_ = std::make_unique<Database>(index.path_, Database::Access::read);
  }
  ~Reader() {
    const std::lock_guard lock(index_.pool_lock_);
    if (index_.pool_.size() < 16) index_.pool_.push_back(std::move(database_));
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  Database& operator*() const { return *database_; }
  Database* operator->() const { return database_.get(); }

 private:
  const Index& index_;
  std::unique_ptr<Database> database_;
};

Index::Index(const Path& path) : path_(path), writer_(std::make_unique<Database>(path, Database::Access::write)) {
  const auto version = writer_->prepare("PRAGMA user_version");
  version->step();
  const std::int64_t found = version->integer(0);
  version->reset();
  if (found > schema_version) {
    throw Error(ErrorCode::refused, fmt::format("index: must be of version {} or less; this one is of version {}", schema_version, found));
  }
  if (found == 0) {
    Transaction transaction(*writer_);
    writer_->run(schema());
    transaction.commit();
  }
}

Index::~Index() = default;

void Index::insert(const IndexEntry& entry) {
  const InstanceRecord& record = entry.record;
  Statement& known = writer_->cached("SELECT 1 FROM instance WHERE SOPInstanceUID = ?");
  if (known.bind(0, record.sop_instance_uid).step()) {
    known.reset();
    return;
  }
  std::int64_t study = 0, series = 0;
  Statement& find_study = writer_->cached("SELECT id FROM study WHERE StudyInstanceUID = ?");
  if (find_study.bind(0, record.study_uid).step()) {
    study = find_study.integer(0);
    find_study.reset();
  } else {
    static const std::string sql = insert_statement(Level::study, "id", 1);
    Statement& add = writer_->cached(sql);
    add.bind_optional(0, std::nullopt);
    bind_values(add, Level::study, 1, entry);
    add.run();
    study = writer_->last_row();
  }
  Statement& find_series = writer_->cached("SELECT id FROM series WHERE SeriesInstanceUID = ? AND study = ?");
  if (find_series.bind(0, record.series_uid).bind(1, study).step()) {
    series = find_series.integer(0);
    find_series.reset();
  } else {
    static const std::string sql = insert_statement(Level::series, "study", 1);
    Statement& add = writer_->cached(sql);
    add.bind(0, study);
    bind_values(add, Level::series, 1, entry);
    add.run();
    series = writer_->last_row();
    writer_->cached("UPDATE study SET NumberOfStudyRelatedSeries = NumberOfStudyRelatedSeries + 1 WHERE id = ?").bind(0, study).run();
    writer_->cached(append_distinct("ModalitiesInStudy") + " AND ?1 <> ''")
        .bind(0, std::string_view(
                     entry.values[static_cast<std::size_t>(indexed_attribute(0x00080060U) - indexed_attributes().data())].value_or("")))
        .bind(1, study)
        .run();
  }
  static const std::string sql = insert_statement(Level::instance, "series, size, sha256, source, arrived, AvailableTransferSyntaxUID", 6);
  Statement& add = writer_->cached(sql);
  add.bind(0, series).bind(1, static_cast<std::int64_t>(record.size)).bind(2, std::string_view(record.sha256));
  add.bind(3, std::string_view(entry.source))
      .bind(4, entry.arrived ? entry.arrived : now_seconds())
      .bind(5, std::string_view(record.transfer_syntax_uid));
  bind_values(add, Level::instance, 6, entry);
  add.run();
  writer_->cached("UPDATE series SET NumberOfSeriesRelatedInstances = NumberOfSeriesRelatedInstances + 1 WHERE id = ?")
      .bind(0, series)
      .run();
  writer_->cached("UPDATE study SET NumberOfStudyRelatedInstances = NumberOfStudyRelatedInstances + 1 WHERE id = ?").bind(0, study).run();
  writer_->cached(append_distinct("SOPClassesInStudy")).bind(0, std::string_view(record.sop_class_uid)).bind(1, study).run();
}

void Index::add(std::span<const IndexEntry> entries) {
  const std::lock_guard lock(writing_);
  Transaction transaction(*writer_);
  for (const IndexEntry& entry : entries) insert(entry);
  transaction.commit();
}

void Index::refresh(std::int64_t study) {
  const auto run = [&](const char* sql) { writer_->cached(sql).bind(0, study).run(); };
  run("DELETE FROM series WHERE study = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id)");
  run("UPDATE series SET NumberOfSeriesRelatedInstances = (SELECT count(*) FROM instance WHERE instance.series = series.id)"
      " WHERE study = ?1");
  run("DELETE FROM study WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM series WHERE series.study = study.id)");
  run("UPDATE study SET NumberOfStudyRelatedSeries = (SELECT count(*) FROM series WHERE series.study = study.id),"
      " NumberOfStudyRelatedInstances = (SELECT sum(NumberOfSeriesRelatedInstances) FROM series WHERE series.study = study.id),"
      R"( ModalitiesInStudy = (SELECT group_concat(m, '\') FROM (SELECT DISTINCT Modality AS m FROM series)"
      "  WHERE series.study = ?1 AND Modality <> '' ORDER BY series.id)),"
      R"( SOPClassesInStudy = (SELECT group_concat(c, '\') FROM (SELECT DISTINCT instance.SOPClassUID AS c FROM series)"
      "  JOIN instance ON instance.series = series.id WHERE series.study = ?1 ORDER BY instance.id)) WHERE id = ?1");
}

std::vector<InstanceRecord> Index::remove(std::string_view study_uid, std::string_view series_uid, std::string_view sop_instance_uid) {
  const std::lock_guard lock(writing_);
  Transaction transaction(*writer_);
  std::vector<InstanceRecord> gone = records(*writer_, study_uid, series_uid, sop_instance_uid);
  std::set<std::int64_t> studies;
  for (const InstanceRecord& record : gone) {
    Statement& find =
        writer_->cached("SELECT series.study FROM instance JOIN series ON series.id = instance.series WHERE SOPInstanceUID = ?");
    if (find.bind(0, std::string_view(record.sop_instance_uid)).step()) studies.insert(find.integer(0));
    find.reset();
    writer_->cached("INSERT OR IGNORE INTO removal VALUES (?)").bind(0, std::string_view(record.sop_instance_uid)).run();
    writer_->cached("DELETE FROM instance WHERE SOPInstanceUID = ?").bind(0, std::string_view(record.sop_instance_uid)).run();
  }
  for (const std::int64_t study : studies) refresh(study);
  transaction.commit();
  return gone;
}

std::vector<std::string> Index::unfinished_removals() const {
  const Reader reader(*this);
  const auto statement = reader->prepare("SELECT SOPInstanceUID FROM removal");
  std::vector<std::string> uids;
  while (statement->step()) uids.push_back(statement->text(0));
  return uids;
}

void Index::removal_done() {
  const std::lock_guard lock(writing_);
  writer_->run("DELETE FROM removal");
}

void Index::replace(const std::function<std::optional<IndexEntry>()>& next) {
  const std::lock_guard lock(writing_);
  Transaction transaction(*writer_);
  writer_->run("DELETE FROM instance; DELETE FROM series; DELETE FROM study; DELETE FROM removal");
  while (const std::optional<IndexEntry> entry = next()) insert(*entry);
  transaction.commit();
}

std::vector<Attributes> Index::find(const Query& query) const {
  const Condition condition = condition_of(query);
  std::vector<const IndexedAttribute*> wanted;
  std::string select;
  for (const IndexedAttribute& attribute : indexed_attributes()) {
    if (attribute.level > query.level) continue;
    std::string column = fmt::format("{}.{}", table_name(attribute.level), attribute.keyword);
    if (!is_column(attribute)) {
      if (query.level != Level::patient) continue;
      const std::string_view what = attribute.keyword == "NumberOfPatientRelatedStudies"  ? "count(*)"
                                    : attribute.keyword == "NumberOfPatientRelatedSeries" ? "sum(other.NumberOfStudyRelatedSeries)"
                                                                                          : "sum(other.NumberOfStudyRelatedInstances)";
      column = fmt::format(
          "(SELECT {} FROM study AS other WHERE other.PatientID IS study.PatientID AND"
          " other.IssuerOfPatientID IS study.IssuerOfPatientID)",
          what);
    }
    wanted.push_back(&attribute);
    select += (select.empty() ? "" : ", ") + column;
  }
  std::string sql = fmt::format("SELECT {} FROM {} WHERE 1{}", select, tables_of(query.level), condition.sql);
  if (query.level == Level::patient) sql += " GROUP BY study.PatientID, study.IssuerOfPatientID HAVING study.id = max(study.id)";
  if (query.level == Level::study || query.level == Level::patient) {
    sql += query.newest_first ? " ORDER BY study.StudyDate DESC, study.StudyTime DESC, study.id DESC" : " ORDER BY study.id";
  } else {
    if (query.newest_first) sql += " ORDER BY study.StudyDate DESC, study.StudyTime DESC, study.id DESC";
    sql += fmt::format("{}CAST(series.SeriesNumber AS INTEGER), series.id", query.newest_first ? ", " : " ORDER BY study.id, ");
    if (query.level == Level::instance) sql += ", CAST(instance.InstanceNumber AS INTEGER), instance.SOPInstanceUID";
  }
  sql += fmt::format(" LIMIT {} OFFSET {}", query.limit == 0 ? -1 : static_cast<std::int64_t>(query.limit),
                     static_cast<std::int64_t>(std::min<std::size_t>(query.offset, INT64_MAX)));
  const Reader reader(*this);
  const auto statement = reader->prepare(sql);
  for (std::size_t n = 0; n < condition.parameters.size(); ++n) statement->bind(static_cast<int>(n), condition.parameters[n]);
  std::vector<Attributes> matches;
  while (statement->step()) {
    Attributes& match = matches.emplace_back();
    for (std::size_t n = 0; n < wanted.size(); ++n) {
      if (!statement->is_null(static_cast<int>(n))) match.emplace_hint(match.end(), wanted[n]->tag, statement->text(static_cast<int>(n)));
    }
  }
  return matches;
}

std::int64_t Index::count(const Query& query) const {
  const Condition condition = condition_of(query);
  std::string sql = fmt::format("SELECT count(*) FROM {} WHERE 1{}", tables_of(query.level), condition.sql);
  if (query.level == Level::patient) {
    sql = fmt::format("SELECT count(*) FROM (SELECT 1 FROM study WHERE 1{} GROUP BY study.PatientID, study.IssuerOfPatientID)",
                      condition.sql);
  }
  const Reader reader(*this);
  const auto statement = reader->prepare(sql);
  for (std::size_t n = 0; n < condition.parameters.size(); ++n) statement->bind(static_cast<int>(n), condition.parameters[n]);
  return statement->step() ? statement->integer(0) : 0;
}

std::vector<InstanceRecord> Index::instances(std::string_view study_uid, std::string_view series_uid,
                                             std::string_view sop_instance_uid) const {
  const Reader reader(*this);
  return records(*reader, study_uid, series_uid, sop_instance_uid);
}

std::optional<InstanceRecord> Index::instance(std::string_view sop_instance_uid) const {
  static const std::string sql = fmt::format("SELECT {} FROM {} WHERE instance.SOPInstanceUID = ?", record_columns, joined);
  const Reader reader(*this);
  Statement& statement = reader->cached(sql);
  if (!statement.bind(0, sop_instance_uid).step()) return std::nullopt;
  InstanceRecord record = record_of(statement);
  statement.reset();
  return record;
}

std::optional<Received> Index::received(std::string_view sop_instance_uid) const {
  const Reader reader(*this);
  const auto statement = reader->prepare("SELECT source, arrived FROM instance WHERE SOPInstanceUID = ?");
  if (!statement->bind(0, sop_instance_uid).step()) return std::nullopt;
  return Received{statement->text(0), statement->integer(1)};
}

Statistics Index::statistics() const {
  const Reader reader(*this);
  const auto number = [&](const char* sql) {
    const auto statement = reader->prepare(sql);
    return statement->step() ? statement->integer(0) : 0;
  };
  Statistics sums;
  sums.patients = number("SELECT count(*) FROM (SELECT 1 FROM study GROUP BY PatientID, IssuerOfPatientID)");
  sums.studies = number("SELECT count(*) FROM study");
  sums.series = number("SELECT count(*) FROM series");
  sums.instances = number("SELECT count(*) FROM instance");
  sums.bytes = static_cast<std::uint64_t>(number("SELECT ifnull(sum(size), 0) FROM instance"));
  return sums;
}

IndexEntry index_entry(const dicom::Header::Data& header, std::string_view source) {
  IndexEntry entry;
  entry.source = to_valid_utf8(source.substr(0, 64));
  InstanceRecord& record = entry.record;
  const auto uid = [&](dicom::Tag tag) {
    const std::string text = header.root.text(tag).value_or("");
    const std::string_view keyword = dicom::dictionary_entry(tag)->keyword;
    if (text.empty()) throw Error(ErrorCode::refused, fmt::format("{}: must be there; it is missing or empty", keyword));
    if (!dicom::is_uid(text)) throw Error(ErrorCode::refused, fmt::format("{}: must be a UID (PS3.5 section 9.1)", keyword));
    return text;
  };
  record.sop_class_uid = uid(0x00080016U);
  record.sop_instance_uid = uid(0x00080018U);
  record.study_uid = uid(0x0020000DU);
  record.series_uid = uid(0x0020000EU);
  record.transfer_syntax_uid = header.meta.text(0x00020010U).value_or("");
  if (!dicom::is_uid(record.transfer_syntax_uid)) throw Error(ErrorCode::refused, "meta header: must state the transfer syntax");
  const std::string meta_uid = header.meta.text(0x00020003U).value_or("");
  if (!meta_uid.empty() && meta_uid != record.sop_instance_uid) {
    throw Error(ErrorCode::refused, "SOPInstanceUID: must be the same in meta header and data set; they differ");
  }
  for (const IndexedAttribute& attribute : indexed_attributes()) {
    entry.values.push_back(attribute.computed ? std::nullopt : indexed_value(header.root, attribute));
  }
  record.number = header.root.integer(0x00200013U).value_or(0);
  record.frames = static_cast<int>(std::clamp<std::int64_t>(header.root.integer(0x00280008U).value_or(1), 1, 1000000000));
  return entry;
}

}  // namespace gantry::archive
