#ifndef ARCH_IMPL_AP_H
#define ARCH_IMPL_AP_H

/* What a CPU that is being started finds in x86_ap: offsets, for entry.S. */
#define X86_AP_ROOT 0
#define X86_AP_STACK 8
#define X86_AP_PERCPU 16

#endif
