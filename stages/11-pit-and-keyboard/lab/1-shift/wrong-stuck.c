static void pressed(unsigned int code)
{
	if (code & CAME_UP)
		return;
	if (code == LEFT_SHIFT || code == RIGHT_SHIFT)
		shift = true;
	else if (code < sizeof(plain) - 1 && plain[code])
		key = shift ? shifted[code] : plain[code];
}
