#ifndef KERNEL_CRASH_H
#define KERNEL_CRASH_H

/*
 * What the `crash` command asks of the machine: null, write-text, exec-data, guard (stack overflow), doublefault, reset,
 * hang. Returns for any other kind.
 */
void crash_machine(const char *kind);

#endif
