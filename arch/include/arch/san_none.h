#ifndef ARCH_SAN_NONE_H
#define ARCH_SAN_NONE_H

/* For ports where nobody watches: their arch_impl/san.h is this. */

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
