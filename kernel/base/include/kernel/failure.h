#ifndef KERNEL_FAILURE_H
#define KERNEL_FAILURE_H

/*
 * The cause of a failure. An allocator returns NULL, which does not tell which layer below ran out. The code that makes an
 * operation fail therefore notes the cause: fault injection, or what is missing ("no free page"). A message about the
 * failure quotes the last cause that this CPU noted since the operation began. Interrupts have their own record.
 */

/* Returns a mark for failure_since(). Call it before the operation. */
unsigned long failure_mark(void);
/* cause is a constant text without "failed": a noun phrase or a short sentence. Context: any. */
void failure_note(const char *cause);
/* Returns the last cause that this CPU noted since the mark; "cause unknown" if it noted none. Never NULL. */
const char *failure_since(unsigned long mark);

#endif
