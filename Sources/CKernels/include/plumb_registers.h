// What the processor that this program is compiled for has.
#ifndef PLUMB_REGISTERS_H
#define PLUMB_REGISTERS_H

// Whether there is AVX-512: 32 registers of 16 numbers. Elsewhere count on 16 of 8, into which the tiles
// of products must fit: what does not goes through memory at every step.
static inline int plumb_compiled_for_avx512(void) {
#if defined(__AVX512F__)
  return 1;
#else
  return 0;
#endif
}

// Whether a product and a sum are one instruction; elsewhere each would be a call.
static inline int plumb_compiled_for_fma(void) {
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

#endif
