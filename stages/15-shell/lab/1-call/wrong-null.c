static void run(const char *line)
{
	const char *name = arg_next(line), *complaint;
	size_t size = arg_word_size(name);
	const struct command *c = find(name, size);

	if (!size)
		return;
	complaint = c->run(arg_next(name + size));
	if (complaint)
		printf("%s: %s\n", c->name, complaint);
}

