/* From the table's first row to its last. */
static void run(const char *line)
{
	const char *name = arg_next(line), *said;
	size_t size = arg_word_size(name);
	unsigned int i;

	for (i = 0; size && i < NR_COMMANDS; i++) {
		if (strlen(commands[i].name) != size || strncmp(commands[i].name, name, size))
			continue;
		said = commands[i].run(arg_next(name + size));
		if (said)
			printf("%s: %s\n", commands[i].name, said);
		return;
	}
	if (size)
		printf("%.*s: no such command; try help\n", (int)size, name);
}

