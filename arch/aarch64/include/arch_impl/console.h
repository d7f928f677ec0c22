#ifndef ARCH_IMPL_CONSOLE_H
#define ARCH_IMPL_CONSOLE_H

/* One wire for both. */
static inline void arch_console_stream(enum console_stream stream)
{
	(void)stream;
}

#endif
