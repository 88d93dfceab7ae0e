// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kit answers as the C library does: to each rule by cases chosen by hand,
 * and to many thousands of calls that chance wrote. Where it does not, and
 * shall not, a table says why.
 *
 * KIT_SEED=7 writes other calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The kit's, as kit_isdigit() and so on: only here can both be seen. */
#include "kit_names.h"
#include "include/ctype.h"
#undef isdigit
#undef isupper
#undef islower
#undef isalpha
#undef isprint
#undef isspace
#undef tolower
#undef toupper
#undef putchar
#undef getchar
#undef puts
#undef printf
#undef vprintf
#undef snprintf
#undef vsnprintf
#undef scanf
#undef vscanf
#undef sscanf
#undef vsscanf
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strtol
#undef strtoul

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

int kit_puts(const char *text);
int kit_printf(const char *format, ...);
int kit_vprintf(const char *format, va_list args);
int kit_snprintf(char *text, size_t size, const char *format, ...);
int kit_vsnprintf(char *text, size_t size, const char *format, va_list args);
int kit_scanf(const char *format, ...);
int kit_vscanf(const char *format, va_list args);
int kit_sscanf(const char *text, const char *format, ...);
int kit_vsscanf(const char *text, const char *format, va_list args);
void *kit_memcpy(void *to, const void *from, size_t size);
void *kit_memmove(void *to, const void *from, size_t size);
void *kit_memset(void *to, int byte, size_t size);
int kit_memcmp(const void *a, const void *b, size_t size);
size_t kit_strlen(const char *text);
int kit_strcmp(const char *a, const char *b);
int kit_strncmp(const char *a, const char *b, size_t most);
char *kit_strchr(const char *text, int c);
long kit_strtol(const char *text, char **end, int base);
unsigned long kit_strtoul(const char *text, char **end, int base);

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define GENERATED 50000 /* of each family */
#define MOST_SHOWN 10 /* differences, then it is enough */

/* --- chance, the same each time --- */

static uint64_t chance = 1;

static uint64_t bits(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance * 0x2545f4914f6cdd1d;
}

static unsigned int below(unsigned int n)
{
	return (bits() >> 33) % n;
}

/* Numbers at which something could go wrong, and others. */
static uint64_t any_value(void)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 9, 10, 15, 16, 99, 100, 127, 128, 255, 256, 32767, 32768, 65535, 65536,
		INT_MAX, (uint64_t)INT_MAX + 1, UINT_MAX, (uint64_t)UINT_MAX + 1, INT64_MAX,
		(uint64_t)INT64_MAX + 1, UINT64_MAX, 9999999999, 10000000000, 18446744073709551609u
	};
	uint64_t value = edges[below(NR(edges))];

	switch (below(4)) {
	case 0:
		return value;
	case 1:
		return -value;
	case 2:
		return bits();
	}
	return bits() >> below(64);
}

static void seed(void)
{
	const char *wish = getenv("KIT_SEED");

	chance = wish ? strtoull(wish, NULL, 0) | 1 : 1;
	bits();
}

/* --- the kit's console --- */

static char shown[4096];
static size_t nr_shown;
static const char *typed = "";

int kit_putchar(int c);
int kit_getchar(void);

int kit_putchar(int c)
{
	assert_in_range(c, 0, 255); /* as the C library's: an unsigned char */
	if (nr_shown < sizeof(shown))
		shown[nr_shown++] = c;
	return c;
}

int kit_getchar(void)
{
	return *typed ? (unsigned char)*typed++ : EOF;
}

static void show_text(const char *name, const char *text, size_t length)
{
	size_t i;

	fprintf(stderr, "  %-10s\"", name);
	for (i = 0; i < length; i++) {
		unsigned char c = text[i];

		fprintf(stderr, isprint(c) ? "%c" : "\\x%02x", c);
	}
	fprintf(stderr, "\"\n");
}

/* --- printf --- */

static bool is_same_print(size_t size, const char *format, va_list args)
{
	char *theirs = malloc(size), *ours = malloc(size); /* a byte too many is noticed */
	static char console_theirs[4096];
	size_t length, all;
	bool same;
	int n_theirs, n_ours, n_console;
	va_list again;

	memset(theirs, 0x5a, size);
	memset(ours, 0x5a, size);
	va_copy(again, args);
	n_theirs = vsnprintf(theirs, size, format, again);
	va_end(again);
	va_copy(again, args);
	n_ours = kit_vsnprintf(ours, size, format, again);
	va_end(again);
	va_copy(again, args);
	vsnprintf(console_theirs, sizeof(console_theirs), format, again);
	va_end(again);
	va_copy(again, args);
	nr_shown = 0;
	n_console = kit_vprintf(format, again);
	va_end(again);

	all = n_theirs < 0 ? 0 : n_theirs;
	assert_true(all < sizeof(shown));
	length = all < size ? all + 1 : size;
	same = n_theirs == n_ours && n_theirs == n_console && nr_shown == all &&
	       !memcmp(theirs, ours, length) && !memcmp(console_theirs, shown, all);
	if (!same) {
		show_text("format", format, strlen(format));
		fprintf(stderr, "  size %zu: C library %d, kit %d; on the console %d\n", size,
			n_theirs, n_ours, n_console);
		show_text("C library", theirs, length);
		show_text("kit", ours, length);
		show_text("console", shown, nr_shown);
	}
	free(theirs);
	free(ours);
	return same;
}

