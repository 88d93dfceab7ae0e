static void run(const char *line)
{
	const char *name = arg_next(line), *complaint;
	size_t size = arg_word_size(name);
	const struct command *c = find(name, size);

	if (!size)
		return;
	if (!c) {
		printf("%.*s: no such command; try help\n", (int)size, name);
		return;
	}
	complaint = c->run(name);
	if (complaint)
		printf("%s: %s\n", c->name, complaint);
}

