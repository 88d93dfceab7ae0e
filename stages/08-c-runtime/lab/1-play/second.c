/* One game. Return: how many guesses it took, 0 if the player gave up. */
static int play(int secret)
{
	long long guess = 0;
	int round = 0;

	while (guess != secret || !round) {
		printf("%2d> ", ++round);
		if (!scanf("%lld", &guess))
			return 0;
		if (guess > secret)
			printf("Too large.\n");
		else if (guess < secret)
			printf("Too small.\n");
	}
	return round;
}

