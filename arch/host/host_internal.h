#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

/* What the files of this port tell each other and nobody else. */

#include <signal.h>
#include <stdatomic.h>

#include <arch/layout.h>
#include <arch/san.h>
#include <kernel/bootinfo.h>
#include <mm/types.h>

#define HOST_BLOCK (PAGE_SIZE << 10) /* what a block of the largest order holds */

#define HOST_MAX_NODES 8
#define HOST_LOW_END GIB(3) /* of --mem, so much lies from 0 on, the rest from 4 GiB on */

/* nodes.c */
struct host_node {
	u64 bytes, cpus; /* of its memory; bits of its CPUs */
	u8 distance[HOST_MAX_NODES];
	unsigned nr_distances; /* 0, or one for each node */
};
struct host_nodes {
	struct host_node node[HOST_MAX_NODES];
	unsigned nr; /* 0: `--nodes` has no word for each */
	u64 bytes;   /* of all */
};
/* Words as in "256M:0-1:10/20 0:2:20/10". A mistake ends the process. */
void host_parse_nodes(const char *words, struct host_nodes *nodes);
void host_make_nodes(struct boot_info *bi, const struct host_nodes *nodes);
void host_make_equal_nodes(struct boot_info *bi, unsigned nr);

/* options.c */
struct host_options {
	u64 mem, cpus, equal_nodes, levels;
	struct host_nodes nodes;
	const char *map, *dmesg, *fdt; /* files that say what memory there is, or NULL */
	const char *commands;	       /* -c, or NULL */
	char **cmdline;		       /* the words behind --, or NULL */
};
struct host_options host_parse_options(char **argv);

/* machine.c */
void host_machine(struct boot_info *bi, const struct host_options *o);

/* phys.c */
extern paddr_t host_ram_end; /* the memory file holds physical addresses below it */
extern int host_memfd;
void host_phys_init(struct boot_info *bi);
void host_phys_apply_tables(void); /* the direct map and the image as the installed tables have them */

/* console.c */
enum host_streams { HOST_ONE_STREAM, HOST_LOG_TO_STDERR };
void host_console_setup(enum host_streams streams);
void host_console_close(void); /* what is buffered goes out, the terminal is as it was */
bool host_console_wait(u64 timeout_ns,
		       const void *sigmask); /* until input, a signal or the time; ~0: no limit */

/* cpu.c */
/* The only way out, but for execv. */
void host_exit(int status) __noreturn;
/* A message on standard error, then exit status 1. */
void host_die(const char *fmt, ...) __printf(1, 2) __noreturn;
/* In VARIANT=cov alone: the counters go to a file. */
int __llvm_profile_write_file(void) __attribute__((weak));
extern char **host_argv;

/* san.c */
void host_san_init(void);

/* smp.c */
struct host_stacks;
extern _Atomic unsigned long host_cpus; /* bits of the CPUs whose threads run */
int host_cpu_run(unsigned cpu, struct host_stacks *stacks, void (*entry)(void *arg), void *arg);
void host_cpu_join(unsigned cpu);
struct host_stacks *host_cpu_stacks(unsigned cpu); /* NULL: it was not started */
void host_on_stop(int sig, siginfo_t *info, void *ctx);
/* For what the threads share. Interrupts are off; not to be held where the window may be touched. */
void host_lock(_Atomic bool *lock);
void host_unlock(_Atomic bool *lock);

/* trap.c */
void host_trap_init_cpu(struct host_stacks *stacks); /* on each CPU: its fault stack */
/* The PC that a trap has hit if pc is the return address of its signal frame, else pc itself. */
unsigned long host_interrupted_pc(unsigned long pc);

/* Where a CPU waits: interrupts come, whatever a sanitizer has done to the mask of signals. */
void host_let_interrupts_in(void);

/* time.c: in every interrupt; runs what arch_time_tick() asked for if its time has come */
void host_tick(void);

/* tlb.c: pc has touched va; false: the tables do not allow it */
bool host_tlb_fill(vaddr_t va, pt_prot_t need, unsigned long pc);

/* What VARIANT=valgrind says to Valgrind; in other builds nobody listens. */
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

/* pt.c: the leaf that translates va. False: none; level is that of the entry where the walk ended */
struct host_leaf {
	vaddr_t va;
	paddr_t pa;
	unsigned level;
	pt_prot_t prot;
};
bool host_pt_walk(vaddr_t va, struct host_leaf *leaf);

/* probe.S: calls va, where a return instruction must be; its return address, and where its fault goes */
int host_probe_exec(vaddr_t va);
extern const char host_probe_exec_ret[], host_probe_exec_fault[];

#endif
