#ifndef KERNEL_FAILURE_H
#define KERNEL_FAILURE_H

/*
 * Why an operation failed. An allocator answers NULL, and NULL does not say which of the layers below had nothing. So
 * the place that makes an operation fail notes the cause: an attribute of fault injection, or what is missing ("no
 * free page"). A message about the failure quotes the last cause that this CPU noted since the operation began.
 * Interrupts have their own record.
 */

/* Before the operation. */
unsigned long failure_mark(void);
/* cause is a constant text without "failed": a noun phrase or a short sentence. Context: any. */
void failure_note(const char *cause);
/* The last cause that this CPU noted since the mark; "cause unknown" if it noted none. Never NULL. */
const char *failure_since(unsigned long mark);

#endif
