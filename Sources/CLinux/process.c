// Bodies of plumb_process.h.
#define _GNU_SOURCE
#include "plumb_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int start(
    const char *path, char *const argv[], char *const envp[],
    const struct plumb_descriptor *descriptors, int count, const char *folder, bool own_group,
    pid_t *pid) {
  enum { limit = 16 };
  if (count > limit) return EINVAL;
  int highest = 2;
  for (int i = 0; i < count; i++)
    if (descriptors[i].target > highest) highest = descriptors[i].target;

  // Sources are lifted above all targets first: one dup2 must not overwrite the source of another.
  int lifted[limit];
  int made = 0;
  int error = 0;
  for (; made < count && !error; made++) {
    lifted[made] = fcntl(descriptors[made].source, F_DUPFD_CLOEXEC, highest + 1);
    if (lifted[made] < 0) {
      error = errno;
      break;
    }
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int i = 0; i < made && !error; i++)
    error = posix_spawn_file_actions_adddup2(&actions, lifted[i], descriptors[i].target);
  if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, highest + 1);

  if (!error && folder) error = posix_spawn_file_actions_addchdir_np(&actions, folder);

  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
  if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (!error && own_group) error = posix_spawnattr_setpgroup(&attributes, 0);
  if (!error)
    error = posix_spawnattr_setflags(
        &attributes,
        (own_group ? POSIX_SPAWN_SETPGROUP : 0) | POSIX_SPAWN_SETSIGDEF
            | POSIX_SPAWN_SETSIGMASK);
  if (!error) error = posix_spawn(pid, path, &actions, &attributes, argv, envp);

  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  for (int i = 0; i < made; i++) close(lifted[i]);
  return error;
}

int plumb_spawn(
    const char *path, char *const argv[], char *const envp[],
    const struct plumb_descriptor *descriptors, int count, pid_t *pid) {
  return start(path, argv, envp, descriptors, count, NULL, true, pid);
}

int plumb_spawn_in(
    const char *folder, const char *path, char *const argv[], char *const envp[],
    const struct plumb_descriptor *descriptors, int count, pid_t *pid) {
  return start(path, argv, envp, descriptors, count, folder, false, pid);
}

int plumb_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int plumb_watch_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int change_watch(int epoll, int operation, int descriptor, uint64_t token) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = token};
  return epoll_ctl(epoll, operation, descriptor, &event);
}

int plumb_watch_add(int epoll, int descriptor, uint64_t token) {
  return change_watch(epoll, EPOLL_CTL_ADD, descriptor, token);
}

int plumb_watch_arm(int epoll, int descriptor, uint64_t token) {
  return change_watch(epoll, EPOLL_CTL_MOD, descriptor, token);
}

int plumb_watch_remove(int epoll, int descriptor) {
  return change_watch(epoll, EPOLL_CTL_DEL, descriptor, 0);
}

int plumb_watch_wait(int epoll, uint64_t *tokens, int capacity) {
  struct epoll_event events[64];
  int count;
  do {
    count = epoll_wait(epoll, events, capacity < 64 ? capacity : 64, -1);
  } while (count < 0 && errno == EINTR);
  for (int i = 0; i < count; i++) tokens[i] = events[i].data.u64;
  return count;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + time.tv_usec * 1e-6; }

bool plumb_has_ended(pid_t pid) {
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return errno == ECHILD;
  return info.si_pid == pid;
}

int plumb_collect(pid_t pid, struct plumb_ending *ending) {
  int status = 0;
  struct rusage usage;
  *ending = (struct plumb_ending){.exit_status = -1};
  pid_t answer;
  do {
    answer = wait4(pid, &status, WNOHANG, &usage);
  } while (answer < 0 && errno == EINTR);
  if (answer < 0) return errno;
  if (answer == 0) return 0;
  ending->ended = true;
  if (WIFEXITED(status)) ending->exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) {
    ending->signal = WTERMSIG(status);
    ending->dumped_core = WCOREDUMP(status);
  }
  ending->cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  ending->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
  return 0;
}

int plumb_pipe(int *read_end, int *write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  *read_end = ends[0];
  *write_end = ends[1];
  return 0;
}

int plumb_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return errno;
  return fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : errno;
}

int plumb_close_on_exec(int descriptor) {
  int flags = fcntl(descriptor, F_GETFD);
  if (flags < 0) return errno;
  return fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) == 0 ? 0 : errno;
}

int plumb_open_log(const char *path) {
  return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

void plumb_line_buffer_output(void) { setvbuf(stdout, NULL, _IOLBF, 0); }
