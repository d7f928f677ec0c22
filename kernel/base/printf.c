/*
 * printf.c - formatted output into a buffer: C99 without floating point and %n, plus %pS, which prints an address of the
 * image as symbol+offset/size.
 *
 * Idea.       One engine, vsnprintf(), serves all output. It parses a conversion into a struct spec, converts the
 *             argument to digits or a string, and places these in the field.
 * Layout.     struct sink { buf, size, len } <- sink_field(prefix, zeros, body) <- one function for each kind of argument
 * Invariants. I1  no byte is written at or beyond buf + size; buf[0 .. min(len, size - 1)) is text, then a NUL (size > 0)
 *             I2  the returned length does not depend on size
 * Locking.    None, no static state: any context, also inside a panic.
 * Failure.    An unknown conversion is printed literally. A NULL string prints "(null)".
 * Next:       kernel/base/printk.c.
 */
#include <kernel/printk.h>
#include <kernel/string.h>

struct sink {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, whether it fits or not */
};

struct spec {
	bool left, plus, space, alt, zero;
	int width;
	int precision; /* -1: none given */
	int bytes;     /* size of the integer argument */
	char conv;
};

enum { DIGITS_MAX = 64 };

static void sink_char(struct sink *s, char c)
{
	if (s->len + 1 < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void sink_fill(struct sink *s, char c, int n)
{
	while (n-- > 0)
		sink_char(s, c);
}

static void sink_bytes(struct sink *s, const char *text, size_t n)
{
	while (n--)
		sink_char(s, *text++);
}

/* Writes blanks | prefix | zeros | body | blanks, at least spec->width characters. */
static void sink_field(struct sink *s, const struct spec *spec, const char *prefix, int zeros,
		       const char *body, size_t body_len)
{
	size_t used = strlen(prefix) + (size_t)zeros + body_len;
	int blanks = spec->width > 0 && (size_t)spec->width > used ? spec->width - (int)used : 0;

	if (!spec->left)
		sink_fill(s, ' ', blanks);
	sink_bytes(s, prefix, strlen(prefix));
	sink_fill(s, '0', zeros);
	sink_bytes(s, body, body_len);
	if (spec->left)
		sink_fill(s, ' ', blanks);
}

static void print_string(struct sink *s, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";
	sink_field(s, spec, "", 0, text,
		   spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision));
}

static void print_number(struct sink *s, const struct spec *spec, u64 v, const char *sign)
{
	const char *digit = spec->conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = spec->conv == 'x' || spec->conv == 'X' ? 16 : spec->conv == 'o' ? 8 : 10;
	char digits[DIGITS_MAX];
	int n = 0, zeros = 0;
	const char *prefix = sign;

	if (spec->alt && base == 16 && v)
		prefix = spec->conv == 'X' ? "0X" : "0x";
	for (; v; v /= base)
		digits[DIGITS_MAX - ++n] = digit[v % base];

	if (spec->precision >= 0)
		zeros = spec->precision - n;
	else if (spec->zero && !spec->left && spec->width)
		zeros = max(spec->width - (int)strlen(prefix) - n, n ? 0 : 1);
	else
		zeros = n ? 0 : 1;
	if (spec->alt && base == 8)
		zeros = max(zeros, 1);
	sink_field(s, spec, prefix, max(zeros, 0), digits + DIGITS_MAX - n, (size_t)n);
}

static void print_signed(struct sink *s, const struct spec *spec, s64 v)
{
	const char *sign = v < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	/* Unsigned negation is defined for the smallest number, too. */
	print_number(s, spec, v < 0 ? -(u64)v : (u64)v, sign);
}

static void print_symbol(struct sink *s, struct spec *spec, unsigned long addr)
{
	unsigned long offset, size;
	const char *name = ksym_lookup(addr, &offset, &size);
	char text[128];

	if (name)
		snprintf(text, sizeof(text), "%s+0x%lx/0x%lx", name, offset, size);
	else
		snprintf(text, sizeof(text), "0x%016lx", addr);
	print_string(s, spec, text);
}

static void print_pointer(struct sink *s, struct spec *spec, unsigned long addr)
{
	spec->conv = 'x';
	spec->alt = true;
	spec->precision = spec->precision < 0 ? 16 : spec->precision;
	print_number(s, spec, addr, addr ? "" : "0x"); /* '#' adds no prefix to 0, but a pointer needs one */
}

static const char *parse_flags(const char *f, struct spec *spec)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			spec->left = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alt = true;
			break;
		case '0':
			spec->zero = true;
			break;
		default:
			return f;
		}
	}
}

