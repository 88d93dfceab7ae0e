	outb(MASTER + DATA, 4);
