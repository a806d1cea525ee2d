#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_BYTES = 1 << 20 };

int port = -1;

// State of two threads: one makes the calls, and the other notices that a call is late. `answer_late_call` answers in the
// place of the late thread and increments `turn`; its caller starts the next thread. A thread with an older turn ends when
// its call returns.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned turn;
static int busy;
static struct timespec begun;
static long limit_ms = 10000;

static char output[OUTPUT_BYTES];
static size_t output_end;

static __thread unsigned own_turn;

// Writes all pending answers. The caller holds the lock.
static void flush_locked(void) {
  size_t done = 0;
  while (done < output_end) {
    ssize_t written = write(port, output + done, output_end - done);
    if (written > 0) {
      done += (size_t)written;
    } else if (errno != EINTR && errno != EAGAIN) {
      break;
    }
  }
  output_end = 0;
}

void send_answers(void) {
  pthread_mutex_lock(&lock);
  flush_locked();
  pthread_mutex_unlock(&lock);
}

static const char DIGITS[] = "0123456789abcdef";

static void append_answer(const char *head, const unsigned char *data, size_t length) {
  size_t head_length = strlen(head);
  if (output_end + head_length + 2 * length + 2 > sizeof output) flush_locked();
  memcpy(output + output_end, head, head_length);
  output_end += head_length;
  if (data != NULL) {
    output[output_end++] = ' ';
    for (size_t i = 0; i < length; i++) {
      output[output_end++] = DIGITS[data[i] >> 4];
      output[output_end++] = DIGITS[data[i] & 15];
    }
  }
  output[output_end++] = '\n';
}

void greet(const char *line) {
  pthread_mutex_lock(&lock);
  append_answer(line, NULL, 0);
  flush_locked();
  pthread_mutex_unlock(&lock);
}

void begin_call(void) {
  pthread_mutex_lock(&lock);
  clock_gettime(CLOCK_MONOTONIC, &begun);
  busy = 1;
  pthread_mutex_unlock(&lock);
}

void answer(const unsigned char *data, size_t length, const char *format, ...) {
  char head[64];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(head, sizeof head, format, arguments);
  va_end(arguments);
  pthread_mutex_lock(&lock);
  if (own_turn != turn) {
    pthread_mutex_unlock(&lock);
    pthread_exit(NULL);
  }
  busy = 0;
  append_answer(head, data, length);
  pthread_mutex_unlock(&lock);
}

void answer_call(long result, int error, const unsigned char *data, size_t length) {
  if (result == -1) {
    answer(data, length, "error %d", error);
  } else {
    answer(data, length, "ok %ld", result);
  }
}

void set_limit(long milliseconds) {
  pthread_mutex_lock(&lock);
  limit_ms = milliseconds;
  pthread_mutex_unlock(&lock);
}

unsigned current_turn(void) {
  pthread_mutex_lock(&lock);
  unsigned now = turn;
  pthread_mutex_unlock(&lock);
  return now;
}

void take_turn(unsigned given) { own_turn = given; }

static long elapsed_ms(const struct timespec *since) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

int answer_late_call(void) {
  pthread_mutex_lock(&lock);
  int late = busy && elapsed_ms(&begun) > limit_ms;
  if (late) {
    busy = 0;
    turn++;
    append_answer("late", NULL, 0);
    flush_locked();
  }
  pthread_mutex_unlock(&lock);
  return late;
}
