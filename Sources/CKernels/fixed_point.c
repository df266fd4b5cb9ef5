// The portable bodies, and the choice between them and those of fixed_point_vnni.c. Built without
// contraction: a fused multiply-add stands where it is written and nowhere else.
#include "fixed_point_bodies.h"

#include <math.h>
#include <string.h>

static uint32_t bits(float x) {
  uint32_t word;
  memcpy(&word, &x, 4);
  return word;
}

static float from_bits(uint32_t word) {
  float x;
  memcpy(&x, &word, 4);
  return x;
}

static void fix_block(const float *x, plumb_fixed_block *to) {
  uint32_t greatest = 0;
  for (int i = 0; i < 32; i++) {
    uint32_t magnitude = bits(x[i]) & 0x7FFFFFFF;
    greatest = magnitude > greatest ? magnitude : greatest;
  }
  uint32_t exponent = greatest >> 23;
  if (exponent == 255) {
    memset(to, 0, sizeof *to);
    to->scale = to->sum = NAN;
    return;
  }
  exponent = exponent < LEAST_EXPONENT ? LEAST_EXPONENT : exponent;
  float factor = from_bits((275 - exponent) << 23);
  to->scale = from_bits((exponent - 21) << 23);
  int32_t high[2] = {0, 0}, low[2] = {0, 0};
  for (int i = 0; i < 32; i++) {
    // At most 2^22, where single precision has halves; rounded to even as the processor does.
    int32_t whole = (int32_t)rintf(x[i] * factor);
    int32_t rest = (whole + 128) >> 8;
    int32_t first = (rest + 128) >> 8;
    to->digits[0][i] = (int8_t)first;
    to->digits[1][i] = (int8_t)(rest - first * 256);
    to->digits[2][i] = (int8_t)(whole - rest * 256);
    high[i / 16] += first;
    low[i / 16] += whole - first * 65536;
  }
  int32_t all = (high[0] + high[1]) * 65536 + low[0] + low[1];
  to->sum = to->scale * (float)all;
  to->centre = -8 * all;
  memcpy(to->high, high, sizeof high);
  memcpy(to->low, low, sizeof low);
  to->unused = 0;
}

void plumb_fix_rows_portable(const float *x, long row_step, long rows, long blocks,
                             plumb_fixed_block *to, long step) {
  for (long row = 0; row < rows; row++)
    for (long block = 0; block < blocks; block++)
      fix_block(x + row * row_step + block * 32, to + block * step + row);
}

static float from_half(uint16_t half) {
  // Its exponent moved to that of single precision, 2^112 too small.
  float magnitude = from_bits((uint32_t)(half & 0x7FFF) << 13) * 0x1p112f;
  return half & 0x8000 ? -magnitude : magnitude;
}

// Codes of a run less their zero, [inputs][16].
static void unpack(enum plumb_codes codes, const uint8_t *run, int32_t q[32][16]) {
  if (codes == PLUMB_NIBBLES) {
    for (int i = 0; i < 32; i++)
      for (int lane = 0; lane < 16; lane++) {
        uint8_t byte = run[64 + i / 8 * 64 + lane * 4 + i % 4];
        q[i][lane] = (i % 8 < 4 ? byte & 15 : byte >> 4) - 8;
      }
    return;
  }
  int inputs = codes == PLUMB_BYTES ? 32 : 16, zero = codes == PLUMB_BYTES ? 128 : 32;
  for (int i = 0; i < inputs; i++)
    for (int lane = 0; lane < 16; lane++)
      q[i][lane] = run[64 + i / 4 * 64 + lane * 4 + i % 4] - zero;
}

static void add_nibbles(const int32_t q[32][16], const float *d, const float *m,
                        const plumb_fixed_block *x, float *c) {
  int32_t sums[16] = {0};
  for (int i = 0; i < 32; i++) {
    int32_t whole = x->digits[0][i] * 65536 + x->digits[1][i] * 256 + x->digits[2][i];
    for (int lane = 0; lane < 16; lane++) sums[lane] += whole * q[i][lane];
  }
  for (int lane = 0; lane < 16; lane++) {
    float y = fmaf((float)sums[lane], d[lane] * x->scale, c[lane]);
    c[lane] = fmaf(m[lane], x->sum, y);
  }
}

static void add_bytes(const int32_t q[32][16], const float *d, const plumb_fixed_block *x,
                      int first, int inputs, float *c) {
  int32_t high[16] = {0}, low[16] = {0};
  for (int i = 0; i < inputs; i++) {
    int32_t a = x->digits[0][first + i];
    int32_t b = x->digits[1][first + i] * 256 + x->digits[2][first + i];
    for (int lane = 0; lane < 16; lane++) {
      high[lane] += a * q[i][lane];
      low[lane] += b * q[i][lane];
    }
  }
  for (int lane = 0; lane < 16; lane++) {
    float sum = fmaf((float)high[lane], 65536, (float)low[lane]);
    c[lane] = fmaf(sum, d[lane] * x->scale, c[lane]);
  }
}

void plumb_fixed_product_portable(enum plumb_codes codes, const void *panels, long panel_step,
                                  long run_step, long panel_count, long blocks,
                                  const plumb_fixed_block *x, long step, long rows, float *c,
                                  long c_panel_step) {
  int inputs = codes == PLUMB_SHORT_BYTES ? 16 : 32, parts = 32 / inputs;
  int32_t q[32][16];
  float d[16], m[16];
  for (long run = 0; run < blocks * parts; run++)
    for (long panel = 0; panel < panel_count; panel++) {
      const uint8_t *source = (const uint8_t *)panels + panel * panel_step + run * run_step;
      unpack(codes, source, q);
      if (codes == PLUMB_NIBBLES) {
        uint16_t halves[32];
        memcpy(halves, source, 64);
        for (int lane = 0; lane < 16; lane++) {
          d[lane] = from_half(halves[lane]);
          m[lane] = fmaf(8, d[lane], from_half(halves[16 + lane]));
        }
      } else {
        memcpy(d, source, 64);
      }
      for (long row = 0; row < rows; row++) {
        const plumb_fixed_block *block = x + run / parts * step + row;
        float *target = c + panel * c_panel_step + row * 16;
        if (codes == PLUMB_NIBBLES)
          add_nibbles(q, d, m, block, target);
        else
          add_bytes(q, d, block, (int)(run % parts) * inputs, inputs, target);
      }
    }
}

void plumb_fix_rows(const float *x, long row_step, long rows, long blocks, plumb_fixed_block *to,
                    long step) {
  if (plumb_has_byte_products())
    plumb_fix_rows_vnni(x, row_step, rows, blocks, to, step);
  else
    plumb_fix_rows_portable(x, row_step, rows, blocks, to, step);
}

void plumb_fixed_product(enum plumb_codes codes, const void *panels, long panel_step, long run_step,
                         long panel_count, long blocks, const plumb_fixed_block *x, long step,
                         long rows, float *c, long c_panel_step) {
  if (plumb_has_byte_products())
    plumb_fixed_product_vnni(codes, panels, panel_step, run_step, panel_count, blocks, x, step,
                             rows, c, c_panel_step);
  else
    plumb_fixed_product_portable(codes, panels, panel_step, run_step, panel_count, blocks, x, step,
                                 rows, c, c_panel_step);
}
