// SPDX-License-Identifier: GPL-2.0-only
/*
 * Much, both ways at once, through a guest that gives back each byte: one of us
 * writes as fast as he may, the other reads slowly. Who is full makes the
 * others wait, and no byte is lost, doubled or changed.
 *
 * usage: uart_flood GUEST BYTES NAP
 *
 * Two numbers that the guest keeps: how many bytes it has had, and their sum,
 * which is turned left by one for each. The reader sleeps for NAP milliseconds,
 * four times: before he begins, and with 4096 bytes in between. The guest gives
 * back BYTES bytes, and ends by itself.
 */
#include "uart_vm.h"

#define COUNT 0x6000
#define SUM 0x6004

static struct uart_vm u;
static uint32_t bytes;

static uint32_t add(uint32_t sum, uint8_t byte)
{
	return (sum << 1 | sum >> 31) + byte;
}

static void *write_all(void *arg)
{
	uint64_t random = seed_random(14);
	uint8_t data[1000];
	uint32_t *sum = arg, done, i, n;

	for (done = 0; done < bytes; done += n) {
		n = bytes - done < sizeof(data) ? bytes - done : sizeof(data);
		for (i = 0; i < n; i++) {
			data[i] = next_random(&random);
			*sum = add(*sum, data[i]);
		}
		if (write(u.uart[0], data, n) != n)
			err(1, "write");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint32_t sent = 0, came = 0, done = 0, naps = 0;
	uint8_t data[512], ready;
	pthread_t writer;
	ssize_t n, i;

	if (argc != 4)
		errx(1, "usage: uart_flood GUEST BYTES NAP");
	bytes = atoi(argv[2]);
	uart_vm_open(&u, argv[1], 1);
	memcpy(u.v.ram + COUNT, &bytes, sizeof(bytes));
	uart_vm_start(&u);
	must("read", read(u.uart[0], &ready, 1));
	pthread_create(&writer, NULL, write_all, &sent);
	while (done < bytes) {
		if (naps < 4 && done >= naps * 4096)
			for (naps++, n = atoi(argv[3]); n > 0; n--)
				nap(1000000);
		n = must("read", read(u.uart[0], data, sizeof(data)));
		for (i = 0; i < n; i++)
			came = add(came, data[i]);
		done += n;
	}
	pthread_join(writer, NULL);
	tell_number("exit", uart_vm_wait(&u));
	tell_number("bytes", done);
	printf("the guest heard what was sent: %s\n",
	       memcmp(u.v.ram + SUM, &sent, sizeof(sent)) ? "no" : "ok");
	printf("what came is what was sent: %s\n", came == sent ? "ok" : "no");
	uart_vm_close(&u);
	return 0;
}
