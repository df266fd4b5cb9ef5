// The bodies for AVX-512 with VNNI: VPDPBUSD adds four products of bytes to each of 16 sums. Chosen when
// the program runs, whatever CPU it was built for.
#include "fixed_point_bodies.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,fma")))
#define INLINE VNNI static inline __attribute__((always_inline))

int plumb_has_byte_products(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}

INLINE __m128i cut(__m512i x) { return _mm512_cvtepi32_epi8(x); }

INLINE void fix_half(__m512 x, __m512 factor, int half, plumb_fixed_block *to) {
  __m512i round = _mm512_set1_epi32(128);
  __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(x, factor));
  __m512i rest = _mm512_srai_epi32(_mm512_add_epi32(whole, round), 8);
  __m512i first = _mm512_srai_epi32(_mm512_add_epi32(rest, round), 8);
  _mm_storeu_si128((void *)(to->digits[0] + half * 16), cut(first));
  _mm_storeu_si128((void *)(to->digits[1] + half * 16), cut(rest));
  _mm_storeu_si128((void *)(to->digits[2] + half * 16), cut(whole));
  to->high[half] = _mm512_reduce_add_epi32(first);
  to->low[half] =
      _mm512_reduce_add_epi32(_mm512_sub_epi32(whole, _mm512_slli_epi32(first, 16)));
}

VNNI void plumb_fix_rows_vnni(const float *x, long row_step, long rows, long blocks,
                              plumb_fixed_block *to, long step) {
  for (long row = 0; row < rows; row++)
    for (long block = 0; block < blocks; block++) {
      const float *source = x + row * row_step + block * 32;
      plumb_fixed_block *target = to + block * step + row;
      __m512 a = _mm512_loadu_ps(source), b = _mm512_loadu_ps(source + 16);
      __m512i magnitudes = _mm512_max_epu32(_mm512_castps_si512(_mm512_abs_ps(a)),
                                            _mm512_castps_si512(_mm512_abs_ps(b)));
      uint32_t exponent = _mm512_reduce_max_epu32(magnitudes) >> 23;
      if (exponent == 255) {
        memset(target, 0, sizeof *target);
        target->scale = target->sum = NAN;
        continue;
      }
      exponent = exponent < LEAST_EXPONENT ? LEAST_EXPONENT : exponent;
      __m512 factor = _mm512_castsi512_ps(_mm512_set1_epi32((int)((275 - exponent) << 23)));
      uint32_t scale = (exponent - 21) << 23;
      memcpy(&target->scale, &scale, 4);
      fix_half(a, factor, 0, target);
      fix_half(b, factor, 1, target);
      int32_t all =
          (target->high[0] + target->high[1]) * 65536 + target->low[0] + target->low[1];
      target->sum = target->scale * (float)all;
      target->centre = -8 * all;
      target->unused = 0;
    }
}

// Four inputs of a row for all outputs.
INLINE __m512i four(const plumb_fixed_block *x, int digit, int place) {
  int32_t word;
  memcpy(&word, x->digits[digit] + 4 * place, 4);
  return _mm512_set1_epi32(word);
}

// Some rows against 32 inputs of 16 outputs in 4 bits.
INLINE void nibble_rows(const __m512i w[8], __m512 d, __m512 m, const plumb_fixed_block *x,
                        float *c, int rows) {
  __m512i sums[8];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sums[r] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
  for (int digit = 0; digit < 3; digit++) {
    if (digit > 0) {
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) sums[r] = _mm512_slli_epi32(sums[r], 8);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++)
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++)
        sums[r] = _mm512_dpbusd_epi32(sums[r], w[i], four(x + r, digit, i));
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    __m512i centred = _mm512_add_epi32(sums[r], _mm512_set1_epi32(x[r].centre));
    __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(x[r].scale));
    __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(centred), scale, _mm512_loadu_ps(c + 16 * r));
    _mm512_storeu_ps(c + 16 * r, _mm512_fmadd_ps(m, _mm512_set1_ps(x[r].sum), y));
  }
}

INLINE void nibbles(const uint8_t *run, const plumb_fixed_block *x, long rows, float *c) {
  __m512i w[8], mask = _mm512_set1_epi8(15);
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    __m512i both = _mm512_loadu_si512(run + 64 + 64 * i);
    w[2 * i] = _mm512_and_si512(both, mask);
    w[2 * i + 1] = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
  }
  __m512 d = _mm512_cvtph_ps(_mm256_loadu_si256((const void *)run));
  __m512 m = _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(run + 32)));
  m = _mm512_fmadd_ps(_mm512_set1_ps(8), d, m);
  long row = 0;
  for (; row + 8 <= rows; row += 8) nibble_rows(w, d, m, x + row, c + 16 * row, 8);
  for (; row + 4 <= rows; row += 4) nibble_rows(w, d, m, x + row, c + 16 * row, 4);
  for (; row + 2 <= rows; row += 2) nibble_rows(w, d, m, x + row, c + 16 * row, 2);
  if (row < rows) nibble_rows(w, d, m, x + row, c + 16 * row, 1);
}

