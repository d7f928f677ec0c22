/*
 * cmd_look.c - shell commands on single addresses: whatis, read, fill.
 *
 * Idea.       `whatis` collects what every layer knows about an address, from the region down to the object. `read` shows
 *             any mapped memory. `fill` writes, but only into memory that the shell has allocated.
 * Layout.     struct answer: one field for each key of the JSON object, unset if it does not apply
 * Invariants. No address can make the kernel fault: reads are probed, writes go to the shell's allocations only.
 * Locking.    None: the layers return copies.
 * Failure.    EFAULT: not mapped, or mapped to a device. EPERM: not in an allocation of the shell.
 * Next:       cmd_state.c.
 */
#include "cmd.h"
#include "shell_mem.h"

#include <arch/cpu.h>

#include <kernel/address.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include <mm/pgtable.h>
#include <mm/slab_info.h>
#include <mm/stat.h>
#include <mm/vmalloc.h>

/* ---- whatis ---- */

struct answer {
	struct address_region region;
	bool mapped;
	pfn_t pfn;
	struct frame_stat frame; /* if mapped */
	bool in_slab;
	struct slab_object_info slab;
	const struct vm_struct *area;
	char symbol[96]; /* empty: none */
	const char *shell;
};

static void find_region(vaddr_t va, struct address_region *found)
{
	struct address_region region[ADDRESS_REGIONS_MAX];
	unsigned nr = address_regions(region);

	*found = (struct address_region){.name = "unused", .last = ~0UL};
	for (unsigned i = 0; i < nr; i++) {
		if (va > region[i].last) {
			found->start = region[i].last + 1;
		} else if (va < region[i].start) {
			found->last = min(found->last, region[i].start - 1);
		} else {
			*found = region[i];
			return;
		}
	}
}

static void ask_everyone(vaddr_t va, struct answer *a)
{
	const struct shell_mem *mine = shell_mem_at(va);
	unsigned long offset, size;

	*a = (struct answer){0};
	find_region(va, &a->region);
	if (cmd_is_canonical(va)) {
		struct pt_query q = pt_lookup(va);

		a->mapped = q.mapped;
		a->pfn = q.pa >> PAGE_SHIFT;
		if (a->mapped)
			frame_stat(a->pfn, &a->frame);
	}
	a->in_slab = slab_object_info((void *)va, &a->slab);
	if (is_vmalloc_addr((void *)va))
		a->area = find_vm_area((void *)va);
	if (ksym_lookup(va, &offset, &size))
		snprintf(a->symbol, sizeof(a->symbol), "%pS", (void *)va);
	a->shell = mine ? shell_mem_name(mine) : NULL;
}

static void hex_or_null(struct out *o, const char *key, bool valid, unsigned long v)
{
	if (valid)
		json_hex(o, key, v);
	else
		json_null(o, key);
}

static void num_or_null(struct out *o, const char *key, bool valid, unsigned long v)
{
	if (valid)
		json_num(o, key, v);
	else
		json_null(o, key);
}

/* State of the frame in the page allocator. NULL: no frame of the allocator. */
static const char *frame_state(const struct answer *a)
{
	if (!a->mapped || !a->frame.zone)
		return NULL;
	if (!a->frame.in_block)
		return "reserved";
	return !a->frame.free ? "allocated" : a->frame.cpu >= 0 ? "cpu" : "free";
}

/* The CPU whose list holds the free object or page; -1: none. */
static int holding_cpu(const struct answer *a)
{
	if (a->in_slab && a->slab.object)
		return a->slab.cpu;
	return a->mapped ? a->frame.cpu : -1;
}

