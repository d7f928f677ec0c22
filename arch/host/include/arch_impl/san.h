#ifndef ARCH_IMPL_SAN_H
#define ARCH_IMPL_SAN_H

/*
 * A build supports at most one tool: AddressSanitizer if it is compiled with it, else Valgrind in VARIANT=valgrind, else
 * none.
 */

#ifdef __SANITIZE_ADDRESS__ /* GCC */
#define SAN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) /* Clang */
#define SAN_ASAN 1
#endif
#endif

#ifdef SAN_ASAN
#include <sanitizer/asan_interface.h>
#define SAN_UNDEFINED(p, n) __asan_unpoison_memory_region(p, n)
#define SAN_DEFINED(p, n) __asan_unpoison_memory_region(p, n)
#define SAN_NOACCESS(p, n) __asan_poison_memory_region(p, n)
#define SAN_TOUCH(p) ((void)*(const volatile char *)(p))
#elif defined(HOST_VALGRIND)
#include <valgrind/memcheck.h>
#define SAN_UNDEFINED(p, n) VALGRIND_MAKE_MEM_UNDEFINED(p, n)
#define SAN_DEFINED(p, n) VALGRIND_MAKE_MEM_DEFINED(p, n)
#define SAN_NOACCESS(p, n) VALGRIND_MAKE_MEM_NOACCESS(p, n)
#define SAN_TOUCH(p) ((void)*(const volatile char *)(p))
#else
#define SAN_UNDEFINED(p, n) ((void)(p), (void)(n))
#define SAN_DEFINED(p, n) ((void)(p), (void)(n))
#define SAN_NOACCESS(p, n) ((void)(p), (void)(n))
#define SAN_TOUCH(p) ((void)(p))
#endif

static inline void san_alloc(const void *p, unsigned long n)
{
	SAN_UNDEFINED(p, n);
}

static inline void san_reveal(const void *p, unsigned long n)
{
	SAN_DEFINED(p, n);
}

static inline void san_free(const void *p, unsigned long n)
{
	SAN_NOACCESS(p, n);
}

static inline void san_touch(const void *p)
{
	SAN_TOUCH(p);
}

#undef SAN_ASAN
#undef SAN_UNDEFINED
#undef SAN_DEFINED
#undef SAN_NOACCESS
#undef SAN_TOUCH

#endif
