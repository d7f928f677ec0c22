#ifndef ARCH_SAN_NONE_H
#define ARCH_SAN_NONE_H

/* Empty marks, for ports without such a tool: their arch_impl/san.h includes this file. */

static inline void san_alloc(const void *p, unsigned long n)
{
	(void)p;
	(void)n;
}

static inline void san_reveal(const void *p, unsigned long n)
{
	(void)p;
	(void)n;
}

static inline void san_free(const void *p, unsigned long n)
{
	(void)p;
	(void)n;
}

static inline void san_touch(const void *p)
{
	(void)p;
}

#endif
