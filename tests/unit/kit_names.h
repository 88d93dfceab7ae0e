/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kit's functions under other names, so that the test has those of the C
 * library as well. All of the kit is compiled with -include kit_names.h.
 */
#define putchar kit_putchar
#define getchar kit_getchar
#define puts kit_puts
#define printf kit_printf
#define vprintf kit_vprintf
#define snprintf kit_snprintf
#define vsnprintf kit_vsnprintf
#define scanf kit_scanf
#define vscanf kit_vscanf
#define sscanf kit_sscanf
#define vsscanf kit_vsscanf
#define memcpy kit_memcpy
#define memmove kit_memmove
#define memset kit_memset
#define memcmp kit_memcmp
#define strlen kit_strlen
#define strcmp kit_strcmp
#define strncmp kit_strncmp
#define strchr kit_strchr
#define strtol kit_strtol
#define strtoul kit_strtoul
#define isdigit kit_isdigit
#define isupper kit_isupper
#define islower kit_islower
#define isalpha kit_isalpha
#define isprint kit_isprint
#define isspace kit_isspace
#define tolower kit_tolower
#define toupper kit_toupper
