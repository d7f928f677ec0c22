#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include <kernel/bootinfo.h>

/* Entry from the boot code, on the boot CPU with interrupts off. */
void kmain(struct boot_info *bi) __noreturn;

#endif
