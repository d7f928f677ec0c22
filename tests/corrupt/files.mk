# Sources of this directory, sorted, one per line; of the hosted build alone.
ifdef HOSTED
SRCS += tests/corrupt/campaign.c
SRCS += tests/corrupt/fields.c
SRCS += tests/corrupt/fields_page.c
SRCS += tests/corrupt/fields_slab.c
SRCS += tests/corrupt/live.c
SRCS += tests/corrupt/load.c
endif
