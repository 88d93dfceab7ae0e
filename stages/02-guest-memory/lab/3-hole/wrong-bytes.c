/*
 * Aligned to 2 MiB, and Linux is asked for pages of that size: then one entry
 * of the third table serves where 512 of the fourth would be needed.
 */
void mem_create(struct vm *vm, uint64_t size)
{
	uint8_t *mem;

	mem = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		die(STATUS_NO_VTX, "no memory for a guest of %llu KiB: %s; give it less (--mem)",
		    (unsigned long long)size >> 10, strerror(errno));

	vm->ram = (uint8_t *)(((uintptr_t)mem + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	vm->ram_size = size;
	madvise(vm->ram, size, MADV_HUGEPAGE);
	vm_map(vm, 0, vm->ram, 0x7c00, 0);
	vm_map(vm, 0x8000, vm->ram + 0x8000, size - 0x8000, 0);
}
