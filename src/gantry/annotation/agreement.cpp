// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/annotation/agreement.h"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>

#include "gantry/annotation/staple.h"
#include "gantry/compute/parallel.h"
#include "gantry/segmentation/compare.h"
#include "gantry/statistics/kappa.h"

namespace gantry {

namespace {

constexpr std::size_t most_raters = 32, most_categories = 512;

/// The labels of one rater as numbers from 0 to 65535; 0 outside the region.
Voxels<std::uint16_t> checked_labels(const Image& image, const VoxelView<std::int32_t>* region, std::size_t rater, Run& run) {
  auto labels = Voxels<std::uint16_t>::uninitialized(image.grid());
  const VoxelView<double> values = image.as<double>();
  parallel_for(run, values.count(), 65536, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const double value = values[n];
      if (!(value >= 0 && value <= 65535 && value == std::floor(value)))
        throw Error(ErrorCode::not_possible,
                    fmt::format("rater {}: labels must be whole numbers from 0 to 65535; got {}", rater + 1, value));
      labels[n] = region && (*region)[n] == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(value);
    }
  });
  return labels;
}

/// What all raters say of voxels: one number of `bits` bits a rater, the category of the first in the lowest.
struct Judgements {
  std::vector<int> labels;  ///< of each category; the first is 0
  unsigned bits = 1;
  std::vector<std::pair<std::uint64_t, std::int64_t>> counts;  ///< combination, voxels; by combination
  std::int64_t voxels = 0;

  std::size_t category(std::uint64_t combination, std::size_t rater) const {
    return static_cast<std::size_t>(combination >> (bits * rater) & ((std::uint64_t{1} << bits) - 1));
  }
};

Judgements judgements_of(const std::vector<Voxels<std::uint16_t>>& raters, const VoxelView<std::int32_t>* region, Run& run) {
  Judgements found;
  std::vector<char> met(65536);
  met[0] = 1;
  for (const auto& labels : raters) {
    for (std::int64_t n = 0; n < labels.count(); ++n) met[labels[n]] = 1;
    run.check();
  }
  std::vector<std::uint16_t> category(65536);
  for (int label = 0; label < 65536; ++label) {
    if (!met[static_cast<std::size_t>(label)]) continue;
    category[static_cast<std::size_t>(label)] = static_cast<std::uint16_t>(found.labels.size());
    found.labels.push_back(label);
  }
  found.bits = std::max(1U, static_cast<unsigned>(std::bit_width(found.labels.size() - 1)));
  if (found.labels.size() > most_categories || found.bits * raters.size() > 64)
    throw Error(ErrorCode::not_possible,
                fmt::format("raters: {} of them with {} labels are more than can be compared at once; select labels first", raters.size(),
                            found.labels.size() - 1));
  using Counts = std::unordered_map<std::uint64_t, std::int64_t>;
  const Counts counts = parallel_reduce(
      run, raters.front().count(), 1 << 18, Counts(),
      [&](std::int64_t begin, std::int64_t end) {
        Counts part;
        std::uint64_t last = 0;
        std::int64_t length = 0;
        for (std::int64_t n = begin; n < end; ++n) {
          if (region && (*region)[n] == 0) continue;
          std::uint64_t combination = 0;
          for (std::size_t r = 0; r < raters.size(); ++r) combination |= std::uint64_t{category[raters[r][n]]} << (found.bits * r);
          if (combination != last && length > 0) {
            part[last] += length;
            length = 0;
          }
          last = combination;
          ++length;
        }
        if (length > 0) part[last] += length;
        return part;
      },
      [](Counts& total, const Counts& part) {
        for (const auto& [combination, voxels] : part) total[combination] += voxels;
      });
  found.counts.assign(counts.begin(), counts.end());
  std::sort(found.counts.begin(), found.counts.end());
  for (const auto& [combination, voxels] : found.counts) found.voxels += voxels;
  return found;
}

