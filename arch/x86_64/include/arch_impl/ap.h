#ifndef ARCH_IMPL_AP_H
#define ARCH_IMPL_AP_H

/* Offsets in x86_ap, the values for a CPU that is being started. For entry.S. */
#define X86_AP_ROOT 0
#define X86_AP_STACK 8
#define X86_AP_PERCPU 16

#endif
