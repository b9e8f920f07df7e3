// SPDX-License-Identifier: Apache-2.0
#include "evaluate/read_labels.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "evaluate/read_coco.hpp"
#include "evaluate/test_sets.hpp"
#include "media/picture_codec.hpp"

namespace osprey::evaluation {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void write_picture(const fs::path& path, int width, int height) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * 3), 90);
  Image image;
  image.format = PixelFormat::kBgr24;
  image.width = width;
  image.height = height;
  image.planes[0] = {pixels.data(), width * 3};
  const auto bytes = must(media::encode_picture(image, path.extension()));
  fs::create_directories(path.parent_path());
  base::write_text(path, {bytes.begin(), bytes.end()});
}

class ReadLabels : public testing::Test {
 protected:
  void write(const fs::path& name, const std::string& text) {
    const fs::path path = folder_ / name.string();
    fs::create_directories(path.parent_path());
    base::write_text(path, text);
  }
  std::string error(const std::string& name, const std::string& split = "val") {
    const auto read = read_labels(folder_ / name, split, warnings_);
    return read ? std::string("none") : read.error().message;
  }

  base::TemporaryFolder folder_;
  Warnings warnings_;
};

class Yolo : public ReadLabels {
 protected:
  Yolo() {
    write_picture(folder_ / "set/images/val/2.jpg", 200, 100);
    write_picture(folder_ / "set/images/val/10.png", 64, 48);
    write_picture(folder_ / "set/images/val/3.bmp", 32, 32);
    write("set/labels/val/2.txt", "1 0.5 0.5 0.5 0.4\n\n0 0.1 0.2 0.3 0.2 0.3 0.6 0.2 0.4\n");
    write("set/labels/val/10.txt", "0 0.25 0.25 0.5 0.5\n");
    write("set/data.yaml", "path: .\nval: images/val\nnames: [cat, dog]\n");
  }
};

TEST_F(Yolo, labels_are_in_pixels_of_their_pictures) {
  for (const char* name : {"set", "set/data.yaml"}) {
    const auto truth = must(read_labels(folder_ / name, "val", warnings_));
    ASSERT_EQ(truth.pictures.size(), 3u);
    EXPECT_EQ(truth.pictures[0].id, 2);
    EXPECT_EQ(truth.pictures[0].width, 200);
    EXPECT_EQ(truth.pictures[1].width, 32);
    EXPECT_EQ(truth.pictures[2].id, 10);
    EXPECT_EQ(truth.pictures[2].height, 48);
    EXPECT_EQ(truth.categories[1].id, 2);
    EXPECT_EQ(truth.categories[1].name, "dog");
    ASSERT_EQ(truth.labels.size(), 3u);
    for (const auto& label : truth.labels) {
      const auto& box = label.box;
      if (label.picture == 2) {
        EXPECT_EQ(box.width, 32);
      } else if (label.category == 1) {
        EXPECT_NEAR(box.x, 50, 1e-9);
        EXPECT_NEAR(box.y, 30, 1e-9);
        EXPECT_NEAR(box.width, 100, 1e-9);
        EXPECT_NEAR(box.height, 40, 1e-9);
      } else {  // an outline
        EXPECT_NEAR(box.x, 20, 1e-9);
        EXPECT_NEAR(box.y, 20, 1e-9);
        EXPECT_NEAR(box.width, 40, 1e-9);
        EXPECT_NEAR(box.height, 40, 1e-9);
      }
    }
  }
}

TEST_F(Yolo, pictures_may_be_listed_and_names_be_numbered) {
  write("set/list.txt", "images/val/2.jpg\n./images/val/10.png\n");
  write("set/listed.yaml", "val: list.txt\nnames:\n  1: dog\n  0: cat\n");
  const auto truth = must(read_labels(folder_ / "set/listed.yaml", "val", warnings_));
  EXPECT_EQ(truth.pictures.size(), 2u);
  EXPECT_EQ(truth.labels.size(), 3u);
  EXPECT_EQ(truth.categories[0].name, "cat");
}

TEST_F(Yolo, what_is_wrong_is_named) {
  EXPECT_THAT(error("set/data.yaml", "test"), HasSubstr("data.yaml: has no test"));
  write("set/labels/val/2.txt", "0 0.5 0.5 0.5 0.4\n1 0.5 0.5\n");
  EXPECT_THAT(error("set"), HasSubstr("2.txt:2: expected a class and x y width height"));
  write("set/labels/val/2.txt", "7 0.5 0.5 0.5 0.4\n");
  EXPECT_THAT(error("set"), HasSubstr("2.txt:1: class 7: expected below 2"));
  write("set/bad.yaml", "val: images/val\nnames: {0: a, 2: b}\n");
  EXPECT_THAT(error("set/bad.yaml"), HasSubstr("expected each class from 0 on once"));
  write("set/bad.yaml", "val: nowhere\nnames: [a]\n");
  EXPECT_THAT(error("set/bad.yaml"), HasSubstr("nowhere: expected a folder of pictures"));
  write("set/bad.yaml", "val: [\n");
  EXPECT_THAT(error("set/bad.yaml"), HasSubstr("bad.yaml: "));
}

TEST_F(ReadLabels, pascal_voc_has_a_file_a_picture) {
  const std::string object =
      "<object><name>dog</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60.5</"
      "ymax></bndbox></object>";
  write(
      "voc/b.xml",
      "<annotation><filename>b.jpg</filename><size><width>640</width><height>480</height></size>" +
          object + "</annotation>");
  write("voc/a.xml",
        "<annotation><filename>a.jpg</filename><object><name>cat</name><difficult>1</"
        "difficult><bndbox>"
        "<xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>");
  const auto truth = must(read_labels(folder_ / "voc", "val", warnings_));
  ASSERT_EQ(truth.pictures.size(), 2u);
  EXPECT_EQ(truth.pictures[1].file_name, "b.jpg");
  EXPECT_EQ(truth.pictures[1].width, 640);
  ASSERT_EQ(truth.labels.size(), 2u);
  EXPECT_FALSE(truth.labels[0].counts());
  EXPECT_TRUE(truth.labels[1].counts());
  EXPECT_EQ(truth.labels[1].box.height, 40.5);
  EXPECT_EQ(truth.categories[static_cast<std::size_t>(truth.labels[1].category)].name, "dog");
  write("voc/c.xml", "<annotation><object><name>dog</name></object></annotation>");
  EXPECT_THAT(error("voc"), HasSubstr("c.xml: object 0: xmin: expected a number"));
  write("voc/c.xml", "<annotation><object>");
  EXPECT_THAT(error("voc"), HasSubstr("c.xml: not a Pascal VOC file"));
  fs::create_directories(folder_ / "empty");
  EXPECT_THAT(error("empty"),
              HasSubstr("expected instances.json, data.yaml, or a folder of Pascal"));
}

TEST_F(ReadLabels, any_format_can_be_written_as_coco_s) {
  auto truth = empty_set(2, 2);
  add_label(truth, 1, 0, {1.25, 2, 30, 40}, true);
  base::write_text(folder_ / "made.json", to_coco(truth));
  const auto again = must(read_coco_labels(folder_ / "made.json", warnings_));
  ASSERT_EQ(again.labels.size(), 1u);
  EXPECT_EQ(again.labels[0].box.x, 1.25);
  EXPECT_TRUE(again.labels[0].crowd);
  EXPECT_EQ(again.labels[0].picture, 1);
  EXPECT_EQ(again.categories[0].name, "class 1");
}

}  // namespace
}  // namespace osprey::evaluation
