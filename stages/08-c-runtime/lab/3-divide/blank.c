	printf("Good night, %s.\n", name);
	/* Your turn: something that has no answer. */
	return 0;