static bool same_print(size_t size, const char *format, ...)
{
	va_list args;
	bool same;

	va_start(args, format);
	same = is_same_print(size, format, args);
	va_end(args);
	return same;
}

#define PRINTS(...) assert_true(same_print(200, __VA_ARGS__))

static void test_printf_text_is_copied(void **state)
{
	(void)state;
	PRINTS("");
	PRINTS("a");
	PRINTS("Good night.\n");
	PRINTS("100%%");
	PRINTS("%%%%");
	PRINTS("\x80\xff");
}

static void test_printf_signed(void **state)
{
	(void)state;
	PRINTS("%d %i", 0, -1);
	PRINTS("%d %d", INT_MAX, INT_MIN);
	PRINTS("%d and %d and %d", 10, 100, 1000);
}

static void test_printf_unsigned(void **state)
{
	(void)state;
	PRINTS("%u %u", 0, UINT_MAX);
	PRINTS("%x %X", 0xbadcafe, 0xbadcafe);
	PRINTS("%x %X %o", 0, 0, 0);
	PRINTS("%o %o", 8, UINT_MAX);
}

static void test_printf_lengths(void **state)
{
	(void)state;
	PRINTS("%hhd %hhd %hhu %hhx", 127, 128, 257, -1);
	PRINTS("%hd %hd %hu %hx", 32767, 32768, 65537, -1);
	PRINTS("%ld %lu %lx", LONG_MIN, ULONG_MAX, LONG_MAX);
	PRINTS("%lld %llu %llo", LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
	PRINTS("%zd %zu %zx", (size_t)-1, (size_t)-1, (size_t)-1);
	PRINTS("%d %d", 1ll << 32, (1ll << 32) - 1); /* only an int of it */
}

static void test_printf_width(void **state)
{
	(void)state;
	PRINTS("[%5d] [%5d] [%2d]", 42, -42, 12345);
	PRINTS("[%-5d] [%-2d]", 42, 12345);
	PRINTS("[%*d] [%*d] [%*d]", 5, 42, -5, 42, 0, 42);
	PRINTS("[%5s] [%-5s] [%3c] [%-3c]", "ab", "ab", 'x', 'x');
	PRINTS("[%05d] [%05d] [%-05d] [%0d]", 42, -42, 42, 42);
	PRINTS("[%012x] [%#012x] [%#o] [%#05o]", 42, 42, 42, 42);
}

static void test_printf_sign(void **state)
{
	(void)state;
	PRINTS("%+d %+d %+d", 1, 0, -1);
	PRINTS("% d % d % d", 1, 0, -1);
	PRINTS("%+ d % +d", 1, 1);
	PRINTS("%+05d % 05d %-+5d|", 1, 1, 1);
}

static void test_printf_precision(void **state)
{
	(void)state;
	PRINTS("%.3d %.3d %.3d", 7, -7, 12345);
	PRINTS("[%.0d] [%.0d] [%.d] [%+.0d]", 0, 1, 0, 0);
	PRINTS("[%5.3d] [%-5.3d] [%05.3d]", 7, 7, 7);
	PRINTS("[%.*d] [%.*d] [%05.*d]", 3, 7, -1, 7, -1, 7);
	PRINTS("[%.30x] [%40.30x]", 7, 7);
	PRINTS("[%.0x] [%#.0x] [%#.0o] [%.0o]", 0, 0, 0, 0);
	PRINTS("[%#.3o] [%#.1o] [%#o] [%#x] [%#X]", 8, 8, 0, 0, 255);
}

static void test_printf_string(void **state)
{
	static const char open_end[3] = { 'a', 'b', 'c' };
	char *heap = malloc(3);

	(void)state;
	PRINTS("%s%s", "", "ab");
	PRINTS("[%.2s] [%.0s] [%.s] [%.9s]", "abc", "abc", "abc", "abc");
	PRINTS("[%5.2s] [%-5.2s] [%.*s]", "abc", "abc", -1, "abc");
	PRINTS("%.3s", open_end);
	memcpy(heap, open_end, 3); /* nothing behind it is touched */
	PRINTS("%.3s", heap);
	free(heap);
	PRINTS("%s [%.5s] [%.6s] [%8s]", NULL, NULL, NULL, NULL);
}

static void test_printf_character(void **state)
{
	(void)state;
	PRINTS("%c%c%c", 'a', 0, 'b');
	PRINTS("%c %c", 255, 256 + 'a');
}

static void test_printf_pointer(void **state)
{
	(void)state;
	PRINTS("%p %20p %-20p|", (void *)0x7c00, (void *)1, (void *)UINTPTR_MAX);
}

static void test_printf_shows_what_it_does_not_know(void **state)
{
	(void)state;
	PRINTS("%y");
	PRINTS("a %5y b");
	PRINTS("%!%d", 5);
}

static void test_printf_never_writes_too_much(void **state)
{
	size_t size;

	(void)state;
	for (size = 0; size < 20; size++)
		assert_true(same_print(size, "%d bottles", 99));
	assert_int_equal(kit_snprintf(NULL, 0, "%d bottles", 99), 10);
}

static void test_printf_and_its_sisters_say_the_same(void **state)
{
	char text[20];

	(void)state;
	nr_shown = 0;
	assert_int_equal(kit_printf("%d %s\n", 42, "x"), 5);
	assert_int_equal(nr_shown, 5);
	assert_memory_equal(shown, "42 x\n", 5);
	assert_int_equal(kit_snprintf(text, sizeof(text), "%d %s\n", 42, "x"), 5);
	assert_string_equal(text, "42 x\n");
	nr_shown = 0;
	assert_true(kit_puts("100%d") >= 0);
	assert_int_equal(nr_shown, 6);
	assert_memory_equal(shown, "100%d\n", 6);
}

/* A format that grows, with its arguments. */
struct call {
	char format[256];
	size_t length;
	uint64_t args[9];
	size_t nr_args;
};

static void add(struct call *call, const char *text)
{
	call->length += snprintf(call->format + call->length,
				 sizeof(call->format) - call->length, "%s", text);
}

static void add_char(struct call *call, char c)
{
	char text[2] = { c };

	add(call, text);
}

static void add_int(struct call *call, unsigned int n)
{
	char text[20];

	snprintf(text, sizeof(text), "%u", n);
	add(call, text);
}

static void add_count(struct call *call)
{
	if (below(3)) {
		add_int(call, below(20) ? below(30) : below(300));
	} else {
		add(call, "*");
		call->args[call->nr_args++] = (int)(below(60) - 20);
	}
}

static const char *const lengths[] = { "hh", "h", "", "l", "ll", "z" };

static const char *any_string(void)
{
	static const char *const strings[] = {
		NULL,
		"",
		"a",
		"NanoX",
		"a word or two",
		"%d",
		"0123456789012345678901234567890123456789",
	};

	return strings[below(NR(strings))];
}

static void add_print_conversion(struct call *call)
{
	static const char letters[] = "diuxXodiuxXocsp%";
	char letter = letters[below(NR(letters) - 1)];
	/* C says what + and blank are for numbers with a sign only: see the table. */
	const char *flags = letter == 'p' ? "-" : letter == '%' ? ""
								: "-+ 0#";
	size_t i;

	add(call, "%");
	for (i = 0; i < strlen(flags); i++) {
		if (!below(4))
			add_char(call, flags[below(strlen(flags))]);
	}
	if (letter != '%' && below(2)) {
		/* A 0 here would be a flag, and no matter. */
		add_count(call);
	}
	if (letter != '%' && letter != 'p' && !below(3)) {
		add(call, ".");
		if (below(6))
			add_count(call);
	}
	if (strchr("diuxXo", letter))
		add(call, lengths[below(NR(lengths))]);
	add_char(call, letter);
	if (letter == 's')
		call->args[call->nr_args++] = (uintptr_t)any_string();
	else if (letter == 'p')
		call->args[call->nr_args++] = any_value() | 1; /* not NULL: see the table */
	else if (letter != '%')
		call->args[call->nr_args++] = any_value();
}

static void test_printf_generated(void **state)
{
	unsigned int i, pieces, differences = 0;
	struct call call;
	uint64_t *a = call.args;
	size_t j;

	(void)state;
	seed();
	for (i = 0; i < GENERATED && differences < MOST_SHOWN; i++) {
		memset(&call, 0, sizeof(call));
		for (pieces = 1 + below(3); pieces; pieces--) {
			if (!below(3))
				add(&call, below(2) ? "x = " : "%%");
			add_print_conversion(&call);
		}
		/*
		 * On x86-64 an int and a pointer have a place of 8 bytes, too:
		 * all of these can be passed, of whatever type they are taken.
		 */
		if (same_print(below(4) ? 1500 : below(40), call.format, a[0], a[1], a[2], a[3],
			       a[4], a[5], a[6], a[7], a[8]))
			continue;
		differences++;
		for (j = 0; j < call.nr_args; j++)
			fprintf(stderr, "  argument %#lx\n", a[j]);
	}
	assert_int_equal(differences, 0);
}

/* --- scanf --- */

#define SLOTS 9
#define SLOT 64

struct answer {
	int stored;
	_Alignas(long long) unsigned char slot[SLOTS][SLOT];
	char rest[256]; /* what was not read */
	size_t nr_rest;
};

#define ALL_SLOTS(a)                                                                        \
	(a)->slot[0], (a)->slot[1], (a)->slot[2], (a)->slot[3], (a)->slot[4], (a)->slot[5], \
		(a)->slot[6], (a)->slot[7], (a)->slot[8]

static void clear(struct answer *answer)
{
	memset(answer, 0xa5, sizeof(*answer));
	answer->nr_rest = 0;
}

static void scan_theirs(struct answer *answer, const char *text, const char *format)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");

	clear(answer);
	assert_non_null(file);
	answer->stored = fscanf(file, format, ALL_SLOTS(answer));
	answer->nr_rest = fread(answer->rest, 1, sizeof(answer->rest), file);
	fclose(file);
}

