#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_PROGRAMS = 16, MOST_WORDS = 256 };

static pid_t programs[MOST_PROGRAMS];
static size_t program_count;

static void become(const char *output, char *const words[]) {
  int null = open("/dev/null", O_RDONLY);
  int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (null < 0 || file < 0) _exit(126);
  dup2(null, 0);
  dup2(file, 1);
  dup2(file, 2);
  // The port and the descriptors of the case are not the program's.
  syscall(SYS_close_range, 3, ~0U, 0);
  execv(words[0], words);
  _exit(127);
}

// spawn OUTPUT PROGRAM WORD...: starts a program with these arguments, whose output goes to a file. The answer is its
// process id. The end of the case kills it.
void do_spawn(char *rest) {
  const char *output = next_word(&rest);
  char *words[MOST_WORDS + 1];
  size_t count = 0;
  while (count < MOST_WORDS && *rest != 0) words[count++] = next_word(&rest);
  words[count] = NULL;
  begin_call();
  if (count == 0 || program_count == MOST_PROGRAMS) {
    answer_call(-1, E2BIG, NULL, 0);
    return;
  }
  errno = 0;
  pid_t pid = fork();
  int error = errno;
  if (pid == 0) become(output, words);
  if (pid > 0) programs[program_count++] = pid;
  answer_call(pid, error, NULL, 0);
}

static void forget_program(pid_t pid) {
  for (size_t i = 0; i < program_count; i++) {
    if (programs[i] == pid) {
      programs[i] = programs[--program_count];
      return;
    }
  }
}

// ended PID: 0 while the program runs; its process id once it has ended, with the four bytes of its wait status.
void do_ended(char *rest) {
  pid_t pid = (pid_t)next_number(&rest);
  int status = 0;
  begin_call();
  errno = 0;
  pid_t result = waitpid(pid, &status, WNOHANG);
  int error = errno;
  if (result == pid) forget_program(pid);
  answer_call(result, error, (const unsigned char *)&status, result == pid ? sizeof status : 0);
}

// A program that is killed closes its devices, which may take a while.
void end_programs(void) {
  while (program_count > 0) {
    pid_t pid = programs[--program_count];
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
}
