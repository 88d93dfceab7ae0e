	outb(MASTER + DATA, 12);
