// PNG and JPEG bytes ↔ pixels, over libpng and libjpeg(-turbo). Both libraries report errors by
// longjmp; none of it leaves these functions. Callers allocate pixels, after checking sizes.
#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

enum plumb_image_outcome {
  PLUMB_IMAGE_OK = 0,
  PLUMB_IMAGE_TRUNCATED = 1,    // bytes end before the image does
  PLUMB_IMAGE_UNDECODABLE = 2,  // damaged, or no image at all
  PLUMB_IMAGE_UNSUPPORTED = 3,  // whole, but of a kind that is not read
  PLUMB_IMAGE_TOO_LARGE = 4,    // more than the limits allow
  PLUMB_IMAGE_MEMORY = 5,       // allocation failed
};

enum plumb_image_format { PLUMB_FORMAT_NONE = 0, PLUMB_FORMAT_PNG = 1, PLUMB_FORMAT_JPEG = 2 };

enum plumb_image_colour {
  PLUMB_COLOUR_GRAY = 0,
  PLUMB_COLOUR_GRAY_ALPHA = 1,
  PLUMB_COLOUR_RGB = 2,
  PLUMB_COLOUR_RGBA = 3,
  PLUMB_COLOUR_PALETTE = 4,
  PLUMB_COLOUR_CMYK = 5,
};

struct plumb_image_limits {
  int64_t pixels;
  int32_t side;
};

struct plumb_image_info {
  int32_t format;       // plumb_image_format
  int32_t width;        // as stored, before orientation
  int32_t height;
  int32_t channels;     // after decoding: 1 (gray) or 3 (RGB)
  int32_t colour;       // as stored: plumb_image_colour
  int32_t bit_depth;    // of a sample as stored
  int32_t orientation;  // EXIF 1…8; 1 where there is none
  int32_t is_layered;   // progressive JPEG, interlaced PNG
  int32_t warnings;     // of the library, harmless ones only
  char reason[200];     // of a failure, or of the first warning
};

// Which of the two formats the bytes begin like.
int32_t plumb_image_format(const uint8_t *bytes, size_t count);

// Reads the header only. An outcome.
int32_t plumb_image_describe(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits,
    struct plumb_image_info *info);

// Decodes into `pixels`: `height` rows of `width * channels` bytes as plumb_image_describe said; an
// image that turns out to need another number of bytes than `capacity` is refused. What was decoded
// before a failure stays in `pixels`. An outcome.
int32_t plumb_image_decode(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info);

struct plumb_jpeg_options {
  int32_t quality;      // 1…100, libjpeg's scale
  int32_t is_progressive;
  int32_t subsampling;  // chroma: 0 = 4:4:4, 1 = 4:2:2, 2 = 4:2:0
  int32_t is_arithmetic;  // instead of Huffman codes
  int32_t is_ycck;        // for 4 channels: stored as YCCK, as photo editors do
};

// Encoded bytes at *out (release with plumb_image_free), their number at *out_count. Channels 1 or
// 3; 4 is CMYK with inverted samples for JPEG, RGBA for PNG. Equal pixels give equal bytes under one
// version of the libraries. An outcome.
int32_t plumb_png_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, int32_t level,
    int32_t is_interlaced, uint8_t **out, size_t *out_count, char reason[200]);
int32_t plumb_jpeg_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
    struct plumb_jpeg_options options, uint8_t **out, size_t *out_count, char reason[200]);

void plumb_image_free(uint8_t *bytes);

#endif
