// What Swift sees of OpenBLAS, and the one question about the CPU that decides which of its kernels
// ought to run. See Sources/Tensors/BLASInfo.swift.
#ifndef PLUMB_COPENBLAS_SHIM_H
#define PLUMB_COPENBLAS_SHIM_H

#include <cblas.h>

// Declared again so that a cblas.h of another BLAS fails here, in words, and not at link time.
extern char *openblas_get_corename(void);
extern char *openblas_get_config(void);
extern void openblas_set_num_threads(int count);
extern int openblas_get_num_threads(void);

/// 2: AVX-512 (with the sub-sets that OpenBLAS's SkylakeX kernels use), 1: AVX2 with FMA, 0: less.
static inline int plumb_vector_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

#endif
