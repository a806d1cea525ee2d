/* The connection to barproof: one request at a time, and its answer. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include "kernel.h"
#include "shim.h"

#define MAX_FILES 65536
/* The status of a process whose barproof is gone. */
#define LOST 97
/* Bytes of a write's head in an answer: its address and its length. */
#define WRITE_HEAD 12
/* The socket gets a number from here on, out of the way of QEMU's own descriptors. */
#define FIRST_OWN_FILE 900

static unsigned char answered[MAX_FILES];
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int server = -1, spare = -1;

__attribute__((noreturn)) static void lose(const char *why)
{
    print_message("barproof: no answer for the kernel: ");
    print_message(why);
    print_message("\n");
    _exit(LOST);
}

static const char *socket_path(void)
{
    return getenv("BARPROOF_KERNEL");
}

int kernel_is_answered(void)
{
    return socket_path() != NULL;
}

/* An idle QEMU before 10.2 would not notice the death of barproof. The kernel keeps the setting across exec. */
__attribute__((constructor)) static void end_with_parent(void)
{
    if (kernel_is_answered()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
}

int is_kernel_file(int file)
{
    return file >= 0 && file < MAX_FILES && __atomic_load_n(&answered[file], __ATOMIC_ACQUIRE);
}

static void set_kernel_file(int file, int value)
{
    if (file < 0 || file >= MAX_FILES) {
        lose("a descriptor is too large");
    }
    __atomic_store_n(&answered[file], value, __ATOMIC_RELEASE);
}

static void send_all(const void *data, size_t length)
{
    const char *at = data;

    while (length > 0) {
        ssize_t done = send(server, at, length, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            lose("send");
        }
        at += done;
        length -= (size_t)done;
    }
}

static void receive_all(void *data, size_t length)
{
    char *at = data;

    while (length > 0) {
        ssize_t done = recv(server, at, length, 0);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            lose("receive");
        }
        at += done;
        length -= (size_t)done;
    }
}

static void connect_once(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = socket_path();
    int raw;

    if (server >= 0) {
        return;
    }
    if (!path || strlen(path) >= sizeof(address.sun_path)) {
        lose("the path of the socket is too long");
    }
    strcpy(address.sun_path, path);
    raw = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (raw < 0 || connect(raw, (struct sockaddr *)&address, sizeof(address)) != 0) {
        lose("connect");
    }
    server = fcntl(raw, F_DUPFD_CLOEXEC, FIRST_OWN_FILE);
    if (server < 0) {
        server = raw;
    } else {
        syscall(SYS_close, raw);
    }
}

int read_own_memory(uintptr_t address, void *to, size_t length)
{
    struct iovec local = { to, length }, remote = { (void *)address, length };

    return syscall(SYS_process_vm_readv, getpid(), &local, 1L, &remote, 1L, 0L) == (long)length ? 0 : -1;
}

int write_own_memory(uintptr_t address, const void *from, size_t length)
{
    struct iovec local = { (void *)from, length }, remote = { (void *)address, length };

    return syscall(SYS_process_vm_writev, getpid(), &local, 1L, &remote, 1L, 0L) == (long)length ? 0 : -1;
}

/* Carries out the writes of an answer, as far as the memory is there. Returns -1 where it is not. */
static int write_answer(const char *at, const char *end)
{
    int result = 0;

    while (end - at >= WRITE_HEAD) {
        uint64_t address;
        uint32_t length;

        memcpy(&address, at, sizeof(address));
        memcpy(&length, at + sizeof(address), sizeof(length));
        at += WRITE_HEAD;
        if (length > (size_t)(end - at)) {
            lose("an answer is cut");
        }
        if (write_own_memory((uintptr_t)address, at, length) != 0) {
            result = -1;
        }
        at += length;
    }
    return result;
}

/* Keeps the data of an answer, as far as the caller has room for them. */
static void keep_data(struct kernel_data *data, const char *body, size_t length)
{
    if (!data) {
        return;
    }
    data->got = length < data->room ? length : data->room;
    if (data->got > 0) {
        memcpy(data->to, body, data->got);
    }
}

static int64_t exchange(struct kernel_request *request, const void *sent, size_t length, struct kernel_data *data)
{
    struct kernel_answer answer;
    size_t rest;
    char *body;
    int fault;

    connect_once();
    if (spare < 0) {
        spare = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    }
    request->spare = spare;
    request->length = (uint32_t)(sizeof(*request) + length);
    send_all(request, sizeof(*request));
    send_all(sent, length);
    receive_all(&answer, sizeof(answer));
    if (answer.length < sizeof(answer) || answer.data > answer.length - sizeof(answer)) {
        lose("an answer has a wrong length");
    }
    rest = answer.length - sizeof(answer);
    body = malloc(rest + 1);
    if (!body) {
        lose("no memory");
    }
    receive_all(body, rest);
    keep_data(data, body, answer.data);
    fault = write_answer(body + answer.data, body + rest);
    free(body);
    if (answer.opens) {
        set_kernel_file(spare, 1);
        spare = -1;
    }
    errno = fault ? EFAULT : answer.error;
    return errno ? -1 : answer.result;
}

int64_t ask_kernel(struct kernel_request *request, const void *sent, size_t length, struct kernel_data *data)
{
    int before = errno;
    int64_t result;

    pthread_mutex_lock(&one_at_a_time);
    if (request->operation == KERNEL_CLOSE) {
        /* Another thread may get the same number before the answer is here. */
        set_kernel_file(request->file, 0);
    }
    result = exchange(request, sent, length, data);
    pthread_mutex_unlock(&one_at_a_time);
    if (result != -1) {
        errno = before;
    }
    return result;
}

/* Whether the descriptor is one of the shim's own, which a program that closes all files must not close. */
static int is_own_file(int file)
{
    return file >= 0 && (file == server || file == spare);
}

REPLACES_LIBC int close(int file)
{
    if (is_kernel_file(file)) {
        struct kernel_request request = { .operation = KERNEL_CLOSE, .file = file };

        ask_kernel(&request, NULL, 0, NULL);
    } else if (is_own_file(file)) {
        return 0;
    }
    return (int)syscall(SYS_close, file);
}
