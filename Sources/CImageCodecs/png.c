// PNG through libpng: every colour type and depth to 8-bit gray or RGB. 16 bits are scaled with
// rounding, transparency is composited over black (what a mask around the sky means), gamma and
// profiles are left alone (as other readers of measured pixels do).

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

struct reader {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  int has_ended;
  struct plumb_image_info *info;
};

static void take(png_structp png, png_bytep out, size_t count) {
  struct reader *reader = png_get_io_ptr(png);
  if (count > reader->count - reader->position) {
    reader->has_ended = 1;
    png_error(png, "bytes end inside the image");
  }
  memcpy(out, reader->bytes + reader->position, count);
  reader->position += count;
}

static void fail(png_structp png, png_const_charp text) {
  struct plumb_image_info *info = png_get_error_ptr(png);
  plumb_keep_reason(info->reason, text);
  png_longjmp(png, 1);
}

static void warn(png_structp png, png_const_charp text) {
  struct plumb_image_info *info = png_get_error_ptr(png);
  if (info->warnings++ == 0) plumb_keep_reason(info->reason, text);
}

// Samples times alpha, rounded; in place, the alpha sample is dropped.
static void composite_over_black(uint8_t *row, const uint8_t *source, int32_t width, int colours) {
  for (int32_t x = 0; x < width; x++) {
    unsigned alpha = source[colours];
    for (int c = 0; c < colours; c++) row[c] = (uint8_t)((source[c] * alpha + 127) / 255);
    source += colours + 1;
    row += colours;
  }
}

static int32_t stored_colour(png_byte type) {
  switch (type) {
  case PNG_COLOR_TYPE_GRAY: return PLUMB_COLOUR_GRAY;
  case PNG_COLOR_TYPE_GRAY_ALPHA: return PLUMB_COLOUR_GRAY_ALPHA;
  case PNG_COLOR_TYPE_RGB: return PLUMB_COLOUR_RGB;
  case PNG_COLOR_TYPE_RGB_ALPHA: return PLUMB_COLOUR_RGBA;
  default: return PLUMB_COLOUR_PALETTE;
  }
}

int32_t plumb_png_read(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info) {
  struct reader reader = {bytes, count, 0, 0, info};
  // Assigned between setjmp and longjmp, read after it.
  png_infop volatile header = NULL;
  uint8_t *volatile samples = NULL;
  volatile int32_t outcome = PLUMB_IMAGE_UNDECODABLE;

  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, info, fail, warn);
  if (!png) return PLUMB_IMAGE_MEMORY;
  if (setjmp(png_jmpbuf(png))) {
    if (reader.has_ended) outcome = PLUMB_IMAGE_TRUNCATED;
    goto done;
  }
  header = png_create_info_struct(png);
  if (!header) {
    outcome = PLUMB_IMAGE_MEMORY;
    goto done;
  }
  png_set_read_fn(png, &reader, take);
  // Sizes are checked below with words of our own; a chunk of text may not unpack without bound.
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_chunk_cache_max(png, 64);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  png_set_sig_bytes(png, 0);
  png_read_info(png, header);

  png_uint_32 width = png_get_image_width(png, header);
  png_uint_32 height = png_get_image_height(png, header);
  png_byte type = png_get_color_type(png, header);
  info->width = (int32_t)width;
  info->height = (int32_t)height;
  info->bit_depth = png_get_bit_depth(png, header);
  info->colour = stored_colour(type);
  info->is_layered = png_get_interlace_type(png, header) != PNG_INTERLACE_NONE;
  info->channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
  png_uint_32 exif_count = 0;
  png_bytep exif = NULL;
  if (png_get_eXIf_1(png, header, &exif_count, &exif) & PNG_INFO_eXIf)
    info->orientation = plumb_exif_orientation(exif, exif_count);
  if (!plumb_is_within(limits, width, height)) {
    outcome = PLUMB_IMAGE_TOO_LARGE;
    goto done;
  }
  if (!pixels) {
    outcome = PLUMB_IMAGE_OK;
    goto done;
  }
  size_t stride = (size_t)width * (size_t)info->channels;
  if (capacity != stride * height) png_error(png, "its size changed between two looks");

  int has_alpha = (type & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, header, PNG_INFO_tRNS);
  if (info->bit_depth == 16) png_set_scale_16(png);
  png_set_expand(png);
  // An 8-bit palette image in gray or a depth of 1 bit becomes samples of 8 bits.
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, header);
  size_t decoded = png_get_rowbytes(png, header);
  size_t expected = stride + (has_alpha ? width : 0);
  if (decoded != expected) png_error(png, "its rows have an unexpected length");

  if (!has_alpha) {
    // Straight into the caller's rows; interlaced passes need all of them at once.
    for (int pass = 0; pass < passes; pass++)
      for (png_uint_32 y = 0; y < height; y++) png_read_row(png, pixels + y * stride, NULL);
  } else if (passes == 1) {
    samples = malloc(decoded);
    if (!samples) {
      outcome = PLUMB_IMAGE_MEMORY;
      goto done;
    }
    for (png_uint_32 y = 0; y < height; y++) {
      png_read_row(png, samples, NULL);
      composite_over_black(pixels + y * stride, samples, (int32_t)width, info->channels);
    }
  } else {
    samples = malloc(decoded * height);
    if (!samples) {
      outcome = PLUMB_IMAGE_MEMORY;
      goto done;
    }
    for (int pass = 0; pass < passes; pass++)
      for (png_uint_32 y = 0; y < height; y++) png_read_row(png, samples + y * decoded, NULL);
    for (png_uint_32 y = 0; y < height; y++)
      composite_over_black(
          pixels + y * stride, samples + y * decoded, (int32_t)width, info->channels);
  }
  // Checks that the last chunk is there and whole.
  png_read_end(png, NULL);
  outcome = PLUMB_IMAGE_OK;

