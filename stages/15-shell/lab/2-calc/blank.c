static uint32_t expression(unsigned int least)
{
	/* Your turn: this is the first number, and nothing else. */
	return operand();
}
