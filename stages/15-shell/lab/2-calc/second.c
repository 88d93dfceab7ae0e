/* From the loosest sign to the tightest: a call for each of them. */
static uint32_t expression(unsigned int least)
{
	const struct infix *op;
	uint32_t value, right;

	if (least > 6)
		return operand();
	value = expression(least + 1);
	for (;;) {
		op = infix_here();
		if (complaint || !op || op->binds != least)
			return value;
		at += strlen(op->name);
		right = expression(least + 1);
		value = op->of(value, right);
	}
}
