// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM as a neighbour: makes a VM with one vCPU and keeps it. For each line on
 * standard input its guest runs once, until its HLT.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "tell.h"

#define GUEST_ADDR 0x1000

int main(void)
{
	static const unsigned char guest[] = { 0xf4 }; /* hlt */
	struct kvm_userspace_memory_region region = { .memory_size = 4096 };
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = GUEST_ADDR, .rflags = 2 };
	struct kvm_run *run;
	int kvm, vm, vcpu;
	char line[80];
	void *ram;

	kvm = must("open /dev/kvm", open("/dev/kvm", O_RDWR | O_CLOEXEC));
	vm = tell("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0));
	if (vm < 0)
		return 0;

	ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(ram, guest, sizeof(guest));
	region.guest_phys_addr = GUEST_ADDR;
	region.userspace_addr = (unsigned long)ram;
	must("KVM_SET_USER_MEMORY_REGION", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
	vcpu = must("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, 0));
	run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of the vCPU");
	must("KVM_GET_SREGS", ioctl(vcpu, KVM_GET_SREGS, &sregs));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	must("KVM_SET_SREGS", ioctl(vcpu, KVM_SET_SREGS, &sregs));

	while (fgets(line, sizeof(line), stdin)) {
		must("KVM_SET_REGS", ioctl(vcpu, KVM_SET_REGS, &regs));
		must("KVM_RUN", ioctl(vcpu, KVM_RUN, 0));
		tell_number("exit reason", run->exit_reason);
	}
	return 0;
}
