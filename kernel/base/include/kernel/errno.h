#ifndef KERNEL_ERRNO_H
#define KERNEL_ERRNO_H

/* Linux's numbers (include/uapi/asm-generic/errno-base.h). The shell prints them as STATUS. */
enum {
	EPERM = 1,
	ENOENT = 2,
	EIO = 5,
	E2BIG = 7,
	EAGAIN = 11,
	ENOMEM = 12,
	EFAULT = 14,
	EBUSY = 16,
	EEXIST = 17,
	ENODEV = 19,
	EINVAL = 22,
	ENOSPC = 28,
	ERANGE = 34,
	ENOSYS = 38,
	EOVERFLOW = 75,
};

#endif
