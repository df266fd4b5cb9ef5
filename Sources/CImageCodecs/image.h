// Shared by png.c, jpeg.c and format.c.
#ifndef PLUMB_IMAGE_H
#define PLUMB_IMAGE_H

#include "CImageCodecs.h"

int32_t plumb_png_read(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info);
int32_t plumb_jpeg_read(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info);

// The orientation in a TIFF structure (the content of EXIF after "Exif\0\0"); 1 if there is none or
// it is damaged: pixels count, not their metadata.
int32_t plumb_exif_orientation(const uint8_t *tiff, size_t count);

// Whether an image of this size may be decoded.
int32_t plumb_is_within(struct plumb_image_limits limits, int64_t width, int64_t height);

// Keeps a sentence, cut to what fits.
void plumb_keep_reason(char reason[200], const char *text);

#endif
