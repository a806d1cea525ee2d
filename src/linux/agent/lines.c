#include "agent.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_BYTES = 1 << 20 };

static char input[INPUT_BYTES];
static size_t input_start, input_end;

char *next_line(void) {
  for (size_t searched = input_start;;) {
    char *end = memchr(input + searched, '\n', input_end - searched);
    if (end != NULL) {
      char *line = input + input_start;
      *end = 0;
      input_start = (size_t)(end + 1 - input);
      return line;
    }
    searched = input_end - input_start;
    memmove(input, input + input_start, searched);
    input_start = 0;
    input_end = searched;
    send_answers();
    ssize_t received = read(port, input + input_end, sizeof input - input_end);
    if (received > 0) {
      input_end += (size_t)received;
    } else {
      // barproof is not connected, or the buffer is full and has no line end. A full buffer is dropped.
      if (input_end == sizeof input) input_end = 0;
      usleep(2000);
    }
  }
}

char *next_word(char **rest) {
  char *word = *rest;
  char *space = strchr(word, ' ');
  if (space != NULL) {
    *space = 0;
    *rest = space + 1;
  } else {
    *rest = word + strlen(word);
  }
  return word;
}

unsigned long long next_number(char **rest) { return strtoull(next_word(rest), NULL, 0); }

static int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

size_t next_bytes(char **rest, unsigned char *to) {
  const char *word = next_word(rest);
  size_t length = 0;
  while (length < DATA_BYTES && digit_value(word[0]) >= 0 && digit_value(word[1]) >= 0) {
    to[length++] = (unsigned char)(digit_value(word[0]) << 4 | digit_value(word[1]));
    word += 2;
  }
  return length;
}