static void scan_string(struct answer *answer, const char *text, const char *format)
{
	clear(answer);
	answer->stored = kit_sscanf(text, format, ALL_SLOTS(answer));
}

static void scan_console(struct answer *answer, const char *text, const char *format)
{
	clear(answer);
	typed = text;
	answer->stored = kit_scanf(format, ALL_SLOTS(answer));
	while (kit_scanf("%c", &answer->rest[answer->nr_rest]) == 1)
		answer->nr_rest++;
}

static void show_answer(const char *name, const struct answer *answer)
{
	size_t i, j;

	fprintf(stderr, "  %s: %d\n", name, answer->stored);
	for (i = 0; i < SLOTS; i++) {
		size_t used = 0;

		for (j = 0; j < SLOT; j++)
			used = answer->slot[i][j] != 0xa5 ? j + 1 : used;
		if (used)
			show_text("  stored", (const char *)answer->slot[i], used);
	}
	show_text("  rest", answer->rest, answer->nr_rest);
}

static bool same_scan(const char *text, const char *format)
{
	struct answer theirs, library, string, console;
	bool same;

	/* Both of the C library's agree; sscanf has no rest that could be seen. */
	scan_theirs(&theirs, text, format);
	clear(&library);
	library.stored = sscanf(text, format, ALL_SLOTS(&library));
	scan_string(&string, text, format);
	scan_console(&console, text, format);

	assert_int_equal(library.stored, theirs.stored);
	same = theirs.stored == string.stored && theirs.stored == console.stored &&
	       !memcmp(library.slot, string.slot, sizeof(string.slot)) &&
	       !memcmp(library.slot, console.slot, sizeof(console.slot)) &&
	       theirs.nr_rest == console.nr_rest &&
	       !memcmp(theirs.rest, console.rest, theirs.nr_rest);
	if (!same) {
		show_text("format", format, strlen(format));
		show_text("input", text, strlen(text));
		show_answer("C library", &theirs);
		show_answer("kit, from a string", &string);
		show_answer("kit, from the console", &console);
	}
	return same;
}

