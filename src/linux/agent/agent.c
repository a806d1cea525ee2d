// The agent is the first process of a Linux kernel that barproof boots in QEMU. barproof sends it one line for each
// system call over a virtio console. The agent makes the calls in order and answers each with one line.
//
// A line is a command and its words, separated by single spaces. Bytes are hex digits; `-` stands for no bytes.
// An answer is one of
//   ok RETURN [BYTES]      the system call returned RETURN (decimal)
//   error ERRNO [BYTES]    the system call failed with ERRNO (decimal)
//   trap SIGNAL            this signal ended a load, a store or a copy
//   late                   the call took longer than the limit and may still run
//   bad                    there is no such command
// barproof may send lines without waiting for answers. The agent sends its answers together when it has no complete
// line left, so a thousand calls take one round trip.
//
// This file is the way of a line: from the port to the function of its command. The functions are in
// `file-commands.c`, `memory-commands.c` and `program-commands.c`.
#include "agent.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

enum { TRAP_STACK_BYTES = 1 << 16 };

// limit MILLISECONDS: the longest time that a later call may take.
static void do_limit(char *rest) {
  set_limit((long)next_number(&rest));
  answer(NULL, 0, "ok 0");
}

static void carry_out(char *line, unsigned char *data) {
  char *rest = line;
  const char *command = next_word(&rest);
  if (!strcmp(command, "open")) do_open(rest);
  else if (!strcmp(command, "close")) do_close(rest);
  else if (!strcmp(command, "ioctl")) do_ioctl(rest, data);
  else if (!strcmp(command, "ioctl-value")) do_ioctl_value(rest);
  else if (!strcmp(command, "mmap")) do_mmap(rest);
  else if (!strcmp(command, "munmap")) do_munmap(rest);
  else if (!strcmp(command, "load")) do_access(rest, 0);
  else if (!strcmp(command, "store")) do_access(rest, 1);
  else if (!strcmp(command, "peek")) do_copy(rest, 0, data);
  else if (!strcmp(command, "poke")) do_copy(rest, 1, data);
  else if (!strcmp(command, "pread")) do_pread(rest, data);
  else if (!strcmp(command, "pwrite")) do_pwrite(rest, data);
  else if (!strcmp(command, "read-file")) do_read_file(rest, data);
  else if (!strcmp(command, "write-file")) do_write_file(rest, data);
  else if (!strcmp(command, "readlink")) do_readlink(rest, data);
  else if (!strcmp(command, "load-module")) do_load_module(rest);
  else if (!strcmp(command, "spawn")) do_spawn(rest);
  else if (!strcmp(command, "ended")) do_ended(rest);
  else if (!strcmp(command, "end-case")) do_end_case();
  else if (!strcmp(command, "limit")) do_limit(rest);
  else answer(NULL, 0, "bad");
}

static void *make_calls(void *given_turn) {
  take_turn((unsigned)(uintptr_t)given_turn);
  stack_t stack = {.ss_sp = malloc(TRAP_STACK_BYTES), .ss_size = TRAP_STACK_BYTES};
  unsigned char *data = malloc(DATA_BYTES);
  if (stack.ss_sp == NULL || data == NULL || sigaltstack(&stack, NULL) != 0) _exit(1);
  for (;;) carry_out(next_line(), data);
  return NULL;
}

static void start_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, make_calls, (void *)(uintptr_t)current_turn()) != 0) _exit(1);
  pthread_detach(thread);
}

// A thread that sleeps in the kernel cannot be ended. So this thread answers `late` in its place, and starts another
// thread for the later lines.
static void watch(void) {
  for (;;) {
    usleep(50000);
    if (answer_late_call()) start_thread();
  }
}

int main(void) {
  make_file_systems();
  load_modules();
  catch_traps();
  port = open_port();
  if (port < 0) {
    printf("agent: there is no virtio port\n");
    sleep(1);
    reboot(RB_POWER_OFF);
  }
  printf("agent: ready\n");
  char ready[64];
  snprintf(ready, sizeof ready, "ready %ld", sysconf(_SC_PAGESIZE));
  greet(ready);
  start_thread();
  watch();
}
