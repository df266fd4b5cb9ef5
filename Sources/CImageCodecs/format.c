// Which format, which limits, which way up: what PNG and JPEG share.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

int32_t plumb_image_format(const uint8_t *bytes, size_t count) {
  static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  // A file that ends inside its signature still is one of its kind, cut short.
  if (count > 0 && memcmp(bytes, png, count < 8 ? count : 8) == 0) return PLUMB_FORMAT_PNG;
  static const uint8_t jpeg[3] = {0xff, 0xd8, 0xff};
  if (count > 0 && memcmp(bytes, jpeg, count < 3 ? count : 3) == 0) return PLUMB_FORMAT_JPEG;
  return PLUMB_FORMAT_NONE;
}

static int32_t read_format(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info) {
  memset(info, 0, sizeof *info);
  info->orientation = 1;
  switch (plumb_image_format(bytes, count)) {
  case PLUMB_FORMAT_PNG:
    info->format = PLUMB_FORMAT_PNG;
    return plumb_png_read(bytes, count, limits, pixels, capacity, info);
  case PLUMB_FORMAT_JPEG:
    info->format = PLUMB_FORMAT_JPEG;
    return plumb_jpeg_read(bytes, count, limits, pixels, capacity, info);
  default:
    plumb_keep_reason(info->reason, "it begins like neither PNG nor JPEG");
    return PLUMB_IMAGE_UNDECODABLE;
  }
}

static int32_t read_image(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info) {
  int32_t outcome = read_format(bytes, count, limits, pixels, capacity, info);
  // Libraries find words for most failures, not for all.
  if (!info->reason[0] && outcome == PLUMB_IMAGE_TRUNCATED)
    plumb_keep_reason(info->reason, "bytes end inside the image");
  if (!info->reason[0] && outcome == PLUMB_IMAGE_UNDECODABLE)
    plumb_keep_reason(info->reason, "its data are damaged");
  return outcome;
}

int32_t plumb_image_describe(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits,
    struct plumb_image_info *info) {
  return read_image(bytes, count, limits, NULL, 0, info);
}

int32_t plumb_image_decode(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info) {
  return read_image(bytes, count, limits, pixels, capacity, info);
}

int32_t plumb_is_within(struct plumb_image_limits limits, int64_t width, int64_t height) {
  return width > 0 && height > 0 && width <= limits.side && height <= limits.side
      && width * height <= limits.pixels;
}

void plumb_keep_reason(char reason[200], const char *text) { snprintf(reason, 200, "%s", text); }

void plumb_image_free(uint8_t *bytes) { free(bytes); }

static uint32_t number(const uint8_t *at, int bytes, int is_little) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | at[is_little ? bytes - 1 - i : i];
  return value;
}

int32_t plumb_exif_orientation(const uint8_t *tiff, size_t count) {
  if (count < 14) return 1;
  int is_little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!is_little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  if (number(tiff + 2, 2, is_little) != 42) return 1;
  size_t directory = number(tiff + 4, 4, is_little);
  if (directory > count - 2) return 1;
  size_t entries = number(tiff + directory, 2, is_little);
  for (size_t i = 0; i < entries; i++) {
    size_t at = directory + 2 + 12 * i;
    if (at + 12 > count) return 1;
    // Tag 0x0112, type SHORT, one value, left-aligned in its four bytes.
    if (number(tiff + at, 2, is_little) != 0x0112) continue;
    if (number(tiff + at + 2, 2, is_little) != 3 || number(tiff + at + 4, 4, is_little) != 1)
      return 1;
    uint32_t value = number(tiff + at + 8, 2, is_little);
    return value >= 1 && value <= 8 ? (int32_t)value : 1;
  }
  return 1;
}
