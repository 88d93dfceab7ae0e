/* One game. Return: how many guesses it took, 0 if the player gave up. */
static int play(int secret)
{
	/* Your turn: ask, read, answer, again and again. */
	return 0;
}

