static uint32_t expression(unsigned int least)
{
	uint32_t value = operand();
	const struct infix *op;

	while (!complaint && (op = infix_here())) {
		at += strlen(op->name);
		value = op->of(value, operand());
	}
	return value;
}
