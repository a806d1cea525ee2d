#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PORT_ATTEMPTS = 3000 };

void make_file_systems(void) {
  static const char *const folders[] = {"/proc", "/sys", "/dev", "/tmp"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) mkdir(folders[i], 0755);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  mount("tmp", "/tmp", "tmpfs", 0, NULL);
  int console = open("/dev/console", O_RDWR);
  for (int i = 0; console >= 0 && i < 3; i++) dup2(console, i);
}

void load_modules(void) {
  FILE *order = fopen("/modules/order", "r");
  char name[200], path[256];
  while (order != NULL && fscanf(order, "%199s", name) == 1) {
    snprintf(path, sizeof path, "/modules/%s", name);
    if (load_module(path) != 0) printf("agent: module %s: %s\n", name, strerror(errno));
  }
  if (order != NULL) fclose(order);
}

int open_port(void) {
  for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    for (int device = 0; device < 4; device++) {
      char path[32];
      snprintf(path, sizeof path, "/dev/vport%dp1", device);
      int descriptor = open(path, O_RDWR | O_CLOEXEC);
      if (descriptor >= 0) return descriptor;
    }
    usleep(10000);
  }
  return -1;
}
