	printf("Good night, %s.\n", name);
	for (;;)
		asm volatile("");
