static uint32_t expression(unsigned int least)
{
	uint32_t value = least > 6 ? operand() : expression(least);
	const struct infix *op;

	while (!complaint && (op = infix_here()) && op->binds >= least) {
		at += strlen(op->name);
		value = op->of(value, expression(op->binds + 1));
	}
	return value;
}