/* Reads decimal digits. The value is capped above every field width, so it cannot overflow. */
static const char *parse_count(const char *f, int *out)
{
	int v = 0;

	for (; *f >= '0' && *f <= '9'; f++)
		v = min(v * 10 + (*f - '0'), 1 << 20);
	*out = v;
	return f;
}

static const char *parse_length(const char *f, struct spec *spec)
{
	spec->bytes = sizeof(int);
	if (f[0] == 'h') {
		spec->bytes = f[1] == 'h' ? sizeof(char) : sizeof(short);
		return f[1] == 'h' ? f + 2 : f + 1;
	}
	if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't') {
		spec->bytes = sizeof(long);
		return f[0] == 'l' && f[1] == 'l' ? f + 2 : f + 1;
	}
	return f;
}

static u64 narrow_unsigned(u64 v, int bytes)
{
	return bytes == sizeof(char)	? (u8)v
	       : bytes == sizeof(short) ? (u16)v
	       : bytes == sizeof(int)	? (u32)v
					: v;
}

static s64 narrow_signed(s64 v, int bytes)
{
	return bytes == sizeof(char)	? (s8)v
	       : bytes == sizeof(short) ? (s16)v
	       : bytes == sizeof(int)	? (s32)v
					: v;
}

static const char *parse_star(const char *f, int *out, va_list *ap)
{
	if (*f != '*')
		return parse_count(f, out);
	*out = va_arg(*ap, int);
	return f + 1;
}

/* Parses the part between '%' and the conversion character. */
static const char *parse_spec(const char *f, struct spec *spec, va_list *ap)
{
	f = parse_flags(f, spec);
	f = parse_star(f, &spec->width, ap);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*f == '.')
		f = parse_star(f + 1, &spec->precision, ap);
	f = parse_length(f, spec);
	spec->conv = *f;
	return f;
}

/* Prints one argument. False: there is no such conversion. */
static bool print_arg(struct sink *s, struct spec *spec, bool symbol, va_list *ap)
{
	bool wide = spec->bytes == sizeof(long);
	char c;

	switch (spec->conv) {
	case 'd':
	case 'i':
		print_signed(s, spec,
			     narrow_signed(wide ? va_arg(*ap, long) : va_arg(*ap, int), spec->bytes));
		return true;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		print_number(s, spec,
			     narrow_unsigned(wide ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned),
					     spec->bytes),
			     "");
		return true;
	case 'c':
		c = (char)va_arg(*ap, int);
		sink_field(s, spec, "", 0, &c, 1);
		return true;
	case 's':
		print_string(s, spec, va_arg(*ap, const char *));
		return true;
	case 'p':
		if (symbol)
			print_symbol(s, spec, va_arg(*ap, unsigned long));
		else
			print_pointer(s, spec, va_arg(*ap, unsigned long));
		return true;
	case '%':
		sink_char(s, '%');
		return true;
	}
	return false;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct sink s = {buf, size, 0};
	va_list ap;

	va_copy(ap, args);
	for (const char *f = fmt; *f;) {
		struct spec spec = {.precision = -1};
		const char *start = f;
		bool symbol;

		if (*f != '%') {
			sink_char(&s, *f++);
			continue;
		}
		f = parse_spec(f + 1, &spec, &ap);
		symbol = f[0] == 'p' && f[1] == 'S';
		if (print_arg(&s, &spec, symbol, &ap))
			f += symbol ? 2 : 1;
		else /* print it literally, so that the mistake is visible */
			sink_bytes(&s, start, (size_t)(f - start));
	}
	va_end(ap);
	if (size)
		buf[min(s.len, size - 1)] = '\0';
	return (int)s.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size && (size_t)len >= size ? (int)size - 1 : len;
}
