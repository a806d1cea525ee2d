#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void do_open(char *rest) {
  int flags = (int)next_number(&rest);
  begin_call();
  errno = 0;
  int result = open(rest, flags | O_CLOEXEC, 0600);
  answer_call(result, errno, NULL, 0);
}

void do_close(char *rest) {
  int descriptor = (int)next_number(&rest);
  begin_call();
  errno = 0;
  int result = close(descriptor);
  answer_call(result, errno, NULL, 0);
}

// ioctl DESCRIPTOR REQUEST BYTES: the argument points to the bytes. The answer has the bytes after the call.
void do_ioctl(char *rest, unsigned char *data) {
  int descriptor = (int)next_number(&rest);
  unsigned long request = next_number(&rest);
  size_t length = next_bytes(&rest, data);
  begin_call();
  errno = 0;
  int result = ioctl(descriptor, request, data);
  answer_call(result, errno, data, length);
}

// ioctl-value DESCRIPTOR REQUEST VALUE: the argument is a number.
void do_ioctl_value(char *rest) {
  int descriptor = (int)next_number(&rest);
  unsigned long request = next_number(&rest);
  unsigned long value = next_number(&rest);
  begin_call();
  errno = 0;
  int result = ioctl(descriptor, request, value);
  answer_call(result, errno, NULL, 0);
}

void do_pread(char *rest, unsigned char *data) {
  int descriptor = (int)next_number(&rest);
  unsigned long offset = next_number(&rest);
  size_t length = next_number(&rest);
  begin_call();
  errno = 0;
  ssize_t result = pread(descriptor, data, length < DATA_BYTES ? length : DATA_BYTES, (off_t)offset);
  answer_call(result, errno, result < 0 ? NULL : data, result < 0 ? 0 : (size_t)result);
}

void do_pwrite(char *rest, unsigned char *data) {
  int descriptor = (int)next_number(&rest);
  unsigned long offset = next_number(&rest);
  size_t length = next_bytes(&rest, data);
  begin_call();
  errno = 0;
  ssize_t result = pwrite(descriptor, data, length, (off_t)offset);
  answer_call(result, errno, NULL, 0);
}

void do_read_file(char *path, unsigned char *data) {
  begin_call();
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    answer_call(-1, errno, NULL, 0);
    return;
  }
  size_t length = 0;
  ssize_t result;
  while ((result = read(descriptor, data + length, DATA_BYTES - length)) > 0) length += (size_t)result;
  int error = errno;
  close(descriptor);
  answer_call(result < 0 ? -1 : (long)length, error, result < 0 ? NULL : data, length);
}

// write-file PATH BYTES
void do_write_file(char *rest, unsigned char *data) {
  const char *path = next_word(&rest);
  size_t length = next_bytes(&rest, data);
  begin_call();
  int descriptor = open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) {
    answer_call(-1, errno, NULL, 0);
    return;
  }
  ssize_t result = write(descriptor, data, length);
  int error = errno;
  close(descriptor);
  answer_call(result, error, NULL, 0);
}

void do_readlink(char *path, unsigned char *data) {
  begin_call();
  errno = 0;
  ssize_t result = readlink(path, (char *)data, DATA_BYTES);
  answer_call(result, errno, result < 0 ? NULL : data, result < 0 ? 0 : (size_t)result);
}

int load_module(const char *path) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  int result = (int)syscall(SYS_finit_module, descriptor, "", 0);
  int error = errno;
  close(descriptor);
  errno = error;
  return result;
}

void do_load_module(char *path) {
  begin_call();
  errno = 0;
  int result = load_module(path);
  answer_call(result, errno, NULL, 0);
}
