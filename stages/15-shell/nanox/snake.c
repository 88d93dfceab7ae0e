// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snake: the timer moves it, the arrow keys turn it. The terminal draws: ECMA-48's
 * CUP puts the cursor anywhere, and only what has changed is sent.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "dice.h"
#include "keys.h"
#include "pit.h"
#include "shell.h"

#define WIDTH 30
#define HEIGHT 14
#define FIELDS (WIDTH * HEIGHT)
#define TEXT_LINE (HEIGHT + 3)
#define SPEED 6 /* moves in a second */
#define SPEED_MAX 50

#define BLANK ' '
#define BODY 'o'
#define HEAD '@'
#define FOOD '*'

static char board[FIELDS];

/* Where it is, from the tail to the head: a ring. */
static struct {
	unsigned short fields[FIELDS];
	unsigned int head, length;
	int dx, dy;
} snake;

static const struct turn {
	int key, letter, dx, dy;
} turns[] = {
	{ KEY_UP, 'w', 0, -1 },
	{ KEY_DOWN, 's', 0, 1 },
	{ KEY_LEFT, 'a', -1, 0 },
	{ KEY_RIGHT, 'd', 1, 0 },
};

static void draw(unsigned int field, char c)
{
	board[field] = c;
	printf("\033[%u;%uH%c", field / WIDTH + 2, field % WIDTH + 2, c);
}

static void draw_edge(unsigned int line)
{
	unsigned int x;

	printf("\033[%u;1H+", line);
	for (x = 0; x < WIDTH; x++)
		putchar('-');
	putchar('+');
}

static void draw_frame(void)
{
	unsigned int y;

	printf("\033[2J");
	draw_edge(1);
	for (y = 0; y < HEIGHT; y++)
		printf("\033[%u;1H|\033[%u;%uH|", y + 2, y + 2, WIDTH + 2);
	draw_edge(HEIGHT + 2);
	printf("\033[%u;1HArrow keys or w a s d turn it; q ends it.", TEXT_LINE);
}

/* On a free field. There always is one: to fill the board is to win. */
static void feed(void)
{
	unsigned int field = dice() % FIELDS;

	while (board[field] != BLANK)
		field = (field + 1) % FIELDS;
	draw(field, FOOD);
}

static void begin(void)
{
	memset(board, BLANK, sizeof(board));
	memset(&snake, 0, sizeof(snake));
	snake.dx = 1;
	snake.length = 1;
	snake.fields[0] = HEIGHT / 2 * WIDTH + WIDTH / 2;
	draw_frame();
	draw(snake.fields[0], HEAD);
	feed();
}

/* It cannot turn round on the spot. */
static void turn(int key)
{
	unsigned int i;

	for (i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const struct turn *t = &turns[i];

		if ((key != t->key && key != t->letter) ||
		    (snake.length > 1 && t->dx == -snake.dx && t->dy == -snake.dy))
			continue;
		snake.dx = t->dx;
		snake.dy = t->dy;
	}
}

/* Where the head would be next, or -1: the edge. */
static int ahead(void)
{
	unsigned int field = snake.fields[snake.head];
	unsigned int x = field % WIDTH + snake.dx, y = field / WIDTH + snake.dy;

	return x < WIDTH && y < HEIGHT ? (int)(y * WIDTH + x) : -1;
}

/* One field on. The tail goes first, so its field is free. Return: whether it lives. */
static bool move(void)
{
	int next = ahead();
	bool eats = next >= 0 && board[next] == FOOD;

	if (!eats)
		draw(snake.fields[(snake.head + FIELDS + 1 - snake.length) % FIELDS], BLANK);
	if (next < 0 || board[next] == BODY || board[next] == HEAD)
		return false;
	if (eats || snake.length > 1)
		draw(snake.fields[snake.head], BODY);
	snake.head = (snake.head + 1) % FIELDS;
	snake.fields[snake.head] = next;
	snake.length += eats;
	draw(next, HEAD);
	if (eats && snake.length < FIELDS)
		feed();
	return snake.length < FIELDS;
}

/* Keys turn it until it is time to move; without a speed every key is a move. Or -1: q. */
static int wait(unsigned int speed, unsigned int tick)
{
	int key;

	do {
		key = speed ? key_wait_until(tick) : key_wait();
		if (key == 'q')
			return -1;
		turn(key);
	} while (speed && key != KEY_NONE);
	return 0;
}

const char *cmd_snake(const char *args)
{
	uint32_t speed = SPEED;
	unsigned int tick;

	if (*args && (!arg_number(&args, 10, &speed) || *args || speed > SPEED_MAX))
		return "moves in a second, 1 to 50, as in snake 6; 0: one for each key";
	begin();
	tick = pit_ticks();
	do {
		printf("\033[%u;1H", TEXT_LINE); /* out of the way */
		tick += speed ? HZ / speed : 0;
	} while (wait(speed, tick) == 0 && move());
	printf("\033[%u;1HYou ate %u.\n", TEXT_LINE + 1, snake.length - 1);
	return NULL;
}
