#ifndef ARCH_IMPL_CONSOLE_H
#define ARCH_IMPL_CONSOLE_H

void arch_console_stream(enum console_stream stream);

#endif
