	volatile int nothing = 0;

	printf("Good night, %s.\n", name);
	return 100 / nothing;