// Some rows against 4·words inputs of 16 outputs in bytes; `zero` is the code of 0.
INLINE void byte_rows(const uint8_t *run, __m512 d, const plumb_fixed_block *x, float *c,
                      int rows, int words, int first, int zero) {
  __m512i high[4], middle[4], low[4];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) high[r] = middle[r] = low[r] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
  for (int i = 0; i < words; i++) {
    __m512i w = _mm512_loadu_si512(run + 64 + 64 * i);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      high[r] = _mm512_dpbusd_epi32(high[r], w, four(x + r, 0, first + i));
      middle[r] = _mm512_dpbusd_epi32(middle[r], w, four(x + r, 1, first + i));
      low[r] = _mm512_dpbusd_epi32(low[r], w, four(x + r, 2, first + i));
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    int a = words == 8 ? x[r].high[0] + x[r].high[1] : x[r].high[first / 4];
    int b = words == 8 ? x[r].low[0] + x[r].low[1] : x[r].low[first / 4];
    __m512i upper = _mm512_sub_epi32(high[r], _mm512_set1_epi32(zero * a));
    __m512i lower = _mm512_sub_epi32(
        _mm512_add_epi32(_mm512_slli_epi32(middle[r], 8), low[r]), _mm512_set1_epi32(zero * b));
    __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(upper), _mm512_set1_ps(65536),
                                 _mm512_cvtepi32_ps(lower));
    __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(x[r].scale));
    _mm512_storeu_ps(c + 16 * r, _mm512_fmadd_ps(sum, scale, _mm512_loadu_ps(c + 16 * r)));
  }
}

INLINE void bytes(const uint8_t *run, const plumb_fixed_block *x, long rows, float *c, int words,
                  int first, int zero) {
  __m512 d = _mm512_loadu_ps((const void *)run);
  long row = 0;
  for (; row + 4 <= rows; row += 4)
    byte_rows(run, d, x + row, c + 16 * row, 4, words, first, zero);
  for (; row < rows; row++) byte_rows(run, d, x + row, c + 16 * row, 1, words, first, zero);
}

// Lines ahead that are asked for while a run is computed: one row waits for memory alone.
enum { AHEAD = 2048 };

VNNI void plumb_fixed_product_vnni(enum plumb_codes codes, const void *panels, long panel_step,
                                   long run_step, long panel_count, long blocks,
                                   const plumb_fixed_block *x, long step, long rows, float *c,
                                   long c_panel_step) {
  const uint8_t *start = panels;
  for (long block = 0; block < blocks; block++, x += step)
    for (long panel = 0; panel < panel_count; panel++) {
      float *target = c + panel * c_panel_step;
      const uint8_t *run = start + panel * panel_step;
      if (codes == PLUMB_NIBBLES) {
        run += block * run_step;
        if (rows <= 4)
          for (int i = 0; i < 5; i++) _mm_prefetch((const char *)run + AHEAD + 64 * i, _MM_HINT_T0);
        nibbles(run, x, rows, target);
      } else if (codes == PLUMB_BYTES) {
        run += block * run_step;
        if (rows <= 4)
          for (int i = 0; i < 9; i++) _mm_prefetch((const char *)run + AHEAD + 64 * i, _MM_HINT_T0);
        bytes(run, x, rows, target, 8, 0, 128);
      } else {
        run += 2 * block * run_step;
        bytes(run, x, rows, target, 4, 0, 32);
        bytes(run + run_step, x, rows, target, 4, 4, 32);
      }
    }
}

#else

int plumb_has_byte_products(void) { return 0; }

void plumb_fix_rows_vnni(const float *x, long row_step, long rows, long blocks,
                         plumb_fixed_block *to, long step) {
  plumb_fix_rows_portable(x, row_step, rows, blocks, to, step);
}

void plumb_fixed_product_vnni(enum plumb_codes codes, const void *panels, long panel_step,
                              long run_step, long panel_count, long blocks,
                              const plumb_fixed_block *x, long step, long rows, float *c,
                              long c_panel_step) {
  plumb_fixed_product_portable(codes, panels, panel_step, run_step, panel_count, blocks, x, step,
                               rows, c, c_panel_step);
}

#endif
