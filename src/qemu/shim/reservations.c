/* The address space that QEMU has reserved: ranges that do not overlap. */
#include <pthread.h>
#include "shim.h"

#define MAX_RESERVATIONS 4096

static struct {
    unsigned long start, end;
} reservations[MAX_RESERVATIONS];
static int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void add_locked(unsigned long start, unsigned long end)
{
    if (start < end && count < MAX_RESERVATIONS) {
        reservations[count].start = start;
        reservations[count].end = end;
        count++;
    }
}

void add_reservation(unsigned long start, unsigned long end)
{
    pthread_mutex_lock(&lock);
    add_locked(start, end);
    pthread_mutex_unlock(&lock);
}

void remove_reservation(unsigned long start, unsigned long end)
{
    int index;

    pthread_mutex_lock(&lock);
    for (index = count - 1; index >= 0; index--) {
        unsigned long from = reservations[index].start, to = reservations[index].end;

        if (to <= start || end <= from) {
            continue;
        }
        count--;
        reservations[index] = reservations[count];
        /* Keep the parts before and after the range. */
        add_locked(from, start);
        add_locked(end, to);
    }
    pthread_mutex_unlock(&lock);
}

int is_reserved(unsigned long start, unsigned long end)
{
    int index, full;

    pthread_mutex_lock(&lock);
    full = count == MAX_RESERVATIONS;
    for (index = 0; index < count && start < end; index++) {
        if (reservations[index].start <= start && start < reservations[index].end) {
            start = reservations[index].end;
            /* The range goes on in another reservation, which may be anywhere in the table. */
            index = -1;
        }
    }
    pthread_mutex_unlock(&lock);
    return full || start >= end;
}
