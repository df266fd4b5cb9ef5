// JPEG through libjpeg: baseline, progressive, arithmetic; gray, YCbCr, RGB, CMYK and YCCK. The
// accurate integer DCT and smooth ("fancy") upsampling, so that equal bytes give equal pixels
// wherever libjpeg-turbo decodes them.

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
// After jpeglib.h, which says what of it exists.
#include <jerror.h>

#include "image.h"

// Scans of a progressive file each cost a pass over all coefficients: few bytes, much time.
enum { MOST_SCANS = 200 };

struct failure {
  struct jpeg_error_mgr manager;
  jmp_buf back;
  char *reason;
  int code;
  int warnings;   // harmless ones
  int is_damaged; // entropy-coded data that cannot be right
  int is_short;   // data that ends before the image does
};

static void fail(j_common_ptr common) {
  struct failure *failure = (struct failure *)common->err;
  char text[JMSG_LENGTH_MAX];
  failure->manager.format_message(common, text);
  plumb_keep_reason(failure->reason, text);
  failure->code = failure->manager.msg_code;
  longjmp(failure->back, 1);
}

static void note(j_common_ptr common, int level) {
  struct failure *failure = (struct failure *)common->err;
  if (level >= 0) return;
  switch (failure->manager.msg_code) {
  case JWRN_JPEG_EOF:
  case JWRN_HIT_MARKER:
    failure->is_short = 1;
    break;
  case JWRN_HUFF_BAD_CODE:
  case JWRN_ARITH_BAD_CODE:
  case JWRN_MUST_RESYNC:
  case JWRN_BOGUS_PROGRESSION:
  case JWRN_NOT_SEQUENTIAL:
    failure->is_damaged = 1;
    break;
  default:
    failure->warnings++;
  }
  if (!failure->reason[0]) {
    char text[JMSG_LENGTH_MAX];
    failure->manager.format_message(common, text);
    plumb_keep_reason(failure->reason, text);
  }
}

static void print_nothing(j_common_ptr common) { (void)common; }

static void watch_scans(j_common_ptr common) {
  if (!common->is_decompressor) return;
  if (((j_decompress_ptr)common)->input_scan_number > MOST_SCANS) {
    struct failure *failure = (struct failure *)common->err;
    plumb_keep_reason(failure->reason, "it has more scans than any camera writes");
    failure->code = 0;
    longjmp(failure->back, 1);
  }
}

// A source of our own: jpeg_mem_src counts a missing end as a warning, which is easily missed.
struct source {
  struct jpeg_source_mgr manager;
  int has_ended;
};

static const JOCTET end_of_image[2] = {0xff, JPEG_EOI};

static void open_source(j_decompress_ptr jpeg) { (void)jpeg; }

static boolean more(j_decompress_ptr jpeg) {
  struct source *source = (struct source *)jpeg->src;
  source->has_ended = 1;
  source->manager.next_input_byte = end_of_image;
  source->manager.bytes_in_buffer = 2;
  return TRUE;
}

static void skip(j_decompress_ptr jpeg, long count) {
  struct source *source = (struct source *)jpeg->src;
  if (count <= 0) return;
  if ((size_t)count > source->manager.bytes_in_buffer) {
    more(jpeg);
  } else {
    source->manager.next_input_byte += count;
    source->manager.bytes_in_buffer -= (size_t)count;
  }
}

static void close_source(j_decompress_ptr jpeg) { (void)jpeg; }

static int32_t orientation(j_decompress_ptr jpeg) {
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next) {
    if (marker->marker != JPEG_APP0 + 1 || marker->data_length < 6) continue;
    if (memcmp(marker->data, "Exif\0\0", 6) != 0) continue;
    return plumb_exif_orientation(marker->data + 6, marker->data_length - 6);
  }
  return 1;
}

static int is_unsupported(int code) {
  switch (code) {
  case JERR_BAD_PRECISION:
  case JERR_SOF_UNSUPPORTED:
  case JERR_CONVERSION_NOTIMPL:
  case JERR_CCIR601_NOTIMPL:
  case JERR_FRACT_SAMPLE_NOTIMPL:
  case JERR_NOT_COMPILED:
  case JERR_ARITH_NOTIMPL:
    return 1;
  default:
    return 0;
  }
}

// Samples of CMYK files are inverted by Adobe's convention, which all of them follow in practice.
static void cmyk_to_rgb(uint8_t *row, const uint8_t *samples, int32_t width) {
  for (int32_t x = 0; x < width; x++, samples += 4, row += 3)
    for (int c = 0; c < 3; c++) row[c] = (uint8_t)((samples[c] * samples[3] + 127) / 255);
}

