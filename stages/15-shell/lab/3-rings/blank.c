		       "i"(EFLAGS_IF | EFLAGS_IOPL_3), "i"(SEL_PROGRAM_CODE), "r"(program)
