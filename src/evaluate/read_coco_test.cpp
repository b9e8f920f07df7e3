// SPDX-License-Identifier: Apache-2.0
#include "evaluate/read_coco.hpp"

#include <gmock/gmock.h>

#include "evaluate/json_list.hpp"
#include "evaluate/test_sets.hpp"

namespace osprey::evaluation {
namespace {

using testing::HasSubstr;

constexpr const char* kLabels = R"({
  "info": {"year": 2026, "nested": [{"id": 1}]},
  "annotations": [
    {"id": 7, "image_id": 20, "category_id": 3, "bbox": [1, 2.5, 30, 40], "area": 600, "iscrowd": 1,
     "segmentation": {"size": [3, 4], "counts": "}, {"}},
    {"id": 8, "image_id": 10, "category_id": 1, "bbox": [0, 0, 5, 6]},
    {"id": 9, "image_id": 99, "category_id": 1, "bbox": [0, 0, 5, 6], "area": 1},
    {"id": 10, "image_id": 10, "category_id": 99, "bbox": [0, 0, 5, 6], "area": 1}],
  "images": [{"id": 20, "file_name": "b.jpg", "width": 640, "height": 480}, {"id": 10, "file_name": "a.jpg"}],
  "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}]
})";

class ReadCoco : public testing::Test {
 protected:
  std::string labels_error(const std::string& text) {
    base::write_text(folder_ / "labels.json", text);
    const auto read = read_coco_labels(folder_ / "labels.json", warnings_);
    return read ? std::string("none") : read.error().message;
  }
  GroundTruth labels() {
    base::write_text(folder_ / "labels.json", kLabels);
    return must(read_coco_labels(folder_ / "labels.json", warnings_));
  }
  Result<Detections> detections(const std::string& text, int threads = 2) {
    base::write_text(folder_ / "dt.json", text);
    return read_coco_detections(folder_ / "dt.json", labels(), threads, warnings_);
  }
  std::string detections_error(const std::string& text) {
    const auto read = detections(text);
    return read ? std::string("none") : read.error().message;
  }
  std::int64_t warned(const std::string& what) const {
    for (const auto& warning : warnings_.list()) {
      if (warning.what.find(what) != std::string::npos) return warning.count;
    }
    return 0;
  }

  base::TemporaryFolder folder_;
  Warnings warnings_;
};

TEST_F(ReadCoco, labels_come_by_picture_and_category_in_any_order_of_the_file) {
  const auto truth = labels();
  ASSERT_EQ(truth.pictures.size(), 2u);
  EXPECT_EQ(truth.pictures[0].id, 10);
  EXPECT_EQ(truth.pictures[1].width, 640);
  EXPECT_EQ(truth.categories[0].name, "dog");
  ASSERT_EQ(truth.labels.size(), 2u);
  EXPECT_EQ(truth.labels[0].picture, 1);
  EXPECT_EQ(truth.labels[0].category, 1);
  EXPECT_EQ(truth.labels[0].box.y, 2.5);
  EXPECT_EQ(truth.labels[0].area, 600);
  EXPECT_TRUE(truth.labels[0].crowd);
  EXPECT_EQ(truth.labels[1].area, 30);  // of the box, as there is none
  EXPECT_EQ(warned("without area"), 1);
  EXPECT_EQ(warned("a picture that is not listed"), 1);
  EXPECT_EQ(warned("a category that is not listed"), 1);
}

TEST_F(ReadCoco, labels_that_are_wrong_are_named) {
  EXPECT_THAT(labels_error("[]"), HasSubstr("expected an object with images"));
  EXPECT_THAT(labels_error("{\"images\": []"), HasSubstr("not JSON"));
  EXPECT_THAT(labels_error(R"({"images": [], "categories": []})"),
              HasSubstr("annotations: missing"));
  EXPECT_THAT(labels_error(R"({"images": [{"file_name": "a"}]})"),
              HasSubstr("image 0: id: missing"));
  EXPECT_THAT(
      labels_error(R"({"images": [{"id": 1}, {"id": 1}], "categories": [], "annotations": []})"),
      HasSubstr("image 1: id: 1 is that of image 0 too"));
  const auto annotation = [&](const std::string& fields) {
    return labels_error(R"({"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": [{)" +
                        fields + "}]}");
  };
  EXPECT_THAT(annotation(R"("id": 1, "image_id": 1, "category_id": 1)"),
              HasSubstr("annotation 0: bbox: missing"));
  EXPECT_THAT(annotation(R"("id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3])"),
              HasSubstr("bbox: expected four numbers"));
  EXPECT_THAT(annotation(R"("id": 1, "image_id": "x", "category_id": 1, "bbox": [1, 2, 3, 4])"),
              HasSubstr("image_id: expected a whole number"));
  EXPECT_THAT(annotation(R"("id": 1, "image_id": 1.5, "category_id": 1, "bbox": [1, 2, 3, 4])"),
              HasSubstr("image_id: expected a whole number"));
  const auto absent = read_coco_labels(folder_ / "none.json", warnings_);
  ASSERT_FALSE(absent.ok());
  EXPECT_THAT(absent.error().message, HasSubstr("none.json"));
}

