// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/suv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "gantry/base/error.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::suv_test {

namespace {

/// A PET slice of 70 kg, 350 MBq given at 10:00, scanned at 11:00, half-life 3600 s; so at 11:00 half of the dose is left and
/// SUVbw = C x 70000 g / 175 MBq = C x 4e-4.
class SuvFactors : public testing::Test {
 protected:
  using Elements = std::map<Tag, std::pair<std::string, std::string>>;

  SuvFactors() {
    root = {{0x00080021U, {"DA", "20240110"}},
            {0x00080022U, {"DA", "20240110"}},
            {0x00080031U, {"TM", "110000"}},
            {0x00080032U, {"TM", "110000"}},
            {0x00080070U, {"LO", "SIEMENS"}},
            {0x00101020U, {"DS", "1.75"}},
            {0x00100040U, {"CS", "M"}},
            {0x00101030U, {"DS", "70"}},
            {0x00181242U, {"IS", "120000"}},
            {0x00541001U, {"CS", "BQML"}},
            {0x00541102U, {"CS", "START"}},
            {0x00541300U, {"DS", "0"}},
            {0x00280051U, {"CS", "DECY\\ATTN\\DCAL"}}};
    tracer = {{0x00181072U, {"TM", "100000"}}, {0x00181074U, {"DS", "350000000"}}, {0x00181075U, {"DS", "3600"}}};
  }

  Suv suv() const {
    test::Writer set;
    Elements all = root;
    all[0x00080060U] = {"CS", modality};
    test::Writer item;
    for (const auto& [tag, value] : tracer) item.text(tag, value.first, value.second);
    bool written = false;
    for (const auto& [tag, value] : all) {
      if (!written && tag > 0x00540016U) {
        set.sequence(0x00540016U, {item});
        written = true;
      }
      set.text(tag, value.first, value.second);
    }
    if (!written) set.sequence(0x00540016U, {item});
    Series series;
    series.modality = modality;
    series.header = Header(test::parse(test::part10(set)));
    series.grid = Grid({2, 2, 1}, {2, 2, 5});  // 0.02 mL
    Instance instance;
    instance.header = series.header;
    instance.intercept = intercept;
    series.instances = {instance};
    return suv_factors(series);
  }
  double factor() const {
    const Suv result = suv();
    EXPECT_EQ(result.refusal, "");
    return result.body_weight.empty() ? NAN : result.body_weight.front();
  }
  void without(Tag tag, const std::string& word) {
    const Elements kept_root = root, kept_tracer = tracer;
    root.erase(tag);
    tracer.erase(tag);
    EXPECT_NE(suv().refusal.find(word), std::string::npos) << suv().refusal;
    root = kept_root;
    tracer = kept_tracer;
  }
  static bool says(const Suv& suv, std::string_view word) {
    for (const std::string& text : suv.warnings) {
      if (text.find(word) != std::string::npos) return true;
    }
    return false;
  }

