#ifndef KERNEL_CRASH_H
#define KERNEL_CRASH_H

/*
 * The kinds of `crash` that use the machine: null, write-text, exec-data, guard (stack overflow), doublefault, reset, hang.
 * Returns for any other kind.
 */
void crash_machine(const char *kind);

#endif
