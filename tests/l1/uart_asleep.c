// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest sends more than finds room; nobody reads until its CPU sleeps for it,
 * or for a HLT. Then it is all read, and the guest halts with interrupts on. As
 * long as its chip has something to send, an interrupt could come. When that is
 * gone, and nothing else can come, VTX_RUN must say so.
 *
 * usage: uart_asleep GUEST BYTES
 *
 * The bytes that it sends count down: BYTES, BYTES - 1, and so on.
 */
#include "uart_vm.h"

int main(int argc, char **argv)
{
	struct timespec limit;
	struct uart_vm u;
	uint8_t data[8192];
	unsigned int left, wrong = 0;
	ssize_t n, i;

	if (argc != 3)
		errx(1, "usage: uart_asleep GUEST BYTES");
	uart_vm_open(&u, argv[1], 1);
	u.v.run->may_pull = 0;
	uart_vm_start(&u);
	uart_vm_until_it_sleeps(&u);
	printf("it sleeps: %s\n", pthread_tryjoin_np(u.thread, NULL) == EBUSY ? "ok" : "no");
	alarm(20); /* or some are lost */
	for (left = atoi(argv[2]); left; left -= n) {
		n = must("read", read(u.uart[0], data, left < sizeof(data) ? left : sizeof(data)));
		for (i = 0; i < n; i++)
			wrong += data[i] != (uint8_t)(left - i);
	}
	printf("wrong bytes: %u\n", wrong);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 20;
	errno = pthread_timedjoin_np(u.thread, NULL, &limit);
	must("VTX_RUN sleeps on", errno ? -1 : 0);
	tell_number("then it is told: exit", u.v.run->exit);
	uart_vm_close(&u);
	return 0;
}