Json number_of(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_of_kappa(const statistics::Kappa& kappa, const char* name) {
  return {{name, number_of(kappa.kappa)},
          {"standard_error", number_of(kappa.standard_error)},
          {"observed", kappa.observed},
          {"expected", kappa.expected}};
}

statistics::Kappa cohen_of(const Judgements& judgements, std::size_t first, std::size_t second) {
  const std::size_t categories = judgements.labels.size();
  std::vector<std::int64_t> table(categories * categories);
  for (const auto& [combination, voxels] : judgements.counts)
    table[judgements.category(combination, first) * categories + judgements.category(combination, second)] += voxels;
  return statistics::cohen_kappa(table, categories);
}

statistics::Kappa fleiss_of(const Judgements& judgements, std::size_t raters) {
  const std::size_t categories = judgements.labels.size();
  // Combinations of the same votes are one pattern, which keeps the table small.
  std::map<std::vector<std::uint8_t>, std::int64_t> votes;
  for (const auto& [combination, voxels] : judgements.counts) {
    std::vector<std::uint8_t> count(categories);
    for (std::size_t r = 0; r < raters; ++r) ++count[judgements.category(combination, r)];
    votes[count] += voxels;
  }
  std::vector<std::int64_t> patterns, times;
  for (const auto& [count, voxels] : votes) {
    patterns.insert(patterns.end(), count.begin(), count.end());
    times.push_back(voxels);
  }
  return statistics::fleiss_kappa(patterns, times, categories);
}

/// The consensus category of each combination, and with STAPLE the rates of the raters for each category.
struct Consensus {
  std::vector<std::size_t> category;
  std::vector<Staple> rates;
};

Consensus majority_of(const Judgements& judgements, std::size_t raters) {
  Consensus consensus;
  for (const auto& [combination, voxels] : judgements.counts) {
    std::vector<std::size_t> votes(judgements.labels.size());
    for (std::size_t r = 0; r < raters; ++r) ++votes[judgements.category(combination, r)];
    const auto most = std::max_element(votes.begin(), votes.end());
    // More than half of all raters: without that it is background.
    consensus.category.push_back(2 * *most > raters ? static_cast<std::size_t>(most - votes.begin()) : 0);
  }
  return consensus;
}

Consensus staple_of(const Judgements& judgements, std::size_t raters) {
  Consensus consensus;
  consensus.category.resize(judgements.counts.size());
  consensus.rates.resize(judgements.labels.size());
  std::vector<double> best(judgements.counts.size(), 0.5);
  for (std::size_t label = 1; label < judgements.labels.size(); ++label) {
    std::vector<RaterPattern> patterns;
    for (const auto& [combination, voxels] : judgements.counts) {
      RaterPattern pattern{0, voxels};
      for (std::size_t r = 0; r < raters; ++r) pattern.marked |= std::uint64_t{judgements.category(combination, r) == label} << r;
      patterns.push_back(pattern);
    }
    consensus.rates[label] = staple(patterns, raters);
    for (std::size_t n = 0; n < patterns.size(); ++n) {
      if (!(consensus.rates[label].probability[n] > best[n])) continue;
      best[n] = consensus.rates[label].probability[n];
      consensus.category[n] = label;
    }
  }
  return consensus;
}

/// Volume, Dice, sensitivity and specificity of each rater against the consensus, for one category.
Json against_consensus(const Judgements& judgements, const Consensus& consensus, std::size_t label, std::size_t raters, double voxel_ml) {
  Json rows = Json::array();
  std::int64_t together = 0;
  for (std::size_t n = 0; n < judgements.counts.size(); ++n) together += consensus.category[n] == label ? judgements.counts[n].second : 0;
  for (std::size_t r = 0; r < raters; ++r) {
    std::int64_t own = 0, both = 0;
    for (std::size_t n = 0; n < judgements.counts.size(); ++n) {
      if (judgements.category(judgements.counts[n].first, r) != label) continue;
      own += judgements.counts[n].second;
      both += consensus.category[n] == label ? judgements.counts[n].second : 0;
    }
    const auto share = [](std::int64_t part, std::int64_t whole) {
      return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::numeric_limits<double>::quiet_NaN();
    };
    const std::int64_t others = judgements.voxels - together;
    const bool estimated = !consensus.rates.empty();
    rows.push_back({{"volume_ml", static_cast<double>(own) * voxel_ml},
                    {"dice", number_of(share(2 * both, own + together))},
                    {"sensitivity", number_of(estimated ? consensus.rates[label].sensitivity[r] : share(both, together))},
                    {"specificity", number_of(estimated ? consensus.rates[label].specificity[r] : share(others - own + both, others))}});
  }
  return {{"consensus_ml", static_cast<double>(together) * voxel_ml}, {"raters", std::move(rows)}};
}

template <class T>
Image consensus_image(const std::vector<Voxels<std::uint16_t>>& raters, const VoxelView<std::int32_t>* region, const Judgements& judgements,
                      const Consensus& consensus, Run& run) {
  std::vector<std::uint16_t> category(65536);
  for (std::size_t n = 0; n < judgements.labels.size(); ++n)
    category[static_cast<std::size_t>(judgements.labels[n])] = static_cast<std::uint16_t>(n);
  std::unordered_map<std::uint64_t, T> label_of_combination;
  for (std::size_t n = 0; n < judgements.counts.size(); ++n)
    label_of_combination[judgements.counts[n].first] = static_cast<T>(judgements.labels[consensus.category[n]]);
  Voxels<T> image(raters.front().grid());
  parallel_for(run, image.count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    std::uint64_t last = ~std::uint64_t{0};
    T value = 0;
    for (std::int64_t n = begin; n < end; ++n) {
      if (region && (*region)[n] == 0) continue;
      std::uint64_t combination = 0;
      for (std::size_t r = 0; r < raters.size(); ++r) combination |= std::uint64_t{category[raters[r][n]]} << (judgements.bits * r);
      if (combination != last) value = label_of_combination.at(combination);
      last = combination;
      image[n] = value;
    }
  });
  return Image(std::move(image));
}

}  // namespace

