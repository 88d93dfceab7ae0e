	outb(MASTER + DATA, 0x10);
