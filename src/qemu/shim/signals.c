/* Prints the thread and the call stack when a signal kills QEMU. */
#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "shim.h"

#define MAX_FRAMES 48
/* Bytes of a thread's name, the NUL included (prctl(2), PR_GET_NAME). */
#define THREAD_NAME_BYTES 16

void print_message(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

    (void)ignored;
}

static void report_signal(int number)
{
    void *frames[MAX_FRAMES];
    char thread[THREAD_NAME_BYTES] = "";
    int count;

    /* A second fault, in this function, kills QEMU at once. */
    signal(number, SIG_DFL);
    prctl(PR_GET_NAME, thread);
    /* The thread comes first: after a jump to a wild address, backtrace may fault. */
    print_message("barproof: signal in thread ");
    print_message(thread);
    print_message("\nbarproof: call stack, innermost function first\n");
    count = backtrace(frames, MAX_FRAMES);
    if (count > 1) {
        /* One line a function, without this one: FILE(FUNCTION+OFFSET)[ADDRESS]. */
        backtrace_symbols_fd(frames + 1, count - 1, STDERR_FILENO);
    }
    raise(number);
}

__attribute__((constructor)) static void watch_signals(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    void *frames[2];
    struct sigaction action;
    size_t index;

    /* barproof asks whether the library loads (shim.ts). */
    if (getenv("BARPROOF_ASK")) {
        print_message("barproof: the shim is loaded\n");
    }
    /* The first call of backtrace loads a library, which a signal handler must not do. */
    backtrace(frames, 2);
    memset(&action, 0, sizeof(action));
    action.sa_handler = report_signal;
    action.sa_flags = SA_NODEFER;
    for (index = 0; index < sizeof(numbers) / sizeof(numbers[0]); index++) {
        sigaction(numbers[index], &action, NULL);
    }
}