#define SCANS(text, format) assert_true(same_scan(text, format))

static void test_scanf_space_matches_any_space(void **state)
{
	(void)state;
	SCANS(" \t\n\v\f\r5", " %d");
	SCANS("5", " %d");
	SCANS("5   6", "%d %d");
	SCANS("5\n\n6", "%d\t%d");
	SCANS("5   ", "%d ");
	SCANS("   ", " ");
	SCANS("   ", " %d");
}

static void test_scanf_other_characters_match_themselves(void **state)
{
	(void)state;
	SCANS("x=5", "x=%d");
	SCANS("x5", "x=%d");
	SCANS(" x5", "x%d");
	SCANS("50% 7", "%d%% %d");
	SCANS("50 % 7", "%d%%%d");
	SCANS("50!", "%d%%");
	SCANS("", "x");
	SCANS("a", "ab");
}

static void test_scanf_signed(void **state)
{
	(void)state;
	SCANS("12 -12 +12 0 -0 007", "%d%d%d%d%d%d");
	SCANS("2147483647 -2147483648", "%d%d");
	SCANS("12ab", "%d%d");
	SCANS("- 5", "%d");
	SCANS("-", "%d");
	SCANS("+-5", "%d");
	SCANS("x", "%d");
}

static void test_scanf_unsigned(void **state)
{
	(void)state;
	SCANS("12 4294967295 -1", "%u%u%u");
	SCANS("ff FF 0xff 0XfF -a", "%x%x%x%x%x");
	SCANS("17 8 077", "%o%o%o");
	SCANS("fg", "%x%x");
	SCANS("0x", "%x");
	SCANS("0xg", "%x%c");
	SCANS("0x12", "%u%c");
}

static void test_scanf_base_by_prefix(void **state)
{
	(void)state;
	SCANS("10 010 0x10 0 -0x10 +010", "%i%i%i%i%i%i");
	SCANS("08", "%i%c");
	SCANS("0x", "%i");
	SCANS("0xz", "%i%c");
	SCANS("x1", "%i");
}

