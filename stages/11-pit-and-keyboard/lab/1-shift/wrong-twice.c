static void pressed(unsigned int code)
{
	bool up = code & CAME_UP;

	code &= ~CAME_UP;
	if (code == LEFT_SHIFT || code == RIGHT_SHIFT)
		shift = !up;
	else if (code < sizeof(plain) - 1 && plain[code])
		key = shift ? shifted[code] : plain[code];
}