done:
  free(samples);
  png_infop last = header;
  png_destroy_read_struct(&png, last ? &last : NULL, NULL);
  return outcome;
}

struct writer {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  char *reason;
};

static void keep(png_structp png, png_bytep data, size_t count) {
  struct writer *writer = png_get_io_ptr(png);
  if (writer->count + count > writer->capacity) {
    size_t capacity = 2 * (writer->count + count) + 4096;
    uint8_t *bytes = realloc(writer->bytes, capacity);
    if (!bytes) png_error(png, "no memory");
    writer->bytes = bytes;
    writer->capacity = capacity;
  }
  memcpy(writer->bytes + writer->count, data, count);
  writer->count += count;
}

static void flush(png_structp png) { (void)png; }

static void fail_writing(png_structp png, png_const_charp text) {
  plumb_keep_reason(png_get_error_ptr(png), text);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

int32_t plumb_png_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, int32_t level,
    int32_t is_interlaced, uint8_t **out, size_t *out_count, char reason[200]) {
  struct writer *writer = calloc(1, sizeof *writer);
  if (!writer) return PLUMB_IMAGE_MEMORY;
  png_infop volatile header = NULL;
  volatile int32_t outcome = PLUMB_IMAGE_UNDECODABLE;
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, reason, fail_writing, ignore);
  if (!png) {
    free(writer);
    return PLUMB_IMAGE_MEMORY;
  }
  if (setjmp(png_jmpbuf(png))) goto done;
  header = png_create_info_struct(png);
  if (!header) {
    outcome = PLUMB_IMAGE_MEMORY;
    goto done;
  }
  png_set_write_fn(png, writer, keep, flush);
  png_set_compression_level(png, level);
  int type = channels == 1   ? PNG_COLOR_TYPE_GRAY
             : channels == 3 ? PNG_COLOR_TYPE_RGB
                             : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(
      png, header, (png_uint_32)width, (png_uint_32)height, 8, type,
      is_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
      PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, header);
  int passes = png_set_interlace_handling(png);
  size_t stride = (size_t)width * (size_t)channels;
  for (int pass = 0; pass < passes; pass++)
    for (int32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * stride);
  png_write_end(png, header);
  outcome = PLUMB_IMAGE_OK;

done:;
  png_infop last = header;
  png_destroy_write_struct(&png, last ? &last : NULL);
  if (outcome == PLUMB_IMAGE_OK) {
    *out = writer->bytes;
    *out_count = writer->count;
  } else {
    free(writer->bytes);
  }
  free(writer);
  return outcome;
}