static void whatis_json(struct out *o, const struct answer *a)
{
	bool object = a->in_slab && a->slab.object;

	json_obj(o, NULL);
	json_str(o, "region", a->region.name);
	json_hex(o, "start", a->region.start);
	json_hex(o, "end", a->region.last + 1);
	num_or_null(o, "pfn", a->mapped, a->pfn);
	json_str(o, "cache", a->in_slab ? a->slab.cache : NULL);
	num_or_null(o, "slab", a->in_slab, a->slab.slab);
	hex_or_null(o, "object", object, (unsigned long)a->slab.object);
	num_or_null(o, "index", object, a->slab.index);
	json_str(o, "state", object ? slab_object_state_name(a->slab.state) : NULL);
	json_str(o, "page_state", frame_state(a));
	num_or_null(o, "cpu", holding_cpu(a) >= 0, (unsigned long)holding_cpu(a));
	hex_or_null(o, "area", a->area, a->area ? (unsigned long)a->area->addr : 0);
	json_str(o, "symbol", *a->symbol ? a->symbol : NULL);
	json_str(o, "shell", a->shell);
	json_end_obj(o);
}

/* Returns "live", "free" or "free, on CPU 1's list". */
static const char *object_state(const struct slab_object_info *slab, char *buf, size_t size)
{
	if (slab->state != SLAB_OBJ_CPU)
		return slab_object_state_name(slab->state);
	if (slab->cpu < 0)
		return "free, on the list that the CPUs of its node share";
	snprintf(buf, size, "free, on CPU %d's list", slab->cpu);
	return buf;
}

static void print_page(struct out *o, const struct answer *a)
{
	const struct frame_stat *f = &a->frame;
	const char *state = frame_state(a);

	out_printf(o, "  page pfn 0x%lx", a->pfn);
	if (state && f->cpu >= 0)
		out_printf(o, ", free, on CPU %d's list", f->cpu);
	else if (state)
		out_printf(o, ", %s", state);
	if (state && f->in_block && (f->order || f->free))
		out_printf(o, ", block of order %u at pfn 0x%lx", f->order, f->head);
	out_printf(o, "\n");
}

static void whatis_print(struct out *o, vaddr_t va, const struct answer *a)
{
	char state[32];

	out_printf(o, "0x%016lx: %s, 0x%016lx-0x%016lx\n", va, a->region.name, a->region.start,
		   a->region.last + 1);
	if (a->mapped)
		print_page(o, a);
	else
		out_printf(o, "  not mapped\n");
	if (a->in_slab)
		out_printf(o, "  cache %s, slab at pfn 0x%lx\n", a->slab.cache, a->slab.slab);
	if (a->in_slab && a->slab.object)
		out_printf(o, "  object %u at 0x%016lx, %u bytes, %s, offset %ld\n", a->slab.index,
			   (unsigned long)a->slab.object, a->slab.size,
			   object_state(&a->slab, state, sizeof(state)),
			   (long)(va - (unsigned long)a->slab.object));
	if (a->in_slab && a->slab.alloc_caller)
		out_printf(o, "  allocated by %pS\n", (void *)a->slab.alloc_caller);
	if (a->in_slab && a->slab.free_caller)
		out_printf(o, "  last freed by %pS\n", (void *)a->slab.free_caller);
	if (a->area)
		out_printf(o, "  area 0x%016lx-0x%016lx of %u pages, by %pS\n", (unsigned long)a->area->addr,
			   (unsigned long)a->area->addr + a->area->size, a->area->nr_pages,
			   (void *)a->area->caller);
	if (*a->symbol)
		out_printf(o, "  symbol %s\n", a->symbol);
	if (a->shell)
		out_printf(o, "  handed out by `%s`\n", a->shell);
}

static int cmd_whatis(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 1, 1);
	struct answer a;
	vaddr_t va;

	if (err || (err = arg_addr(o, "ADDR", argv[1], &va)))
		return err;
	ask_everyone(va, &a);
	if (json)
		whatis_json(o, &a);
	else
		whatis_print(o, va, &a);
	return 0;
}
SHELL_CMD("whatis", "ADDR", "which region, page, slab, object, CPU's list, area or symbol an address is in",
	  cmd_whatis, NULL);

/* ---- read ---- */

enum { READ_MAX = 16 << 10, READ_CHUNK = 512, LINE_BYTES = 16 };

