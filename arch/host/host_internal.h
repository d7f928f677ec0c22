#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

/* Private interfaces between the files of this port. */

#include <signal.h>
#include <stdatomic.h>

#include <arch/layout.h>
#include <arch/san.h>
#include <kernel/bootinfo.h>
#include <arch/types.h>

#define HOST_BLOCK (PAGE_SIZE << 10) /* bytes of a block of the largest order */

#define HOST_MAX_NODES 8
#define HOST_LOW_END GIB(3) /* memory of --mem below this size starts at 0, the rest at 4 GiB */

/* nodes.c */
struct host_node {
	u64 bytes, cpus; /* size of its memory; bit mask of its CPUs */
	u8 distance[HOST_MAX_NODES];
	unsigned nr_distances; /* 0, or one for each node */
};
struct host_nodes {
	struct host_node node[HOST_MAX_NODES];
	unsigned nr; /* 0: `--nodes` was not given in words */
	u64 bytes;   /* sum of all nodes */
};
/* Parses words such as "256M:0-1:10/20 0:2:20/10". A malformed word ends the process. */
void host_parse_nodes(const char *words, struct host_nodes *nodes);
void host_make_nodes(struct boot_info *bi, const struct host_nodes *nodes);
void host_make_equal_nodes(struct boot_info *bi, unsigned nr);

/* options.c */
struct host_options {
	u64 mem, cpus, equal_nodes, levels;
	struct host_nodes nodes;
	const char *map, *dmesg, *fdt; /* files that describe the memory, or NULL */
	const char *commands;	       /* the argument of -c, or NULL */
	char **cmdline;		       /* the words after --, or NULL */
};
struct host_options host_parse_options(char **argv);

/* machine.c */
void host_machine(struct boot_info *bi, const struct host_options *o);

/* phys.c */
extern paddr_t host_ram_end; /* physical addresses below it lie in the memory file */
extern int host_memfd;
void host_phys_init(struct boot_info *bi);
void host_phys_apply_tables(void); /* maps direct map and image as the installed tables say */

/* console.c */
enum host_streams { HOST_ONE_STREAM, HOST_LOG_TO_STDERR };
void host_console_setup(enum host_streams streams);
void host_console_close(void); /* flushes the output and restores the terminal */
/* Waits for input, a signal or the timeout (~0: none). True: input is there. */
bool host_console_wait(u64 timeout_ns, const void *sigmask);

/* cpu.c */
/* Ends the process. Only execv() ends it otherwise. */
void host_exit(int status) __noreturn;
/* Prints a message on standard error and exits with status 1. */
void host_die(const char *fmt, ...) __printf(1, 2) __noreturn;
/* In VARIANT=cov only: writes the coverage counters to a file. */
int __llvm_profile_write_file(void) __attribute__((weak));
extern char **host_argv;

/* san.c */
void host_san_init(void);

/* smp.c */
struct host_stacks;
extern _Atomic unsigned long host_cpus; /* bit mask of the CPUs whose threads run */
int host_cpu_run(unsigned cpu, struct host_stacks *stacks, void (*entry)(void *arg), void *arg);
void host_cpu_join(unsigned cpu);
struct host_stacks *host_cpu_stacks(unsigned cpu); /* NULL: it was not started */
void host_on_stop(int sig, siginfo_t *info, void *ctx);
/* For data that all threads share. Context: interrupts off; no access to the window while the lock is held. */
void host_lock(_Atomic bool *lock);
void host_unlock(_Atomic bool *lock);

/* trap.c */
void host_trap_init_cpu(struct host_stacks *stacks); /* sets the fault stack of this CPU */
/* Returns the PC that the trap interrupted if pc is the return address of its signal frame, else pc. */
unsigned long host_interrupted_pc(unsigned long pc);

/* For waiting CPUs: unblocks the interrupts' signals, which ThreadSanitizer may have left blocked. */
void host_let_interrupts_in(void);

/* time.c: called in every interrupt; runs the function of arch_time_tick() if it is due */
void host_tick(void);

/* tlb.c: handles an access to va by the instruction at pc. False: the tables do not allow the access. */
bool host_tlb_fill(vaddr_t va, pt_prot_t need, unsigned long pc);

/* Requests to Valgrind, in VARIANT=valgrind; empty in other builds. */
#ifdef HOST_VALGRIND
#define host_tell(request, va, size) ((void)VALGRIND_##request(va, size))
#define HOST_IN_VALGRIND 1
#define HOST_UNWATCHED_BEGIN VALGRIND_DISABLE_ERROR_REPORTING
#define HOST_UNWATCHED_END VALGRIND_ENABLE_ERROR_REPORTING
#else
#define host_tell(request, va, size) ((void)0)
#define HOST_IN_VALGRIND 0
#define HOST_UNWATCHED_BEGIN ((void)0)
#define HOST_UNWATCHED_END ((void)0)
#endif

/* pt.c: finds the leaf that translates va. False: there is none; level is that of the entry where the walk ended. */
struct host_leaf {
	vaddr_t va;
	paddr_t pa;
	unsigned level;
	pt_prot_t prot;
};
bool host_pt_walk(vaddr_t va, struct host_leaf *leaf);

/* probe.S: calls va, where a return instruction must be; its return address, and the fixup of its fault */
int host_probe_exec(vaddr_t va);
extern const char host_probe_exec_ret[], host_probe_exec_fault[];

#endif
