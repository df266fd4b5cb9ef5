// Starting, watching and ending worker processes: what Swift's Glibc module cannot express
// (variadic calls, macros, fields of unions) or would make racy. Bodies in process.c.
#ifndef PLUMB_PROCESS_H
#define PLUMB_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// A descriptor of the parent that the child shall see under a given number.
struct plumb_descriptor {
  int source;
  int target;
};

// Starts a program in a new process group whose id is the child's pid, with default signal
// dispositions, no blocked signals, and no descriptor above the highest target.
// Returns 0 and the pid, else an errno value.
int plumb_spawn(
    const char *path, char *const argv[], char *const envp[],
    const struct plumb_descriptor *descriptors, int count, pid_t *pid);

// The same in the caller's process group, so that who ends the group ends it too, and with another
// working folder, from which a relative path starts.
int plumb_spawn_in(
    const char *folder, const char *path, char *const argv[], char *const envp[],
    const struct plumb_descriptor *descriptors, int count, pid_t *pid);

// A descriptor that becomes readable when the process ends; -1 and errno on failure.
int plumb_pidfd_open(pid_t pid);

// Readiness of descriptors (epoll). Each descriptor is reported once under its token, until it is
// armed again. All but the first return 0 (the wait: how many), or -1 with errno.
int plumb_watch_open(void);
int plumb_watch_add(int watch, int descriptor, uint64_t token);
int plumb_watch_arm(int watch, int descriptor, uint64_t token);
int plumb_watch_remove(int watch, int descriptor);
int plumb_watch_wait(int watch, uint64_t *tokens, int capacity);

// How a child ended.
struct plumb_ending {
  bool ended;         // false: it still runs
  int exit_status;    // of a normal exit, else -1
  int signal;         // that killed it, else 0
  bool dumped_core;
  double cpu_seconds; // user + system, with its own reaped children
  int64_t peak_bytes; // largest resident set (may include the parent's at the time of the start)
};

// Whether a child has ended and can be collected; it stays as it is, and so does its group.
bool plumb_has_ended(pid_t pid);

// Collects a child without waiting. Returns 0, or an errno value.
int plumb_collect(pid_t pid, struct plumb_ending *ending);

// A pipe whose ends are closed in children. Returns 0, or an errno value.
int plumb_pipe(int *read_end, int *write_end);
int plumb_set_nonblocking(int descriptor);
int plumb_close_on_exec(int descriptor);

// Opens for appending, made if absent, closed in children; -1 and errno on failure.
int plumb_open_log(const char *path);

// Lines of standard output reach the log as they end, also when the process crashes.
void plumb_line_buffer_output(void);

#endif
