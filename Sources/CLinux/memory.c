#include "plumb_memory.h"

#include <malloc.h>

int plumb_map_blocks_from(int bytes) { return mallopt(M_MMAP_THRESHOLD, bytes); }
