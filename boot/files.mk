# Sources of this directory, sorted, one per line.
SRCS += boot/x86_64/boot.c
SRCS += boot/x86_64/entry.S
SRCS += boot/x86_64/header.S
