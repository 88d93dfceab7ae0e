/* One game. Return: how many guesses it took, 0 if the player gave up. */
static int play(int secret)
{
	long long guess; /* there is always somebody who types twenty digits */
	int round;

	for (round = 0;; round++) {
		printf("%2d> ", round);
		if (scanf("%lld", &guess) != 1)
			return 0;
		if (guess == secret)
			return round;
		puts(guess < secret ? "Too small." : "Too large.");
	}
}

