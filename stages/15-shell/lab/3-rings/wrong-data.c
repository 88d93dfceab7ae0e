		       "i"(EFLAGS_IF | EFLAGS_IOPL_3), "i"(SEL_DATA), "r"(program)
