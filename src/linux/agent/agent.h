// What the files of the agent share. `agent.c` tells what the agent is and in which lines it speaks.
#ifndef BARPROOF_AGENT_H
#define BARPROOF_AGENT_H

#include <stddef.h>

// The most bytes that a command passes or returns.
enum { DATA_BYTES = 1 << 17 };

// boot.c
void make_file_systems(void);
void load_modules(void);
// Waits for the virtio port; returns its descriptor, or -1.
int open_port(void);

// answers.c

// The descriptor of the virtio port. The descriptors after it belong to cases.
extern int port;
// Sends a line that answers no command.
void greet(const char *line);
// Sends all pending answers.
void send_answers(void);
// Starts the time of a call, which is compared with the limit.
void begin_call(void);
// Answers the call. If it was answered as late in the meantime, the thread ends here instead.
void answer(const unsigned char *data, size_t length, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Answers with the result of a system call. `error` is errno right after the call.
void answer_call(long result, int error, const unsigned char *data, size_t length);
void set_limit(long milliseconds);
// If the present call is late, answers in its place, begins a new turn and returns 1.
int answer_late_call(void);
// The number of late calls so far. A thread answers only calls of the turn that it took.
unsigned current_turn(void);
void take_turn(unsigned turn);

// lines.c

// Returns the next line of the port, without its LF. Sends the pending answers before it waits for input.
char *next_line(void);
// Takes the next word of a line and moves `rest` behind it.
char *next_word(char **rest);
unsigned long long next_number(char **rest);
// Decodes the bytes of a word into `to`; returns how many there are.
size_t next_bytes(char **rest, unsigned char *to);

// file-commands.c
int load_module(const char *path);
void do_open(char *rest);
void do_close(char *rest);
void do_ioctl(char *rest, unsigned char *data);
void do_ioctl_value(char *rest);
void do_pread(char *rest, unsigned char *data);
void do_pwrite(char *rest, unsigned char *data);
void do_read_file(char *path, unsigned char *data);
void do_write_file(char *rest, unsigned char *data);
void do_readlink(char *path, unsigned char *data);
void do_load_module(char *path);

// program-commands.c
void do_spawn(char *rest);
void do_ended(char *rest);
// Kills the programs of a case.
void end_programs(void);

// memory-commands.c

// From now on a signal that a load, a store or a copy raises is its answer.
void catch_traps(void);
void do_mmap(char *rest);
void do_munmap(char *rest);
void do_access(char *rest, int is_store);
void do_copy(char *rest, int is_poke, unsigned char *data);
void do_end_case(void);

#endif
