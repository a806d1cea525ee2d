/*
 * A library that barproof loads into QEMU ahead of the C library (LD_PRELOAD).
 *
 * It must load on older systems than the one that compiled it, down to glibc 2.17. So it calls neither
 * dlsym nor dladdr, which moved into libc with glibc 2.34, nor strtol, which is __isoc23_strtol since 2.38.
 */
#ifndef BARPROOF_SHIM_H
#define BARPROOF_SHIM_H

/* Marks a function that replaces one of the C library. QEMU sees no other function of the shim. */
#define REPLACES_LIBC __attribute__((visibility("default")))

/* A decimal number in an environment variable, or `otherwise` where the variable is not set. */
unsigned long number_from_environment(const char *name, unsigned long otherwise);

/* Bytes of a page of this host's kernel. */
unsigned long kernel_page_size(void);

/* Bytes of a page as QEMU sees it: BARPROOF_PAGE_SIZE, or the kernel's. A power of two. */
unsigned long page_size(void);

/* The address space that QEMU has reserved and not given back. */
void add_reservation(unsigned long start, unsigned long end);
void remove_reservation(unsigned long start, unsigned long end);
/* Whether all of a range is reserved. Also true when the table was too small for all reservations. */
int is_reserved(unsigned long start, unsigned long end);

/* Prints on standard error without memory of its own, so that a signal handler may call it. */
void print_message(const char *text);

#endif
