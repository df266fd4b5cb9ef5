// Calls on files that Swift's Glibc module does not show. Used by ArtifactStore.
#pragma once

/// Renames unless the new name exists (`renameat2` with RENAME_NOREPLACE). 0, or -1 with errno.
int plumb_rename_noreplace(const char *old_path, const char *new_path);

/// Writes everything of the file system that holds `fd` to the disk (`syncfs`). 0, or -1 with errno.
int plumb_sync_filesystem(int fd);

/// Makes `to` share the content of `from` (`FICLONE`). 0, or -1 with errno.
int plumb_clone(int to, int from);