/* Checks the whole range before anything is printed. */
static int check_readable(struct out *o, vaddr_t va, u64 len)
{
	vaddr_t last = va + (len - 1);

	if (last < va)
		return out_error(o, -EFAULT,
				 "the range ends behind the last address, expected it to end below");
	for (;;) {
		struct pt_query q = pt_lookup(va);

		if (!q.mapped)
			return out_error(o, -EFAULT, "nothing is mapped at 0x%lx, expected a mapped address",
					 va);
		if (q.prot & PT_DEVICE)
			return out_error(o, -EFAULT, "a device is mapped at 0x%lx, expected memory", va);
		if ((va | (q.size - 1)) >= last)
			return 0;
		va = (va | (q.size - 1)) + 1;
	}
}

static void dump_bytes(struct out *o, vaddr_t va, const u8 *bytes, size_t n)
{
	for (size_t at = 0; at < n; at += LINE_BYTES) {
		char text[LINE_BYTES + 1];
		size_t i;

		out_printf(o, "0x%016lx:", va + at);
		for (i = 0; i < LINE_BYTES && at + i < n; i++) {
			u8 c = bytes[at + i];

			out_printf(o, " %02x", c);
			text[i] = c >= ' ' && c <= '~' ? (char)c : '.';
		}
		text[i] = '\0';
		out_printf(o, "%*s |%s|\n", (int)(LINE_BYTES - i) * 3, "", text);
	}
}

static int cmd_read(struct out *o, int argc, char **argv, bool json)
{
	static const char digits[] = "0123456789abcdef";
	static char hex[2 * READ_MAX + 1];
	int err = arg_count(o, argc, argv, 2, 2);
	u8 chunk[READ_CHUNK];
	vaddr_t va;
	u64 len;

	if (err || (err = cmd_kernel_address(o, "ADDR", argv[1], &va)) ||
	    (err = cmd_size(o, "LEN", argv[2], 1, READ_MAX, &len)) || (err = check_readable(o, va, len)))
		return err;
	for (u64 at = 0; at < len; at += READ_CHUNK) {
		size_t n = min(len - at, (u64)READ_CHUNK);

		if (arch_probe_read(chunk, va + at, n) != n)
			return out_error(o, -EFAULT, "a fault at or behind 0x%lx", va + at);
		if (!json)
			dump_bytes(o, va + at, chunk, n);
		for (size_t i = 0; i < n; i++) {
			hex[2 * (at + i)] = digits[chunk[i] >> 4];
			hex[2 * (at + i) + 1] = digits[chunk[i] & 15];
		}
	}
	if (!json)
		return 0;
	hex[2 * len] = '\0';
	json_obj(o, NULL);
	json_hex(o, "ptr", va);
	json_str(o, "hex", hex);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("read", "ADDR LEN", "bytes at a kernel address", cmd_read, NULL);

/* ---- fill ---- */

static int cmd_fill(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 3, 3);
	const struct shell_mem *m;
	unsigned long inside;
	vaddr_t va;
	u64 len, byte;

	if (err || (err = arg_addr(o, "ADDR", argv[1], &va)) ||
	    (err = cmd_size(o, "LEN", argv[2], 1, ~0UL, &len)) ||
	    (err = cmd_number(o, "BYTE", argv[3], 0, 255, &byte)))
		return err;
	m = shell_mem_at(va);
	if (!m)
		return out_error(o, -EPERM,
				 "0x%lx is not in an allocation of this shell: `fill` writes nowhere else",
				 va);
	inside = (m->kind == SHELL_PAGES ? virt_to_phys((void *)va) : va) - m->start;
	if (len > m->nr_bytes - inside)
		return out_error(o, -EPERM,
				 "%lu bytes from 0x%lx reach beyond what `%s` gave, expected at most %lu",
				 len, va, shell_mem_name(m), m->nr_bytes - inside);
	memset((void *)va, (int)byte, len);
	if (!json) {
		out_printf(o, "filled 0x%016lx-0x%016lx with 0x%02lx\n", va, va + len, byte);
		return 0;
	}
	json_obj(o, NULL);
	json_hex(o, "ptr", va);
	json_num(o, "len", len);
	json_num(o, "byte", byte);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("fill", "ADDR LEN BYTE", "write into memory that the shell handed out", cmd_fill, NULL);