static void test_scanf_lengths(void **state)
{
	(void)state;
	SCANS("1 2 3 4 5 6", "%hhd%hd%d%ld%lld%zd");
	SCANS("-1 -1 -1 -1 -1 -1", "%hhd%hd%d%ld%lld%zd");
	SCANS("ff ff ff ff ff ff", "%hhx%hx%x%lx%llx%zx");
	SCANS("300 70000 5000000000", "%hhu%hu%u");
}

static void test_scanf_too_large_is_the_largest(void **state)
{
	(void)state;
	SCANS("9223372036854775807 9223372036854775808", "%lld%lld");
	SCANS("-9223372036854775808 -9223372036854775809", "%lld%lld");
	SCANS("18446744073709551615 18446744073709551616", "%llu%llu");
	SCANS("-18446744073709551615 -18446744073709551616", "%llu%llu");
	SCANS("ffffffffffffffff 10000000000000000", "%llx%llx");
	SCANS("99999999999999999999999999", "%d");
	SCANS("-99999999999999999999999999", "%d");
	SCANS("99999999999999999999999999", "%u");
	SCANS("4294967296 4294967301", "%d%d");
}

static void test_scanf_width(void **state)
{
	(void)state;
	SCANS("12345", "%2d%3d");
	SCANS("12345", "%0d%3d");
	SCANS("-123", "%1d");
	SCANS("-123", "%2d%d");
	SCANS("0x123", "%1i%d");
	SCANS("0x123", "%2i%c");
	SCANS("0x123", "%3i%d");
	SCANS("  123", "%2d%d");
	SCANS("abcdef", "%3s%s");
	SCANS("abcdef", "%3[a-e]%s");
	SCANS("abcdef", "%3c%c");
	SCANS("ab", "%3c");
}

static void test_scanf_word(void **state)
{
	(void)state;
	SCANS("  two words ", "%s%s%s");
	SCANS("one\ttwo\nthree\r", "%s%s%s");
	SCANS("", "%s");
	SCANS("  ", "%s");
	SCANS("\x80\xff \xa0", "%s%s");
}

static void test_scanf_character(void **state)
{
	(void)state;
	SCANS(" a", "%c%c");
	SCANS(" a", " %c");
	SCANS("", "%c");
	SCANS("\xff", "%c");
}

static void test_scanf_set(void **state)
{
	(void)state;
	SCANS("abc1", "%[a-c]%d");
	SCANS("abc1", "%[^0-9]%d");
	SCANS(" abc", "%[a-c]");
	SCANS("a]b-c", "%[]a]%[b-]%c");
	SCANS("a]b-c", "%[^]]%c%[-b]");
	SCANS("-^a", "%[-^]%c");
	SCANS("0-9A", "%[0-]%c"); /* as the last it is no range */
	SCANS("acegz", "%[a-c-e]%c");
	SCANS("zba-", "%[z-a]%c");
	SCANS("5 6", "%[0-9 ]");
	SCANS("a-b", "%[a--b]%c");
	SCANS("^", "%[^^]%c");
	SCANS("\x80\xfe\xff", "%[\x80-\xfe]%c");
	SCANS("", "%[a]");
	SCANS("b", "%[a]");
	SCANS("a", "%[a");
	SCANS("a", "%[]");
	SCANS("a", "%[^");
	SCANS("", "%[^]");
}

static void test_scanf_suppression(void **state)
{
	(void)state;
	SCANS("1 2 three f 4", "%*d%d%*s %*c%d");
	SCANS("abc5", "%*[a-c]%d");
	SCANS("12345", "%*2d%d");
	SCANS("5", "%*d%d");
	SCANS("5 x", "%*d%d");
}

static void test_scanf_count(void **state)
{
	(void)state;
	SCANS("12 34", "%d%n%d%n");
	SCANS("abc", "%n%2c%n%n");
	SCANS("  abc", " %n%s");
	SCANS("12", "%d%*n%n");
	SCANS("12", "%d%hhn%hn%ln%lln%zn");
	SCANS("x", "%d%n");
	SCANS("", "%n");
}

static void test_scanf_end_of_input(void **state)
{
	(void)state;
	SCANS("", "");
	SCANS("", "%d");
	SCANS("", " ");
	SCANS("", "%%");
	SCANS("1", "%d%d");
	SCANS("1 x", "%d%d");
	SCANS("x", "%d%d");
	SCANS("1", "%d,");
	SCANS("1", "%*d");
	SCANS("1", "%*dx");
}

static void test_scanf_ends_at_what_it_does_not_know(void **state)
{
	(void)state;
	SCANS("1 2", "%d%y%d");
	SCANS("1 2", "%d%");
	SCANS("1  2", "%d%5");
	SCANS("1 2", "%d%l");
}

static void test_scanf_holds_one_character_back(void **state)
{
	char word[8];
	int n = 0;

	(void)state;
	typed = "12\nabc";
	assert_int_equal(kit_scanf("%d", &n), 1);
	assert_int_equal(n, 12);
	assert_string_equal(typed, "abc"); /* the new line is held back */
	assert_int_equal(kit_sscanf("7", "%d", &n), 1); /* strings are apart from it */
	assert_int_equal(n, 7);
	assert_int_equal(kit_scanf("%d", &n), 0);
	assert_int_equal(kit_scanf("%7[\nabc]", word), 1);
	assert_string_equal(word, "abc"); /* a blank before %d takes the new line */
}

