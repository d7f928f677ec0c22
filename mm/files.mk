# Sources of this directory, sorted, one per line.
SRCS += mm/buddy.c
SRCS += mm/check.c
SRCS += mm/direct_map.c
SRCS += mm/kmap.c
SRCS += mm/memblock.c
SRCS += mm/memmap.c
SRCS += mm/numa.c
SRCS += mm/page.c
SRCS += mm/page_alloc.c
SRCS += mm/pcp.c
SRCS += mm/percpu.c
SRCS += mm/pending.c
SRCS += mm/pgtable.c
SRCS += mm/tlb.c
SRCS += mm/vmalloc.c
SRCS += mm/vmap.c
SRCS += mm/zone.c
