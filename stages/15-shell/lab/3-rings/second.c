		       "i"(EFLAGS_IF), "i"(SEL_PROGRAM_CODE - 0x13), "r"(program)
