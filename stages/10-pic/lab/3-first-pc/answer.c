	outb(MASTER + DATA, 8);
