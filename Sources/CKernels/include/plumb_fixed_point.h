// Products of activations in 23-bit fixed point with weights of few bits. Sums of a block are exact
// integers, so their bits depend neither on the instructions used nor on how work is cut.
#ifndef PLUMB_FIXED_POINT_H
#define PLUMB_FIXED_POINT_H

#include <stdint.h>

// 32 activations x of one row as x = scale·X, X = 65536·digits[0] + 256·digits[1] + digits[2].
// |X| <= 2^22, digits in -128…127; the scale is a power of two, or NaN where an x is not finite.
typedef struct {
  int8_t digits[3][32];
  float scale;
  // scale·ΣX
  float sum;
  // -8·ΣX: codes of 4 bits are centred with it.
  int32_t centre;
  // Of each half of the block: Σ of the first digits, and of 256 times the second plus the third.
  int32_t high[2];
  int32_t low[2];
  int32_t unused;
} plumb_fixed_block;

// How 16 outputs × 32 (short: 16) inputs of a panel are stored. A word holds four neighbouring inputs
// of one output, the first in its low byte.
enum plumb_codes {
  // 16 d and 16 m in half precision, 4 × 16 words: low halves of the bytes are inputs 8i…8i + 3, high
  // halves 8i + 4…8i + 7. Weights d·q + m.
  PLUMB_NIBBLES = 0,
  // 16 d in single precision, 8 × 16 words. Weights d·(q - 128).
  PLUMB_BYTES = 1,
  // The same with 4 × 16 words. Weights d·(q - 32).
  PLUMB_SHORT_BYTES = 2,
};

// Converts rows of 32·blocks numbers; block b of row r goes to to[b·step + r].
void plumb_fix_rows(const float *x, long row_step, long rows, long blocks, plumb_fixed_block *to,
                    long step);

// c[p·c_panel_step + 16·r + lane] += Σ x·w for some panels and rows.
//
// panels: first run of the first panel; the next panel's lies `panel_step` bytes behind, the next run's
//   `run_step` bytes.
// blocks: of 32 inputs.
// x: block b of row r is x[b·step + r].
void plumb_fixed_product(enum plumb_codes codes, const void *panels, long panel_step, long run_step,
                         long panel_count, long blocks, const plumb_fixed_block *x, long step,
                         long rows, float *c, long c_panel_step);

// The same two without special instructions: other machines' bodies, and what tests compare with.
void plumb_fix_rows_portable(const float *x, long row_step, long rows, long blocks,
                             plumb_fixed_block *to, long step);
void plumb_fixed_product_portable(enum plumb_codes codes, const void *panels, long panel_step,
                                  long run_step, long panel_count, long blocks,
                                  const plumb_fixed_block *x, long step, long rows, float *c,
                                  long c_panel_step);

#endif
