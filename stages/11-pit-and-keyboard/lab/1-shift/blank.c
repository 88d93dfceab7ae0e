static void pressed(unsigned int code)
{
	/* Your turn: remember Shift, and put a letter that was typed into `key`. */
}