int32_t plumb_jpeg_read(
    const uint8_t *bytes, size_t count, struct plumb_image_limits limits, uint8_t *pixels,
    size_t capacity, struct plumb_image_info *info) {
  struct jpeg_decompress_struct jpeg;
  struct failure failure;
  struct source source;
  struct jpeg_progress_mgr progress;
  uint8_t *volatile samples = NULL;
  volatile int32_t outcome = PLUMB_IMAGE_UNDECODABLE;

  memset(&jpeg, 0, sizeof jpeg);
  memset(&failure, 0, sizeof failure);
  memset(&source, 0, sizeof source);
  memset(&progress, 0, sizeof progress);
  failure.reason = info->reason;
  jpeg.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.emit_message = note;
  failure.manager.output_message = print_nothing;
  if (setjmp(failure.back)) {
    if (source.has_ended)
      outcome = PLUMB_IMAGE_TRUNCATED;
    else if (failure.code == JERR_OUT_OF_MEMORY)
      outcome = PLUMB_IMAGE_MEMORY;
    else if (failure.code == JERR_IMAGE_TOO_BIG)
      outcome = PLUMB_IMAGE_TOO_LARGE;
    else if (is_unsupported(failure.code))
      outcome = PLUMB_IMAGE_UNSUPPORTED;
    goto done;
  }
  jpeg_create_decompress(&jpeg);
  source.manager.init_source = open_source;
  source.manager.fill_input_buffer = more;
  source.manager.skip_input_data = skip;
  source.manager.resync_to_restart = jpeg_resync_to_restart;
  source.manager.term_source = close_source;
  source.manager.next_input_byte = bytes;
  source.manager.bytes_in_buffer = count;
  jpeg.src = &source.manager;
  progress.progress_monitor = watch_scans;
  jpeg.progress = &progress;
  jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&jpeg, TRUE);

  info->width = (int32_t)jpeg.image_width;
  info->height = (int32_t)jpeg.image_height;
  info->bit_depth = jpeg.data_precision;
  info->channels = jpeg.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  info->colour = jpeg.num_components == 1   ? PLUMB_COLOUR_GRAY
                 : jpeg.num_components == 4 ? PLUMB_COLOUR_CMYK
                                            : PLUMB_COLOUR_RGB;
  info->is_layered = jpeg.progressive_mode;
  info->orientation = orientation(&jpeg);
  if (!plumb_is_within(limits, jpeg.image_width, jpeg.image_height)) {
    outcome = PLUMB_IMAGE_TOO_LARGE;
    goto done;
  }
  if (jpeg.num_components != 1 && jpeg.num_components != 3 && jpeg.num_components != 4) {
    plumb_keep_reason(info->reason, "it has a number of colour components other than 1, 3 and 4");
    outcome = PLUMB_IMAGE_UNSUPPORTED;
    goto done;
  }
  if (!pixels) {
    outcome = source.has_ended ? PLUMB_IMAGE_TRUNCATED : PLUMB_IMAGE_OK;
    goto done;
  }
  size_t stride = (size_t)jpeg.image_width * (size_t)info->channels;
  if (capacity != stride * jpeg.image_height) {
    plumb_keep_reason(info->reason, "its size changed between two looks");
    goto done;
  }
  int is_cmyk = jpeg.num_components == 4;
  jpeg.out_color_space = is_cmyk ? JCS_CMYK : info->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&jpeg);
  if (is_cmyk) {
    samples = malloc((size_t)jpeg.image_width * 4);
    if (!samples) {
      outcome = PLUMB_IMAGE_MEMORY;
      goto done;
    }
  }
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = pixels + jpeg.output_scanline * stride;
    JSAMPROW target = is_cmyk ? samples : row;
    if (jpeg_read_scanlines(&jpeg, &target, 1) != 1) break;
    if (is_cmyk) cmyk_to_rgb(row, samples, (int32_t)jpeg.image_width);
  }
  // Reads on to the end marker, so that a file without one is found.
  jpeg_finish_decompress(&jpeg);
  outcome = source.has_ended || failure.is_short ? PLUMB_IMAGE_TRUNCATED
            : failure.is_damaged                 ? PLUMB_IMAGE_UNDECODABLE
                                                 : PLUMB_IMAGE_OK;

done:
  info->warnings = failure.warnings;
  free(samples);
  jpeg_destroy_decompress(&jpeg);
  return outcome;
}

int32_t plumb_jpeg_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
    struct plumb_jpeg_options options, uint8_t **out, size_t *out_count, char reason[200]) {
  struct jpeg_compress_struct jpeg;
  struct failure failure;
  // libjpeg keeps the buffer's address here and replaces it as it grows.
  unsigned char *buffer = NULL;
  unsigned long size = 0;
  volatile int32_t outcome = PLUMB_IMAGE_UNDECODABLE;

  memset(&jpeg, 0, sizeof jpeg);
  memset(&failure, 0, sizeof failure);
  failure.reason = reason;
  jpeg.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.emit_message = note;
  failure.manager.output_message = print_nothing;
  if (setjmp(failure.back)) goto done;
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_width = (JDIMENSION)width;
  jpeg.image_height = (JDIMENSION)height;
  jpeg.input_components = channels;
  jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, options.quality, TRUE);
  jpeg.dct_method = JDCT_ISLOW;
  if (channels == 3) {
    jpeg.comp_info[0].h_samp_factor = options.subsampling >= 1 ? 2 : 1;
    jpeg.comp_info[0].v_samp_factor = options.subsampling >= 2 ? 2 : 1;
  }
  if (channels == 4 && options.is_ycck) jpeg_set_colorspace(&jpeg, JCS_YCCK);
  jpeg.arith_code = options.is_arithmetic != 0;
  if (options.is_progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  size_t stride = (size_t)width * (size_t)channels;
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + jpeg.next_scanline * stride);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  outcome = PLUMB_IMAGE_OK;

done:
  jpeg_destroy_compress(&jpeg);
  if (outcome == PLUMB_IMAGE_OK) {
    *out = buffer;
    *out_count = size;
  }
  // After a failure the library has replaced `buffer` without saying so: freeing it would be wrong.
  return outcome;
}
