#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_MAPPINGS = 4096 };

struct mapping {
  uintptr_t start;
  size_t length;
};

static struct mapping mappings[MOST_MAPPINGS];
static size_t mapping_count;

static __thread sigjmp_buf trap_return;
static __thread volatile sig_atomic_t trap_expected;

static void on_trap(int signal, siginfo_t *info, void *context) {
  (void)info;
  (void)context;
  if (trap_expected) siglongjmp(trap_return, signal);
  _exit(128 + signal);
}

void catch_traps(void) {
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  sigaction(SIGBUS, &action, NULL);
  sigaction(SIGSEGV, &action, NULL);
}

static void remember_mapping(uintptr_t start, size_t length) {
  if (mapping_count < MOST_MAPPINGS) mappings[mapping_count++] = (struct mapping){start, length};
}

static void forget_mapping(uintptr_t start, size_t length) {
  for (size_t i = 0; i < mapping_count; i++) {
    if (mappings[i].start == start && mappings[i].length == length) {
      mappings[i] = mappings[--mapping_count];
      return;
    }
  }
}

// mmap ADDRESS LENGTH PROT FLAGS DESCRIPTOR OFFSET
void do_mmap(char *rest) {
  uintptr_t address = next_number(&rest);
  size_t length = next_number(&rest);
  int protection = (int)next_number(&rest);
  int flags = (int)next_number(&rest);
  int descriptor = (int)strtol(next_word(&rest), NULL, 0);
  unsigned long offset = next_number(&rest);
  begin_call();
  errno = 0;
  void *result = mmap((void *)address, length, protection, flags, descriptor, (off_t)offset);
  int error = errno;
  if (result != MAP_FAILED) remember_mapping((uintptr_t)result, length);
  answer_call((long)result, error, NULL, 0);
}

void do_munmap(char *rest) {
  uintptr_t address = next_number(&rest);
  size_t length = next_number(&rest);
  begin_call();
  errno = 0;
  int result = munmap((void *)address, length);
  int error = errno;
  if (result == 0) forget_mapping(address, length);
  answer_call(result, error, NULL, 0);
}

// A load or store of 1, 2, 4 or 8 bytes, as a single access to the device.
static uint64_t load(uintptr_t address, unsigned width) {
  switch (width) {
    case 1: return *(volatile uint8_t *)address;
    case 2: return *(volatile uint16_t *)address;
    case 4: return *(volatile uint32_t *)address;
    default: return *(volatile uint64_t *)address;
  }
}

static void store(uintptr_t address, unsigned width, uint64_t value) {
  switch (width) {
    case 1: *(volatile uint8_t *)address = (uint8_t)value; break;
    case 2: *(volatile uint16_t *)address = (uint16_t)value; break;
    case 4: *(volatile uint32_t *)address = (uint32_t)value; break;
    default: *(volatile uint64_t *)address = value;
  }
}

// load ADDRESS WIDTH, store ADDRESS WIDTH VALUE. The answer to a load has the value in hex after `ok 0`.
void do_access(char *rest, int is_store) {
  uintptr_t address = next_number(&rest);
  unsigned width = (unsigned)next_number(&rest);
  uint64_t value = is_store ? next_number(&rest) : 0;
  volatile uint64_t loaded = 0;
  begin_call();
  int signal = sigsetjmp(trap_return, 1);
  if (signal == 0) {
    trap_expected = 1;
    if (is_store) {
      store(address, width, value);
    } else {
      loaded = load(address, width);
    }
  }
  trap_expected = 0;
  if (signal != 0) {
    answer(NULL, 0, "trap %d", signal);
  } else {
    answer(NULL, 0, "ok 0 %016llx", (unsigned long long)loaded);
  }
}

// peek ADDRESS LENGTH, poke ADDRESS BYTES: copy the agent's own memory, for structures that contain pointers.
void do_copy(char *rest, int is_poke, unsigned char *data) {
  uintptr_t address = next_number(&rest);
  size_t length = is_poke ? next_bytes(&rest, data) : next_number(&rest);
  if (length > DATA_BYTES) length = DATA_BYTES;
  begin_call();
  int signal = sigsetjmp(trap_return, 1);
  if (signal == 0) {
    trap_expected = 1;
    memcpy(is_poke ? (void *)address : data, is_poke ? data : (void *)address, length);
  }
  trap_expected = 0;
  if (signal != 0) {
    answer(NULL, 0, "trap %d", signal);
  } else {
    answer(is_poke ? NULL : data, length, "ok %zu", length);
  }
}

// Ends the programs of a case, and removes its mappings and descriptors. Mappings go first: a mapping keeps its device's
// file open.
void do_end_case(void) {
  begin_call();
  end_programs();
  while (mapping_count > 0) {
    mapping_count--;
    munmap((void *)mappings[mapping_count].start, mappings[mapping_count].length);
  }
  // The descriptors after the port belong to the case.
  syscall(SYS_close_range, port + 1, ~0U, 0);
  answer(NULL, 0, "ok 0");
}
