// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/reason_words.h"

#include <gtest/gtest.h>

namespace gantry::report::reason_words_test {
namespace {

TEST(ReasonWords, puts_known_reasons_into_chinese_with_what_they_hold) {
  EXPECT_EQ(reason_words("RT plan: holds no image").zh, "放疗计划：不含图像");
  EXPECT_EQ(reason_words("one of 2 image sets of its series, which differ in size, image type").zh,
            "该序列含 2 组图像，区别在于尺寸、图像类型");
  EXPECT_EQ(reason_words("the pixel data hold 7 of 12 bytes (truncated)").zh, "像素数据仅有 7 字节，应为 12 字节（文件被截断）");
  EXPECT_EQ(reason_words("Units BQML, decay corrected to the start of the series").zh, "单位 BQML，衰变校正至序列开始时刻");
  EXPECT_EQ(reason_words("PatientWeight (0010,1030) is missing").zh, "缺少 PatientWeight (0010,1030)");
  EXPECT_EQ(reason_words("brain: the image is constant").zh, "脑：图像数值恒定");
  EXPECT_EQ(reason_words("data set: (5600,0010) states 12 bytes, 8 are left").zh, "数据集：(5600,0010) 注明 12 字节，实有 8 字节");
  EXPECT_EQ(reason_words("model films: the picture is unlike those that the model learnt from: its large structure is farther from the "
                         "mean than theirs (2.9, limit 2.33)")
                .zh,
            "模型 films：图像与模型的训练图像不相似：其大体结构比训练图像更偏离均值（2.9，上限 2.33）");
  EXPECT_EQ(reason_words("RT plan: holds no image").en, "RT plan: holds no image");
}

TEST(ReasonWords, takes_joined_sentences_apart_and_marks_what_it_does_not_know) {
  EXPECT_EQ(reason_words("is not DICOM; the data set is empty").zh, "不是 DICOM；数据集为空");
  EXPECT_EQ(reason_words("not comparable: noise in the lung is 14 HU (10 at most); slices of 4.2 mm (1.5 at most)").zh,
            "不可比较：肺内噪声 14 HU（上限 10）；层厚 4.2 mm（上限 1.5）");
  EXPECT_EQ(reason_words("the moon is full").zh, "（英文原文）the moon is full");
  EXPECT_EQ(reason_words("").zh, "");
  EXPECT_EQ(reason_words("{}").en, "{}");
}

}  // namespace
}  // namespace gantry::report::reason_words_test
