#define RATE_GENERATOR 0x36 /* counter 0, two bytes, mode 3, binary */
#define CLOCK 1193182

static volatile unsigned int ticks;

static void on_timer(struct frame *frame)
{
	ticks++;
}

void pit_init(void)
{
	const unsigned int count = (CLOCK + HZ / 2) / HZ;

	outb(CONTROL, RATE_GENERATOR);
	outb(COUNTER_0, count & 0xff);
	outb(COUNTER_0, count >> 8);
	pic_set(IRQ_TIMER, on_timer);
