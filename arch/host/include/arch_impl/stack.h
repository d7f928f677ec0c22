#ifndef ARCH_IMPL_STACK_H
#define ARCH_IMPL_STACK_H

#include <arch/layout.h>

/* The CPU's stack, and the stack for faults: the first may have overflowed. */
#ifdef __SANITIZE_THREAD__ /* its runtime puts 800 KiB of thread variables at the top */
enum { HOST_BOOT_STACK_SIZE = 0x180000 };
#else
enum { HOST_BOOT_STACK_SIZE = 0x80000 };
#endif
enum { HOST_GUARD_SIZE = PAGE_SIZE, HOST_FAULT_STACK_SIZE = 0x20000 };

struct host_stacks {
	char boot_guard[HOST_GUARD_SIZE];
	char boot[HOST_BOOT_STACK_SIZE];
	char fault_guard[HOST_GUARD_SIZE];
	char fault[HOST_FAULT_STACK_SIZE];
};
extern struct host_stacks host_stacks;

#endif