static void test_scanf_reads_nothing_it_does_not_need(void **state)
{
	char text[8];
	int n;

	(void)state;
	typed = "12345";
	assert_int_equal(kit_scanf("%2d", &n), 1);
	assert_string_equal(typed, "345");
	assert_int_equal(kit_scanf("%c", text), 1);
	assert_string_equal(typed, "45");
	assert_int_equal(kit_scanf("4"), 0);
	assert_string_equal(typed, "5");
	assert_int_equal(kit_scanf("%1s%n", text, &n), 1);
	assert_string_equal(typed, "");
}

static void test_scanf_goes_on_after_the_end_of_input(void **state)
{
	int n = 0;

	(void)state;
	typed = "";
	assert_int_equal(kit_scanf("%d", &n), EOF);
	typed = "5";
	assert_int_equal(kit_scanf("%d", &n), 1);
	assert_int_equal(n, 5);
}

/* A format, and an input that fits it. */
struct scan_case {
	struct call call;
	char text[SLOT];
	size_t length;
};

static void type(struct scan_case *c, const char *text)
{
	/* What is stored must have room in one slot, with its 0. */
	c->length += snprintf(c->text + c->length, sizeof(c->text) - c->length, "%s", text);
	if (c->length > sizeof(c->text) - 1)
		c->length = sizeof(c->text) - 1;
}

static void type_number(struct scan_case *c)
{
	static const char *const forms[] = { "%ld", "%lu", "%lx", "%#lx", "%lo", "%#lo", "+%lu" };
	static const char *const odd[] = {
		"0x",
		"-",
		"+",
		"0",
		"-0x",
		"0xg",
		"08",
		"99999999999999999999",
		"-99999999999999999999",
		"0x10000000000000000",
		"18446744073709551616",
	};
	char text[64];

	if (below(6)) {
		snprintf(text, sizeof(text), forms[below(NR(forms))], any_value());
		type(c, text);
	} else {
		type(c, odd[below(NR(odd))]);
	}
}

static void type_letters(struct scan_case *c)
{
	static const char letters[] = "abcabcxyz-]^019_";
	char text[2] = "";
	int n;

	for (n = 1 + below(8); n; n--) {
		text[0] = letters[below(NR(letters) - 1)];
		type(c, text);
	}
}

static void add_set(struct call *call)
{
	static const char *const sets[] = {
		"[abc]",
		"[a-c]",
		"[^a-c]",
		"[]a]",
		"[^]a]",
		"[-a]",
		"[a-]",
		"[0-]",
		"[^-]",
		"[a-z0-9]",
		"[c-a]",
		"[^ \n]",
		"[a-c-z]",
		"[--9]",
		"[\x01-\xff]",
		"[a-c",
		"[]",
		"[]-a]",
		"[0-9a-bx]",
	};

	add(call, sets[below(NR(sets))]);
}

static void add_scan_conversion(struct scan_case *c)
{
	static const char letters[] = "diuxodiuxodiuxcs[[n%";
	char letter = letters[below(NR(letters) - 1)];
	struct call *call = &c->call;

	add(call, "%");
	if (!below(5) && letter != '%')
		add(call, "*");
	if (!below(3) && letter != 'n' && letter != '%')
		add_int(call, below(4) ? 1 + below(6) : below(30));
	if (strchr("diuxon", letter)) {
		add(call, lengths[below(NR(lengths))]);
		if (letter != 'n')
			type_number(c);
	} else if (letter == '%') {
		type(c, "%");
	} else {
		type_letters(c);
	}
	if (letter == '[')
		add_set(call);
	else
		add_char(call, letter);
}

static void add_between(struct scan_case *c)
{
	static const char *const spaces[] = { " ", "\n", "\t ", "", "   " };
	static const char *const words[] = { ",", "x", "=", "ab" };
	const char *word;

	switch (below(4)) {
	case 0:
		add(&c->call, spaces[below(3)]);
		type(c, spaces[below(NR(spaces))]);
		break;
	case 1:
		word = words[below(NR(words))];
		add(&c->call, word);
		type(c, word);
		break;
	default:
		type(c, spaces[below(NR(spaces))]);
	}
}

static char any_char(void)
{
	static const char likely[] = " \n-+0x9a%,=]";

	return below(3) ? likely[below(NR(likely) - 1)] : (char)(1 + below(255));
}

/* Something else is typed. */
static void break_input(struct scan_case *c)
{
	size_t at = c->length ? below(c->length) : 0;

	if (!c->length)
		return;
	switch (below(4)) {
	case 0:
		c->text[at] = '\0';
		break;
	case 1:
		c->text[at] = any_char();
		break;
	case 2:
		memmove(c->text + at, c->text + at + 1, c->length - at);
		break;
	default:
		memmove(c->text + at + 1, c->text + at, sizeof(c->text) - at - 1);
		c->text[at] = any_char();
		c->text[sizeof(c->text) - 1] = '\0';
	}
	c->length = strlen(c->text);
}

