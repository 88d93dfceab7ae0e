static bool held[CAME_UP];

static void pressed(unsigned int code)
{
	unsigned int number = code & ~CAME_UP;
	char letter = '\0';

	held[number] = code < CAME_UP;
	shift = held[LEFT_SHIFT] || held[RIGHT_SHIFT];
	if (held[number] && number < sizeof(plain))
		letter = shift ? shifted[number] : plain[number];
	if (letter)
		key = letter;
}