void RaterAgreement::describe(Description<RaterAgreement>& d) {
  d.summary("Measures how well two or more raters agree who labelled the same image, and makes their consensus.");
  d.input("raters", "Label images of the raters, all on the same grid");
  d.input("region", "Where agreement counts; everywhere when not given");
  d.parameter("rule", &RaterAgreement::rule, "How the consensus is made: more than half of the raters, or STAPLE label by label");
  d.parameter("tolerance", &RaterAgreement::tolerance, "Distance within which surfaces count as equal, for nsd").unit("mm").range(0, 1000);
  d.output("agreement", &Result::agreement,
           "Cohen's kappa, Dice and surface distances of each pair, Fleiss's kappa, each rater against the consensus");
  d.output("consensus", &Result::consensus, "What the raters say together");
  d.example(
      "gantry annotation agreement agreement.json --input anna.nii.gz --input ben.nii.gz --input chen.nii.gz --rule staple --consensus "
      "together.nii.gz");
  d.reference("Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960; 20:37-46.");
  d.reference("Fleiss JL. Measuring nominal scale agreement among many raters. Psychol Bull 1971; 76:378-382.");
  d.reference("Fleiss JL, Cohen J, Everitt BS. Large sample standard errors of kappa and weighted kappa. Psychol Bull 1969; 72:323-327.");
  d.reference(
      "Warfield SK, Zou KH, Wells WM. Simultaneous truth and performance level estimation (STAPLE). IEEE Trans Med Imaging 2004; "
      "23:903-921.");
  d.reference("Zijdenbos AP et al. Morphometric analysis of white matter lesions in MR images. IEEE Trans Med Imaging 1994; 13:716-724.");
}

