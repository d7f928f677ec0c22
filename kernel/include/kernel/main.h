#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include <kernel/bootinfo.h>

/* From the boot code, once, on the boot CPU with interrupts off. */
void kmain(struct boot_info *bi) __noreturn;

#endif
