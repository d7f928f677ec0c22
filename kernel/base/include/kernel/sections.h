#ifndef KERNEL_SECTIONS_H
#define KERNEL_SECTIONS_H

/* Symbols that linker.ld defines. Section borders are page aligned. The image is mapped at KERNEL_VMA + physical. */

extern char __image_start[], __image_end[]; /* all of it, bss included */
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __bss_start[], __bss_end[];
extern char __percpu_start[], __percpu_end[];	/* the per-CPU template, inside data */
extern char __restart_start[], __restart_end[]; /* .text.restart, inside text */

#endif
