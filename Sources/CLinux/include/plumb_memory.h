// glibc's allocator. Used by stages that hold one picture after another.
#pragma once

/// Blocks of at least so many bytes are mapped by themselves, and given back when they are freed
/// (`mallopt` with M_MMAP_THRESHOLD); glibc raises the bound by itself otherwise. 1, or 0.
int plumb_map_blocks_from(int bytes);