RaterAgreement::Result RaterAgreement::operator()(std::span<const Image> raters, const Labels* region, Run& run) const {
  check_parameters(*this);
  if (!(raters.size() >= 2 && raters.size() <= most_raters))
    throw Error(ErrorCode::not_possible, fmt::format("raters: must be 2 to {}; got {}", most_raters, raters.size()));
  const Grid& grid = raters.front().grid();
  std::optional<VoxelView<std::int32_t>> inside;
  if (region) {
    if (!region->image().grid().same_space(grid))
      throw Error(ErrorCode::not_possible, "region: must lie on the grid of the raters' images");
    inside = region->image().as<std::int32_t>();
  }
  std::vector<Voxels<std::uint16_t>> labels;
  for (std::size_t n = 0; n < raters.size(); ++n) {
    require_single_component(raters[n]);
    if (raters[n].frames() != 1)
      throw Error(ErrorCode::not_possible, fmt::format("rater {}: must be one image without time frames", n + 1));
    if (!raters[n].grid().same_space(grid))
      throw Error(ErrorCode::not_possible, fmt::format("rater {}: must lie on the grid of rater 1; bring it there with filter.resample "
                                                       "--interpolation nearest",
                                                       n + 1));
    labels.push_back(checked_labels(raters[n], inside ? &*inside : nullptr, n, run));
  }
  const VoxelView<std::int32_t>* const where = inside ? &*inside : nullptr;
  const Judgements judgements = judgements_of(labels, where, run);
  if (judgements.voxels == 0) throw Error(ErrorCode::not_possible, "region: must hold at least one voxel; is empty");
  const Consensus consensus = rule == ConsensusRule::staple ? staple_of(judgements, raters.size()) : majority_of(judgements, raters.size());

  Result result;
  result.consensus = judgements.labels.back() > 255 ? consensus_image<std::uint16_t>(labels, where, judgements, consensus, run)
                                                    : consensus_image<std::uint8_t>(labels, where, judgements, consensus, run);
  std::vector<Image> masked;
  for (Voxels<std::uint16_t>& one : labels) masked.emplace_back(std::move(one));
  Json pairs = Json::array();
  std::map<std::string, std::pair<double, int>> dice;
  const double all = 0.5 * static_cast<double>(raters.size() * (raters.size() - 1));
  for (std::size_t a = 0; a < raters.size(); ++a) {
    for (std::size_t b = a + 1; b < raters.size(); ++b) {
      Json pair{{"first", a + 1}, {"second", b + 1}};
      pair.update(json_of_kappa(cohen_of(judgements, a, b), "cohen_kappa"));
      Run part = run.part(static_cast<double>(pairs.size()) / all, static_cast<double>(pairs.size() + 1) / all, "comparing raters");
      pair["labels"] = CompareLabels{.tolerance = tolerance}(masked[a], masked[b], part)["labels"];
      for (const auto& [label, values] : pair["labels"].items()) {
        dice[label].first += values["dice"].get<double>();
        ++dice[label].second;
      }
      pairs.push_back(std::move(pair));
    }
  }
  const Vec3 spacing = grid.spacing_mm();
  const double voxel_ml = spacing.x * spacing.y * spacing.z / 1000;
  Json of_labels = Json::object();
  for (std::size_t label = 1; label < judgements.labels.size(); ++label) {
    const std::string name = std::to_string(judgements.labels[label]);
    // A pair of raters neither of whom gave the label says nothing of it.
    Json one{{"mean_dice", dice[name].second > 0 ? Json(dice[name].first / dice[name].second) : Json(nullptr)}};
    one.update(against_consensus(judgements, consensus, label, raters.size(), voxel_ml));
    of_labels[name] = std::move(one);
  }
  result.agreement = {{"raters", raters.size()},
                      {"voxels", judgements.voxels},
                      {"pairs", std::move(pairs)},
                      {"fleiss", json_of_kappa(fleiss_of(judgements, raters.size()), "kappa")},
                      {"labels", std::move(of_labels)}};
  return result;
}

Cost RaterAgreement::cost(std::span<const Image> raters, const Labels*) const {
  std::uint64_t voxels = 0;
  for (const Image& image : raters) voxels += static_cast<std::uint64_t>(image.count());
  return {.bytes = voxels * 12, .seconds = static_cast<double>(voxels) * 3e-8 * static_cast<double>(raters.size())};
}

}  // namespace gantry