static void test_scanf_generated(void **state)
{
	unsigned int i, pieces, differences = 0;
	struct scan_case c;

	(void)state;
	seed();
	for (i = 0; i < GENERATED && differences < MOST_SHOWN; i++) {
		memset(&c, 0, sizeof(c));
		for (pieces = 1 + below(4); pieces; pieces--) {
			add_between(&c);
			add_scan_conversion(&c);
		}
		add_between(&c);
		while (!below(2))
			break_input(&c);
		differences += !same_scan(c.text, c.call.format);
	}
	assert_int_equal(differences, 0);
}

/* --- what is meant to be different --- */

static const struct {
	const char *format;
	uint64_t arg;
	const char *kit;
	const char *why;
} known_print[] = {
	{ "%p", 0, "0x0", "address 0 is memory in NanoX, and no (nil)" },
	{ "%+p", 1, "0x1", "an address has no sign; C does not say what this is" },
	{ "5%", 0, "5%", "a % that nothing follows is shown; glibc returns -1" },
};

static void test_known_differences_of_printf(void **state)
{
	char ours[64], theirs[64];
	size_t i;

	(void)state;
	for (i = 0; i < NR(known_print); i++) {
		int n_theirs = snprintf(theirs, sizeof(theirs), known_print[i].format,
					known_print[i].arg);
		int n_ours = kit_snprintf(ours, sizeof(ours), known_print[i].format,
					  known_print[i].arg);

		assert_string_equal(ours, known_print[i].kit);
		assert_int_equal(n_ours, strlen(ours));
		assert_true(n_ours != n_theirs || strcmp(ours, theirs));
		assert_true(strlen(known_print[i].why) > 20);
	}
}

static const struct {
	const char *text;
	const char *format;
	int kit;
	const char *why;
} known_scan[] = {
	{ "ff", "%X", 0, "%x takes capitals, too: one letter is enough" },
	{ "0x7c00", "%p", 0, "an address is typed for %lx" },
	{ "1.5", "%f", 0, "NanoX has no floating point" },
	{ "ab", "%ms", 0, "there is no malloc in NanoX" },
};

static void test_known_differences_of_scanf(void **state)
{
	struct answer theirs;
	struct answer ours;
	size_t i;

	(void)state;
	for (i = 0; i < NR(known_scan); i++) {
		scan_theirs(&theirs, known_scan[i].text, known_scan[i].format);
		scan_string(&ours, known_scan[i].text, known_scan[i].format);
		assert_int_equal(ours.stored, known_scan[i].kit);
		assert_int_not_equal(ours.stored, theirs.stored);
		assert_true(strlen(known_scan[i].why) > 20);
		if (strstr(known_scan[i].format, "m"))
			free(*(char **)theirs.slot[0]);
	}
}

/* --- string.c and ctype.h --- */

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void any_bytes(unsigned char *bytes, size_t size)
{
	while (size--)
		*bytes++ = below(3) ? 'a' + below(2) : below(256);
}