TEST_F(ReadCoco, detections_name_pictures_by_id_or_file) {
  const auto found = must(detections(R"([
    {"image_id": 10, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.25, "segmentation": {"counts": "},{"}},
    {"score": 1e-3, "bbox": [5.5, 6, 7, 8], "category_id": 3.0, "image_id": "b"},
    {"score": 1, "bbox": [5.5, 6, -7, 8], "category_id": 3, "image_id": "b.jpg"},
    {"score": 1, "bbox": [5.5, 6, 7, 8], "category_id": 4, "image_id": 20}])"));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].picture, 0);
  EXPECT_EQ(found[0].score, 0.25);
  EXPECT_EQ(found[1].picture, 1);
  EXPECT_EQ(found[1].category, 1);
  EXPECT_EQ(found[1].box.x, 5.5);
  EXPECT_EQ(warned("detections of negative size"), 1);
  EXPECT_EQ(warned("detections of a category that is not listed"), 1);
  EXPECT_TRUE(must(detections(" [ ] \n")).empty());
}

TEST_F(ReadCoco, detections_that_are_wrong_are_named) {
  const std::string good =
      R"({"image_id": 10, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5})";
  EXPECT_THAT(detections_error(""), HasSubstr("beginning with ["));
  EXPECT_THAT(detections_error("{}"), HasSubstr("beginning with ["));
  EXPECT_THAT(detections_error("[" + good), HasSubstr("was the file cut off?"));
  EXPECT_THAT(detections_error("[" + good + ", 3]"), HasSubstr("detection 1: expected an object"));
  EXPECT_THAT(detections_error("[" + good + "] ]"), HasSubstr("not JSON"));
  EXPECT_THAT(detections_error("[" + good + ", {\"image_id\": 10}]"),
              HasSubstr("detection 1: category_id: missing"));
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = "[" + good + ", " + good + "]";
    text.replace(text.rfind(from), from.size(), to);
    return detections_error(text);
  };
  EXPECT_THAT(with("10", "11"), HasSubstr("detection 1: image_id: 11 is no picture of"));
  EXPECT_THAT(with("10", "\"c.jpg\""), HasSubstr("\"c.jpg\" is no picture of"));
  EXPECT_THAT(with("0.5", "NaN"), HasSubstr("score: expected a number"));
  EXPECT_THAT(with("0.5", "\"high\""), HasSubstr("score: expected a number"));
  EXPECT_THAT(with("[1, 2, 3, 4]", "[1, 2, 3, null]"), HasSubstr("bbox: expected four numbers"));
  EXPECT_THAT(with("[1, 2, 3, 4]", "[1, 2, 3, 4, 5]"), HasSubstr("bbox: expected four numbers"));
}

/// A list of several pieces.
std::string long_list(std::size_t count, const std::string& more) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ", ") + std::string(R"({"image_id": 10, "category_id": 1, "bbox": [)") +
            std::to_string(i) + R"(, 2, 3, 4], "score": 0.5)" + more + "}";
  }
  return text + "]";
}

TEST_F(ReadCoco, a_long_list_in_pieces_is_the_same_list) {
  // Also where texts, or lists within, look like the ends of elements.
  for (const std::string more :
       {"", R"(, "note": "}, {}, {")", R"(, "parts": [{"a": 1}, {"b": 2}])"}) {
    const auto text = long_list(40'000, more);
    base::write_text(folder_ / "dt.json", text);
    EXPECT_GT(must(JsonList::open(folder_ / "dt.json")).pieces(), 2u);
    const auto found = must(detections(text, 3));
    ASSERT_EQ(found.size(), 40'000u) << more;
    for (std::size_t i = 0; i < found.size(); ++i)
      ASSERT_EQ(found[i].box.x, static_cast<double>(i));
  }
}

TEST_F(ReadCoco, an_entry_deep_in_a_long_list_is_named_by_its_number) {
  auto text = long_list(40'000, "");
  text.replace(text.find("[34567,"), 7, "[\"34567\",");
  EXPECT_THAT(detections_error(text), HasSubstr("detection 34567: bbox: expected four numbers"));
  text = long_list(40'000, "");
  text.replace(text.find("[34567,"), 7, "[34567 ");
  EXPECT_THAT(detections_error(text), HasSubstr("detection 34567: "));
}

}  // namespace
}  // namespace osprey::evaluation
