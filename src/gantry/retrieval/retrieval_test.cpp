// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cstring>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/learning/data_set.h"
#include "gantry/retrieval/embedder.h"
#include "gantry/retrieval/index.h"
#include "gantry/retrieval/nearest.h"
#include "gantry/retrieval/search.h"

namespace gantry::retrieval_test {
namespace {

VectorSet random_set(int count, int dimension, std::uint64_t seed) {
  VectorSet set{.dimension = dimension, .embedding = "thumbnail"};
  Random random(seed);
  for (int n = 0; n < count; ++n) {
    std::vector<double> one(static_cast<std::size_t>(dimension));
    double squares = 0;
    for (double& v : one) {
      v = random.next_normal();
      squares += v * v;
    }
    for (const double v : one) set.values.push_back(static_cast<float>(v / std::sqrt(squares)));
    set.names.push_back(std::to_string(n));
  }
  return set;
}

TEST(Nearest, are_those_of_a_sort_of_all_cosines_for_any_number_of_threads) {
  for (const int dimension : {1, 7, 16, 64, 100}) {
    const VectorSet set = random_set(9000, dimension, 3), queries = random_set(3, dimension, 4);
    for (std::size_t q = 0; q < 3; ++q) {
      const std::span<const float> query(queries.values.data() + q * static_cast<std::size_t>(dimension),
                                         static_cast<std::size_t>(dimension));
      std::vector<std::pair<double, std::size_t>> all;
      for (std::size_t n = 0; n < set.size(); ++n) {
        double sum = 0;
        for (std::size_t d = 0; d < query.size(); ++d) sum += static_cast<double>(set.values[n * query.size() + d]) * query[d];
        all.emplace_back(-sum, n);
      }
      std::sort(all.begin(), all.end());
      gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
      const auto found = nearest(set, query, 5, one), again = nearest(set, query, 5, three);
      ASSERT_EQ(found.size(), 5U);
      for (std::size_t n = 0; n < 5; ++n) {
        EXPECT_NEAR(found[n].similarity, -all[n].first, 1e-6);
        if (dimension > 1) {
          EXPECT_EQ(found[n].item, all[n].second);
        }
        EXPECT_EQ(found[n].item, again[n].item);
        EXPECT_EQ(found[n].similarity, again[n].similarity);
      }
    }
  }
}

TEST(Nearest, keep_the_order_of_the_set_where_they_are_alike_and_end_with_it) {
  VectorSet set{.dimension = 2, .values = {1, 0, 0, 1, 1, 0, -1, 0}, .names = {"a", "b", "c", "d"}};
  gantry::Run run;
  const std::vector<float> query{1, 0};
  const auto found = nearest(set, query, 10, run);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ((std::vector<std::size_t>{found[0].item, found[1].item, found[2].item, found[3].item}), (std::vector<std::size_t>{0, 2, 1, 3}));
  EXPECT_EQ(found[3].similarity, -1);
  EXPECT_EQ(error_of([&] { nearest(set, std::vector<float>{1, 0, 0}, 1, run); }).code(), ErrorCode::parameter);
}

TEST(VectorsPort, come_back_from_a_file) {
  const TemporaryFolder folder;
  gantry::Run run;
  VectorSet set = phantom_vectors("shapes");
  set.names[0] = "名 \" \\ \xff";
  PortType<VectorSet>::write(folder.path() / "a.gvec", set, run);
  const VectorSet back = PortType<VectorSet>::read(folder.path() / "a.gvec", run);
  EXPECT_EQ(back.values, set.values);
  EXPECT_EQ(back.labels, set.labels);
  EXPECT_EQ(back.thumbnails, set.thumbnails);
  EXPECT_EQ(back.names[1], set.names[1]);
}

/// A file of vectors with this head and so many bytes behind it.
Bytes hostile(const std::string& head, std::size_t behind, std::uint64_t stated) {
  Bytes bytes(16 + head.size() + behind);
  std::memcpy(bytes.data(), "GVEC0001", 8);
  std::memcpy(bytes.data() + 8, &stated, 8);
  std::memcpy(bytes.data() + 16, head.data(), head.size());
  return bytes;
}

TEST(VectorsPort, refuse_hostile_files_before_anything_is_allocated) {
  const auto refused = [](const Bytes& bytes) {
    return error_of([&] { PortType<VectorSet>::from_bytes(bytes); }).code() == ErrorCode::unreadable;
  };
  const auto head = [](const std::string& dimension, const std::string& count, const std::string& side, const std::string& names) {
    return "{\"dimension\":" + dimension + ",\"count\":" + count + ",\"side\":" + side + ",\"embedding\":\"thumbnail\",\"names\":" + names +
           "}";
  };
  const auto with = [&](const std::string& text, std::size_t behind) { return hostile(text, behind, text.size()); };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(hostile("{}", 0, std::uint64_t{1} << 62)));
  EXPECT_TRUE(refused(with("{}", 0)));
  EXPECT_TRUE(refused(with("[[[[[[[[[[", 0)));
  EXPECT_TRUE(refused(with(head("65536", "10000000", "1024", "[]"), 0)));
  EXPECT_TRUE(refused(with(head("1e9", "1", "0", "[\"a\"]"), 4)));
  EXPECT_TRUE(refused(with(head("2", "-1", "0", "[]"), 0)));
  EXPECT_TRUE(refused(with(head("2", "1", "0", "[\"a\",\"b\"]"), 8)));
  EXPECT_TRUE(refused(with(head("2", "1", "0", "[1]"), 8)));
  EXPECT_TRUE(refused(with(head("2", "1", "0", "[\"a\"]"), 8)));  // of length 0
  EXPECT_TRUE(refused(with(head("2", "1", "0", "[\"a\"]"), 12)));
  Bytes whole = PortType<VectorSet>::to_bytes(phantom_vectors("shapes"));
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 3)
    EXPECT_TRUE(refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
  const float broken = NAN;
  std::uint64_t length = 0;
  std::memcpy(&length, whole.data() + 8, 8);
  std::memcpy(whole.data() + 16 + length, &broken, 4);
  EXPECT_TRUE(refused(whole));
}

TEST(PictureIndexing, finds_each_slice_of_a_stack_again_whatever_its_brightness) {
  // Eight noisy slices; the queries are darker, with less contrast and a little noise of their own.
  Voxels<float> stack(Grid({40, 40, 8})), dark(Grid({40, 40, 8}));
  Random random(5), other(6);
  for (std::int64_t n = 0; n < stack.count(); ++n) {
    stack[n] = static_cast<float>(random.next_normal());
    dark[n] = static_cast<float>(0.4 * stack[n] - 3 + 0.05 * other.next_normal());
  }
  Table records({"name", "label"});
  for (int n = 0; n < 8; ++n) records.add({"slice " + std::to_string(n), static_cast<double>(n % 2)});
  gantry::Run run;
  const std::vector<Image> pictures{Image(std::move(stack))}, queries{Image(std::move(dark))};
  const auto made = PictureIndexing{}(pictures, &records, run);
  EXPECT_EQ(made.info["pictures"], 8);
  EXPECT_EQ(made.info["labels"]["1"], 4);
  const auto found = SimilarPictures{.neighbours = 2}(made.index, queries, run);
  for (int n = 0; n < 8; ++n) EXPECT_EQ(found.summary["queries"][static_cast<std::size_t>(n)]["nearest"], "slice " + std::to_string(n));
  EXPECT_EQ(found.matches.rows().size(), 16U);
}

TEST(PictureIndexing, refuses_what_cannot_be_compared) {
  gantry::Run run;
  const std::vector<Image> none, flat{phantom("constant")}, sphere{phantom("sphere")};
  const std::vector<Image> one{pictures_of(sphere, 64)[32]};
  EXPECT_EQ(error_of([&] { PictureIndexing{}(none, nullptr, run); }).message(), "pictures: must be at least one; there is none");
  EXPECT_EQ(error_of([&] { PictureIndexing{}(flat, nullptr, run); }).message(), "picture: is uniform; nothing can be compared with it");
  const Table records({"name"});
  EXPECT_EQ(error_of([&] { PictureIndexing{}(one, &records, run); }).message(), "records: must have one row for each of 1 pictures; has 0");
  for (const char* model : {"", "../cxr_pneumonia", "a/b", "Model"})
    EXPECT_EQ(error_of([&] { PictureIndexing{.model = model}(one, nullptr, run); }).code(), ErrorCode::parameter) << model;
  EXPECT_EQ(error_of([&] { PictureIndexing{.model = "no_such_model"}(one, nullptr, run); }).code(), ErrorCode::not_found);
  VectorSet other = phantom_vectors("shapes"), empty{.dimension = 256, .embedding = "thumbnail"};
  EXPECT_EQ(error_of([&] { SimilarPictures{}(empty, one, run); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { SimilarPictures{}(other, none, run); }).code(), ErrorCode::not_possible);
  other.embedding = "thumbnail 0123";
  EXPECT_EQ(error_of([&] { SimilarPictures{}(other, one, run); }).code(), ErrorCode::refused);
}

/// Share of the five nearest of the train part that have the label of the test picture, over all of the test part.
double precision_at_5(const VectorSet& index, const std::vector<float>& queries, const learning::Cases& train, const learning::Cases& test,
                      Run& run) {
  const auto size = static_cast<std::size_t>(index.dimension);
  double sum = 0;
  for (std::size_t n = 0; n < test.size(); ++n) {
    for (const Neighbour& one : nearest(index, std::span(queries).subspan(n * size, size), 5, run))
      sum += train.labels[one.item] == test.labels[n] ? 0.2 : 0;
  }
  return sum / static_cast<double>(test.size());
}

TEST(SimilarPictures, of_chest_films_share_the_diagnosis_in_nine_of_ten) {
  const Path path = test_data("classification/pneumoniamnist/pneumoniamnist.npz");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  if (!learning::engine_is_installed()) GTEST_SKIP() << "the plug-in on LibTorch is not built";
  gantry::Run run;
  const learning::PictureSet set = learning::read_picture_set(path, {}, run);
  const learning::PictureModel model(find_resource("models/cxr_pneumonia"));
  VectorSet index{.dimension = model.embedding_size(), .embedding = "cxr_pneumonia"};
  index.values = model.embeddings(set.train.values, run);
  index.names.resize(set.train.size());
  const double learnt = precision_at_5(index, model.embeddings(set.test.values, run), set.train, set.test, run);
  // Without learning, as thumbnails: the floor.
  const auto thumbnails = [&](const learning::Cases& cases) {
    std::vector<float> vectors;
    for (std::size_t n = 0; n < cases.size(); ++n) {
      auto picture = Voxels<std::uint8_t>::uninitialized(Grid({set.input.columns, set.input.rows, 1}));
      for (std::int64_t v = 0; v < picture.count(); ++v)
        picture[v] = static_cast<std::uint8_t>(std::lround(255 * cases.values[n * set.input.values() + static_cast<std::size_t>(v)]));
      const auto one = thumbnail_vector(Image(std::move(picture)));
      vectors.insert(vectors.end(), one.begin(), one.end());
    }
    return vectors;
  };
  VectorSet plain{.dimension = 256, .values = thumbnails(set.train), .names = index.names, .embedding = "thumbnail"};
  const double unlearnt = precision_at_5(plain, thumbnails(set.test), set.train, set.test, run);
  RecordProperty("p_at_5", std::to_string(learnt));
  RecordProperty("p_at_5_thumbnails", std::to_string(unlearnt));
  EXPECT_GE(learnt, 0.90);
  EXPECT_GT(learnt, unlearnt + 0.03);
  EXPECT_GT(unlearnt, 0.75);
}

TEST(SimilarPictures, by_a_model_are_the_same_for_any_number_of_threads) {
  if (!learning::engine_is_installed()) GTEST_SKIP() << "the plug-in on LibTorch is not built";
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const std::vector<Image> pictures{phantom("noise"), phantom("sphere")};
  const auto first = PictureIndexing{.model = "cxr_pneumonia"}(pictures, nullptr, one),
             second = PictureIndexing{.model = "cxr_pneumonia"}(pictures, nullptr, three);
  EXPECT_EQ(first.index.values, second.index.values);
  EXPECT_EQ(first.index.dimension, 64);
  ASSERT_FALSE(one.warnings().empty());
  EXPECT_NE(one.warnings()[0].find("unlike those that the model learnt from"), std::string::npos);
}

}  // namespace
}  // namespace gantry::retrieval_test
