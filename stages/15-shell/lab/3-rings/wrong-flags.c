		       "i"(EFLAGS_IF), "i"(SEL_PROGRAM_CODE), "r"(program)
