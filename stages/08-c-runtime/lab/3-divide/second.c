	printf("Good night, %s.\n", name);
	asm volatile("divl %%ecx"
		     :
		     : "a"(1), "d"(0), "c"(0));
	return 0;
