// What the bodies of plumb_fixed_point.h share.
#ifndef FIXED_POINT_BODIES_H
#define FIXED_POINT_BODIES_H

#include "plumb_fixed_point.h"

// Biased exponents below it would need a factor beyond single precision: such numbers are almost 0.
enum { LEAST_EXPONENT = 22 };

int plumb_has_byte_products(void);
void plumb_fix_rows_vnni(const float *x, long row_step, long rows, long blocks,
                         plumb_fixed_block *to, long step);
void plumb_fixed_product_vnni(enum plumb_codes codes, const void *panels, long panel_step,
                              long run_step, long panel_count, long blocks,
                              const plumb_fixed_block *x, long step, long rows, float *c,
                              long c_panel_step);

#endif
