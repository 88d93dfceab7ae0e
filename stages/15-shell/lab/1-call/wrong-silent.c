static void run(const char *line)
{
	const char *name = arg_next(line);
	size_t size = arg_word_size(name);
	const struct command *c = find(name, size);

	if (!size)
		return;
	if (!c) {
		printf("%.*s: no such command; try help\n", (int)size, name);
		return;
	}
	c->run(arg_next(name + size));
}

