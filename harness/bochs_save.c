// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets Bochs save its state on SIGUSR1, into the folder that VIRTX_SAVE names.
 *
 * Bochs saves only from a button of its graphical displays. The text display
 * has no buttons, but it calls wgetch() of ncurses from its timer handler,
 * which is where a button would have been noticed: between two instructions.
 * This library is loaded before ncurses and stands in for wgetch().
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* What Bochs exports, in C++'s spelling. */
extern void *SIM;
extern char _ZN13bx_real_sim_c10save_stateEPKc(void *sim, const char *folder);

static volatile sig_atomic_t wanted;

static void want(int signal)
{
	(void)signal;
	wanted = 1;
}

__attribute__((constructor)) static void start(void)
{
	signal(SIGUSR1, want);
}

int wgetch(void *window)
{
	(void)window;
	if (wanted) {
		char saved = _ZN13bx_real_sim_c10save_stateEPKc(SIM, getenv("VIRTX_SAVE"));

		_exit(saved ? 0 : 1);
	}
	return -1; /* no key */
}
