static void pressed(unsigned int code)
{
	bool up = code & CAME_UP;

	code &= ~CAME_UP;
	if (code == LEFT_SHIFT || code == RIGHT_SHIFT)
		shift = !up;
	else if (!up)
		key = shift ? shifted[code] : plain[code];
}
