/* Both get four words, one after the other. Then all lines are masked. */
void pic_init(void)
{
	/* Your turn. */
}