static void test_memory_is_moved(void **state)
{
	unsigned char ours[64], theirs[64];
	size_t to, from, size;
	int i;

	(void)state;
	seed();
	for (i = 0; i < 20000; i++) {
		any_bytes(ours, sizeof(ours));
		memcpy(theirs, ours, sizeof(ours));
		size = below(33);
		from = below(sizeof(ours) - size + 1);
		to = below(sizeof(ours) - size + 1);
		memmove(theirs + to, theirs + from, size);
		assert_ptr_equal(kit_memmove(ours + to, ours + from, size), ours + to);
		assert_memory_equal(ours, theirs, sizeof(ours));

		to = below(32 - size / 2), from = 32 + below(33 - size);
		if (to + size > from)
			continue;
		memcpy(theirs + to, theirs + from, size);
		assert_ptr_equal(kit_memcpy(ours + to, ours + from, size), ours + to);
		assert_memory_equal(ours, theirs, sizeof(ours));
		memset(theirs + to, i, size);
		assert_ptr_equal(kit_memset(ours + to, i, size), ours + to);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
}

static void test_memory_and_strings_are_compared(void **state)
{
	char a[9], b[9];
	size_t most;
	int i, c;

	(void)state;
	seed();
	for (i = 0; i < 20000; i++) {
		any_bytes((unsigned char *)a, 8);
		any_bytes((unsigned char *)b, 8);
		a[8] = b[8] = '\0';
		most = below(10);
		if (most < 9)
			assert_int_equal(sign(kit_memcmp(a, b, most)), sign(memcmp(a, b, most)));
		if (!below(3))
			memcpy(b, a, below(10));
		assert_int_equal(sign(kit_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(kit_strncmp(a, b, most)), sign(strncmp(a, b, most)));
		assert_int_equal(kit_strlen(a), strlen(a));
		c = below(4) ? a[below(9)] : (int)below(512) - 256;
		assert_ptr_equal(kit_strchr(a, c), strchr(a, c));
	}
	assert_true(kit_memcmp("\x80", "\x7f", 1) > 0);
	assert_true(kit_strcmp("\x80", "\x7f") > 0);
	assert_ptr_equal(kit_strchr(a, 0), a + strlen(a));
}

static void same_strtol(const char *text, int base)
{
	char *theirs, *ours;

	assert_int_equal(kit_strtol(text, &ours, base), strtol(text, &theirs, base));
	assert_ptr_equal(ours, theirs);
	assert_int_equal(kit_strtoul(text, &ours, base), strtoul(text, &theirs, base));
	assert_ptr_equal(ours, theirs);
}

static void test_strtol(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"0x",
		"0x1",
		"0xg",
		"-0x1",
		"08",
		"z",
		"-",
		"+5",
		"- 5",
		" \t\n7",
		"9223372036854775807",
		"9223372036854775808",
		"-9223372036854775808",
		"-9223372036854775809",
		"18446744073709551615",
		"18446744073709551616",
		"-18446744073709551615",
		"-18446744073709551616",
		"99999999999999999999999",
		"-99999999999999999999999",
	};
	static const int bases[] = { 0, 2, 8, 10, 16, 36 };
	struct scan_case c;
	size_t i, j;

	(void)state;
	for (i = 0; i < NR(texts); i++) {
		for (j = 0; j < NR(bases); j++)
			same_strtol(texts[i], bases[j]);
	}
	assert_int_equal(kit_strtol("42", NULL, 10), 42);
	seed();
	for (i = 0; i < 20000; i++) {
		memset(&c, 0, sizeof(c));
		type(&c, below(2) ? " " : "");
		type_number(&c);
		if (!below(4))
			break_input(&c);
		same_strtol(c.text, bases[below(NR(bases))]);
	}
}

static void test_kinds_of_characters(void **state)
{
	int c;

	(void)state;
	for (c = -1; c < 256; c++) {
		assert_int_equal(!kit_isdigit(c), !isdigit(c));
		assert_int_equal(!kit_isupper(c), !isupper(c));
		assert_int_equal(!kit_islower(c), !islower(c));
		assert_int_equal(!kit_isalpha(c), !isalpha(c));
		assert_int_equal(!kit_isprint(c), !isprint(c));
		assert_int_equal(!kit_isspace(c), !isspace(c));
		assert_int_equal(kit_tolower(c), tolower(c));
		assert_int_equal(kit_toupper(c), toupper(c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printf_text_is_copied),
		cmocka_unit_test(test_printf_signed),
		cmocka_unit_test(test_printf_unsigned),
		cmocka_unit_test(test_printf_lengths),
		cmocka_unit_test(test_printf_width),
		cmocka_unit_test(test_printf_sign),
		cmocka_unit_test(test_printf_precision),
		cmocka_unit_test(test_printf_string),
		cmocka_unit_test(test_printf_character),
		cmocka_unit_test(test_printf_pointer),
		cmocka_unit_test(test_printf_shows_what_it_does_not_know),
		cmocka_unit_test(test_printf_never_writes_too_much),
		cmocka_unit_test(test_printf_and_its_sisters_say_the_same),
		cmocka_unit_test(test_printf_generated),
		cmocka_unit_test(test_scanf_space_matches_any_space),
		cmocka_unit_test(test_scanf_other_characters_match_themselves),
		cmocka_unit_test(test_scanf_signed),
		cmocka_unit_test(test_scanf_unsigned),
		cmocka_unit_test(test_scanf_base_by_prefix),
		cmocka_unit_test(test_scanf_lengths),
		cmocka_unit_test(test_scanf_too_large_is_the_largest),
		cmocka_unit_test(test_scanf_width),
		cmocka_unit_test(test_scanf_word),
		cmocka_unit_test(test_scanf_character),
		cmocka_unit_test(test_scanf_set),
		cmocka_unit_test(test_scanf_suppression),
		cmocka_unit_test(test_scanf_count),
		cmocka_unit_test(test_scanf_end_of_input),
		cmocka_unit_test(test_scanf_ends_at_what_it_does_not_know),
		cmocka_unit_test(test_scanf_holds_one_character_back),
		cmocka_unit_test(test_scanf_reads_nothing_it_does_not_need),
		cmocka_unit_test(test_scanf_goes_on_after_the_end_of_input),
		cmocka_unit_test(test_scanf_generated),
		cmocka_unit_test(test_known_differences_of_printf),
		cmocka_unit_test(test_known_differences_of_scanf),
		cmocka_unit_test(test_memory_is_moved),
		cmocka_unit_test(test_memory_and_strings_are_compared),
		cmocka_unit_test(test_strtol),
		cmocka_unit_test(test_kinds_of_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