  Elements root, tracer;
  std::string modality = "PT";
  double intercept = 0;
};

TEST_F(SuvFactors, of_becquerels_decay_from_administration_to_scan_start) { EXPECT_NEAR(factor(), 4e-4, 1e-15); }

TEST_F(SuvFactors, corrected_to_administration_need_no_decay) {
  root[0x00541102U].second = "ADMIN";
  EXPECT_NEAR(factor(), 2e-4, 1e-15);
}

TEST_F(SuvFactors, without_decay_correction_take_the_mean_decay_time_of_the_frame) {
  root[0x00541102U].second = "NONE";
  root[0x00181242U].second = "3600000";  // one half-life: the mean lies at log2(2 ln 2) half-lives, 0.471234
  EXPECT_NEAR(factor(), 4e-4 * std::exp2(std::log2(2 * std::log(2.0))), 1e-12);
  EXPECT_NEAR(factor(), 5.545177e-4, 1e-10);  // 8e-4 ln 2
}

TEST_F(SuvFactors, of_later_beds_go_back_to_the_start_of_the_series) {
  // The bed starts 600 s later; its mean decay time lies 659.422 s behind the series' start.
  root[0x00080032U].second = "111000";
  const double mean = std::log((std::log(2.0) / 30) / (1 - std::exp2(-1.0 / 30))) / std::log(2.0) * 3600;
  EXPECT_NEAR(mean, 59.8845, 1e-3);
  root[0x00541300U].second = std::to_string((600 + mean) * 1000);
  EXPECT_NEAR(factor(), 4e-4, 1e-10);
}

TEST_F(SuvFactors, of_ge_take_the_scan_start_or_the_frame_reference_time) {
  root[0x00080070U].second = "GE MEDICAL SYSTEMS";
  root[0x00080032U].second = "111000";
  root[0x00541300U].second = "600000";
  EXPECT_NEAR(factor(), 4e-4, 1e-15);
  root[0x0009100DU] = {"DT", "20240110120000.00"};
  EXPECT_NEAR(factor(), 8e-4, 1e-15);
}

TEST_F(SuvFactors, of_siemens_take_the_private_reference_time) {
  root[0x00711022U] = {"DT", "20240110120000.00"};
  EXPECT_NEAR(factor(), 8e-4, 1e-15);
}

TEST_F(SuvFactors, of_philips_counts_take_the_private_factors) {
  root[0x00080070U].second = "Philips Medical Systems";
  root[0x00541001U].second = "CNTS";
  root[0x70531000U] = {"DS", "0.0015"};
  EXPECT_NEAR(factor(), 0.0015, 1e-15);
  root[0x70531009U] = {"DS", "2.5"};
  EXPECT_NEAR(factor(), 2.5 * 4e-4, 1e-15);
  EXPECT_TRUE(says(suv(), "differ by 50.0 %"));
}

TEST_F(SuvFactors, of_calibrated_counts_divide_by_time_and_volume) {
  root[0x00541001U].second = "CNTS";
  EXPECT_NEAR(factor(), 4e-4 / (120 * 0.02), 1e-15);
  root[0x00541001U].second = "CPS";
  EXPECT_NEAR(factor(), 4e-4 / 0.02, 1e-15);
  root[0x00280051U].second = "DECY\\ATTN";
  EXPECT_NE(suv().refusal.find("DCAL"), std::string::npos);
  root[0x00541001U].second = "CNTS";
  EXPECT_NE(suv().refusal.find("DCAL"), std::string::npos);
}

TEST_F(SuvFactors, of_grams_per_millilitre_follow_the_suv_type) {
  root[0x00541001U].second = "GML";
  EXPECT_EQ(factor(), 1.0);
  root[0x00541006U] = {"CS", "BW"};
  EXPECT_EQ(factor(), 1.0);
  root[0x00541006U].second = "LBMJAMES128";  // 1.10 x 70 - 128 x (70/175)^2 = 56.52 kg
  EXPECT_NEAR(factor(), 70 / 56.52, 1e-12);
  root[0x00541006U].second = "LBMJANMA";  // 9270 x 70 / (6680 + 216 x 22.857143) = 55.857108 kg
  EXPECT_NEAR(factor(), 70 / 55.857108, 1e-8);
  root[0x00541006U].second = "IBW";  // 48 + 1.06 x 23 = 72.38 kg
  EXPECT_NEAR(factor(), 70 / 72.38, 1e-12);
  root[0x00541006U].second = "XYZ";
  EXPECT_NE(suv().refusal.find("(0054,1006)"), std::string::npos);
  root[0x00541006U].second = "LBMJANMA";
  root.erase(0x00100040U);
  EXPECT_NE(suv().refusal.find("(0010,0040)"), std::string::npos);
}

TEST_F(SuvFactors, of_surface_units_divide_by_the_body_surface) {
  root[0x00541001U].second = "CM2ML";
  const double surface = 0.007184 * std::pow(70, 0.425) * std::pow(175, 0.725);  // 1.8481 m^2
  EXPECT_NEAR(surface, 1.8481, 1e-4);
  EXPECT_NEAR(factor(), 70000 / (1e4 * surface), 1e-12);
}

TEST_F(SuvFactors, give_lean_and_surface_factors_beside) {
  const Suv man = suv();
  EXPECT_NEAR(*man.lean_james, 56.52 / 70, 1e-12);
  EXPECT_NEAR(*man.lean_janmahasatian, 9270 / (6680 + 216 * 70 / (1.75 * 1.75)), 1e-12);
  EXPECT_NEAR(*man.body_surface, 1e4 * 1.8481 / 70000, 1e-4);
  root[0x00100040U].second = "F";
  EXPECT_NEAR(*suv().lean_james, (1.07 * 70 - 148 * 0.16) / 70, 1e-12);
  root.erase(0x00101020U);
  EXPECT_EQ(suv().refusal, "");
  EXPECT_NE(suv().lean_refusal.find("(0010,1020)"), std::string::npos);
}

TEST_F(SuvFactors, cross_one_midnight_and_refuse_more_than_a_day) {
  root[0x00080031U].second = root[0x00080032U].second = "003000";
  root[0x00080021U].second = root[0x00080022U].second = "20240111";
  tracer[0x00181072U].second = "233000";
  EXPECT_NEAR(factor(), 4e-4, 1e-15);
  EXPECT_TRUE(says(suv(), "midnight"));
  tracer[0x00181078U] = {"DT", "20240109233000"};
  EXPECT_NE(suv().refusal.find("24 h; got 25.0 h"), std::string::npos);
  tracer[0x00181078U].second = "20240110233000";
  EXPECT_NEAR(factor(), 4e-4, 1e-15);
  tracer[0x00181078U].second = "20240111013000";
  EXPECT_NE(suv().refusal.find("must not precede"), std::string::npos);
}

TEST_F(SuvFactors, convert_grams_megabecquerels_and_centimetres_with_a_warning) {
  root[0x00101030U].second = "70000";
  tracer[0x00181074U].second = "350";
  root[0x00101020U].second = "175";
  const Suv result = suv();
  EXPECT_NEAR(result.body_weight.at(0), 4e-4, 1e-15);
  EXPECT_NEAR(*result.lean_james, 56.52 / 70, 1e-12);
  EXPECT_TRUE(says(result, "taken as gram"));
  EXPECT_TRUE(says(result, "taken as MBq"));
  EXPECT_TRUE(says(result, "taken as centimetres"));
}

TEST_F(SuvFactors, are_refused_with_the_name_of_what_is_missing) {
  without(0x00101030U, "PatientWeight (0010,1030)");
  without(0x00181074U, "RadionuclideTotalDose (0018,1074)");
  without(0x00181075U, "RadionuclideHalfLife (0018,1075)");
  without(0x00181072U, "RadiopharmaceuticalStartTime (0018,1072)");
  without(0x00541001U, "Units (0054,1001)");
  without(0x00541102U, "DecayCorrection (0054,1102)");
  without(0x00080032U, "AcquisitionTime (0008,0032)");
  root[0x00080032U].second = "111000";
  without(0x00541300U, "FrameReferenceTime (0054,1300)");
  without(0x00181242U, "ActualFrameDuration (0018,1242)");
  root[0x00541001U].second = "PROPCPS";
  without(0, "got PROPCPS");
  modality = "CT";
  without(0, "Modality must be PT");
  modality = "PT";
  intercept = 5;
  without(0, "RescaleIntercept");
}

}  // namespace

}  // namespace gantry::dicom::suv_test
