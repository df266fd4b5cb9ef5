// Bodies of plumb_cpu.h. `__builtin_cpu_supports` checks XCR0 too.
#include "plumb_cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

bool plumb_cpu_has_haswell(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool plumb_cpu_has_skylakex(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

void plumb_cpu_name(char *buffer, int size) {
  unsigned words[12] = {0};
  if (size <= 0) return;
  buffer[0] = 0;
  if (__get_cpuid_max(0x80000000, 0) < 0x80000004) return;
  for (unsigned leaf = 0; leaf < 3; leaf++)
    __get_cpuid(
        0x80000002 + leaf, &words[4 * leaf], &words[4 * leaf + 1], &words[4 * leaf + 2],
        &words[4 * leaf + 3]);
  char name[49];
  memcpy(name, words, 48);
  name[48] = 0;
  const char *start = name;
  while (*start == ' ') start++;
  int length = (int)strlen(start);
  if (length > size - 1) length = size - 1;
  memcpy(buffer, start, (size_t)length);
  buffer[length] = 0;
}

#else

bool plumb_cpu_has_haswell(void) { return false; }
bool plumb_cpu_has_skylakex(void) { return false; }
void plumb_cpu_name(char *buffer, int size) {
  if (size > 0) buffer[0] = 0;
}

#endif
