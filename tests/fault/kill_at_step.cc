// Preloaded into a writer: kills it before the n-th call by which it changes a folder.
//
//     KILL_FOLDER  the folder, as an absolute path without links
//     KILL_AT      n, counted from 1; 0 never kills
//     KILL_LOG     a file that gets a line with the name of each call that was counted
//
// Calls on other files are passed on uncounted. Threads may call at once: each call has a number.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<int> num_calls{0};

template <typename Function>
Function Next(const char* name, Function) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool IsBelow(const char* path) {
  const char* folder = getenv("KILL_FOLDER");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

bool IsBelow(int file) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = 0;
  return IsBelow(path);
}

void Count(const char* call) {
  int number = ++num_calls;
  if (const char* path = getenv("KILL_LOG")) {
    FILE* log = fopen(path, "a");
    fprintf(log, "%s\n", call);
    fclose(log);
  }
  const char* at = getenv("KILL_AT");
  if (at && number == atoi(at)) raise(SIGKILL);
}

}  // namespace

#define STEP(name, is_below, parameters, ...) \
  extern "C" int name parameters {            \
    static auto next = Next(#name, &name);    \
    if (is_below) Count(#name);               \
    return next(__VA_ARGS__);                 \
  }

STEP(link, IsBelow(to), (const char* from, const char* to) noexcept, from, to)
STEP(rename, IsBelow(to), (const char* from, const char* to) noexcept, from, to)
STEP(unlink, IsBelow(path), (const char* path) noexcept, path)
STEP(remove, IsBelow(path), (const char* path) noexcept, path)
STEP(rmdir, IsBelow(path), (const char* path) noexcept, path)
STEP(mkdir, IsBelow(path), (const char* path, mode_t mode) noexcept, path, mode)
STEP(unlinkat, *path == '/' ? IsBelow(path) : IsBelow(folder),
     (int folder, const char* path, int flags) noexcept, folder, path, flags)
STEP(fsync, IsBelow(file), (int file), file)
STEP(fdatasync, IsBelow(file), (int file), file)

#define OPEN_STEP(name)                                                                           \
  extern "C" int name(const char* path, int flags, ...) {                                         \
    static auto next = reinterpret_cast<int (*)(const char*, int, ...)>(dlsym(RTLD_NEXT, #name)); \
    va_list arguments;                                                                            \
    va_start(arguments, flags);                                                                   \
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;                                \
    va_end(arguments);                                                                            \
    if (flags & O_CREAT && IsBelow(path)) Count("create");                                        \
    return next(path, flags, mode);                                                               \
  }

OPEN_STEP(open)
OPEN_STEP(open64)

#define WRITE_STEP(name, parameters, ...)                      \
  extern "C" ssize_t name parameters {                         \
    static auto next = Next(#name, &name);                     \
    if (file > STDERR_FILENO && IsBelow(file)) Count("write"); \
    return next(__VA_ARGS__);                                  \
  }

WRITE_STEP(write, (int file, const void* data, size_t size), file, data, size)
WRITE_STEP(pwrite, (int file, const void* data, size_t size, off_t at), file, data, size, at)
WRITE_STEP(pwrite64, (int file, const void* data, size_t size, off64_t at), file, data, size, at)
