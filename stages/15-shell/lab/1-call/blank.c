static void run(const char *line)
{
	/* Your turn. Until then every line is this one. */
	cmd_halt("");
}

