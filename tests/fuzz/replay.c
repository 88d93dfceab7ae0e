// SPDX-License-Identifier: GPL-2.0-only
/* What libFuzzer does with a corpus, without libFuzzer: each file that is named, once. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *exact, data[65536];
	size_t size, i;

	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);

	/* As long as the file is, so that the sanitizer sees what reads beyond it. */
	exact = malloc(size ? size : 1);
	for (i = 0; i < size; i++)
		exact[i] = data[i];
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		printf("%s\n", argv[i]);
		fflush(stdout); /* a crash shall find it said */
		replay(argv[i]);
	}
	return argc < 2;
}
