// What the processor offers, from CPUID, with the operating system's consent (XCR0) checked.
#ifndef PLUMB_CPU_H
#define PLUMB_CPU_H

#include <stdbool.h>

// AVX2 and FMA: OpenBLAS' Haswell kernels run.
bool plumb_cpu_has_haswell(void);
// AVX-512 F, DQ, BW and VL: OpenBLAS' SkylakeX kernels run.
bool plumb_cpu_has_skylakex(void);
// The processor's name ("Intel(R) Xeon(R) …"), or an empty text.
void plumb_cpu_name(char *buffer, int size);

#endif
