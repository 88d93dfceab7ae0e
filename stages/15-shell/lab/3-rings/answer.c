		       "i"(EFLAGS_IF | EFLAGS_IOPL_3), "i"(SEL_CODE), "r"(program)
