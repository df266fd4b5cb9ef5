// See include/plumb_files.h.
#define _GNU_SOURCE
#include "plumb_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int plumb_rename_noreplace(const char *old_path, const char *new_path) {
  return renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, RENAME_NOREPLACE);
}

int plumb_sync_filesystem(int fd) { return syncfs(fd); }

int plumb_clone(int to, int from) { return ioctl(to, FICLONE, from); }
