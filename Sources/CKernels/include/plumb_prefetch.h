// What Swift has no word for.
#ifndef PLUMB_PREFETCH_H
#define PLUMB_PREFETCH_H

// Asks for a line of memory in the second-level cache. Any address will do.
static inline void plumb_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

#endif
