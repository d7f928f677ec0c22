#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

/* Scalar types and compiler attributes that every file may use. All targets are LP64. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define static_assert _Static_assert

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define __noreturn __attribute__((noreturn))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __noinline __attribute__((noinline))
#undef __always_inline /* libc, where there is one, has its own */
#define __always_inline inline __attribute__((always_inline))
#define __cold __attribute__((cold))
#define __must_check __attribute__((warn_unused_result))
#define __unused __attribute__((unused))
#define __section(name) __attribute__((section(name), used))

/* Return address of the current function, which identifies the caller of an allocator. */
#define CALLER ((unsigned long)__builtin_return_address(0))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once. __COUNTER__ gives nested uses different names. */
#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
#define min_max_once(a, b, op, x, y)   \
	({                             \
		__typeof__(a) x = (a); \
		__typeof__(b) y = (b); \
		x op y ? x : y;        \
	})
#define min(a, b) min_max_once(a, b, <, CONCAT(min_a, __COUNTER__), CONCAT(min_b, __COUNTER__))
#define max(a, b) min_max_once(a, b, >, CONCAT(max_a, __COUNTER__), CONCAT(max_b, __COUNTER__))
#define clamp(v, lo, hi) min(max(v, lo), hi)

/*
 * Accesses to a plain variable that another context may change: one access, neither torn nor repeated, not ordered with
 * others. A reader without the lock uses READ_ONCE; a writer under the lock uses one of the others. The compiler,
 * ThreadSanitizer and the reader of the code then know that both accesses are intended.
 *
 * UPDATE_ONCE(x, +=, n) is a load, then a store. It is for a variable with one writer at a time: the holder of the lock, or
 * the owner. The compiler may use one instruction on memory, which a C atomic store would prevent. Only ThreadSanitizer
 * needs to see a separate store.
 */
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#ifdef __SANITIZE_THREAD__
#define UPDATE_ONCE(x, op, n)                  \
	({                                     \
		__typeof__(x) update_x_ = (x); \
		update_x_ op(n);               \
		WRITE_ONCE(x, update_x_);      \
	})
#define full_barrier() ((void)0) /* ThreadSanitizer does not model fences */
#else
#define UPDATE_ONCE(x, op, n) ((void)((x)op(n)))
/* Other CPUs see this CPU's earlier stores before its later loads are performed. */
#define full_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#endif
