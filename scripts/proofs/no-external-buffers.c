/*
 * Stands in for Electron, whose V8 refuses memory from outside of its own: with this library preloaded, the two functions of Node-API that
 * make buffers over such memory answer napi_no_external_buffers_allowed (22), as they do there. An addon finds them by dlsym.
 * What was asked for and what was called is written to the file that SHIM_LOG names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define BASE_VERSION "GLIBC_2.2.5"
#else
#define BASE_VERSION "GLIBC_2.17"
#endif

static void note(const char *what, const char *name) {
  const char *path = getenv("SHIM_LOG");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  fprintf(file, "%s %s\n", what, name);
  fclose(file);
}

static int refuse_buffer(void *env, size_t length, void *data, void *finalize, void *hint, void **result) {
  note("called", "napi_create_external_buffer");
  return 22;
}

static int refuse_arraybuffer(void *env, void *data, size_t length, void *finalize, void *hint, void **result) {
  note("called", "napi_create_external_arraybuffer");
  return 22;
}

void *dlsym(void *handle, const char *name) {
  static void *(*real)(void *, const char *);
  if (!real) real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", BASE_VERSION);
  if (strcmp(name, "napi_create_external_buffer") == 0) {
    note("found", name);
    return (void *)refuse_buffer;
  }
  if (strcmp(name, "napi_create_external_arraybuffer") == 0) {
    note("found", name);
    return (void *)refuse_arraybuffer;
  }
  return real(handle, name);
}
