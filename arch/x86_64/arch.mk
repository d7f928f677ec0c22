CC = $(CROSS_COMPILE)gcc
LD = $(CROSS_COMPILE)ld
ARCH_CFLAGS := -m64 -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mno-sse -mno-mmx -mno-80387 -mgeneral-regs-only -momit-leaf-frame-pointer
LDFLAGS := -nostdlib -static -z max-page-size=0x1000 -z noexecstack --no-warn-rwx-segments
