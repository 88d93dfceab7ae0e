# SPDX-License-Identifier: GPL-2.0-only
#
# What the Makefile of every stage shares. A stage names its parts:
#
#   VTXDRV        objects of the kernel module, from vtxdrv/
#   VTXCTL        objects of the launcher, from vtxctl/
#   NANOX         the guest, from nanox/: one .asm file, which is its image; or,
#                 with KIT, all files that are linked to one, .asm and .c
#   KIT           objects from the guest kit, ../../nanox/
#   ROM           the page behind the reset vector, for `bare`
#   COMMON_DRV    objects from common/ that the module links
#   COMMON_CTL    objects from common/ that the launcher links
#   CTL_LIBS      libraries that it links
#
# All that is built lies in build/stages/NAME, nothing in the stage itself.
# The module is built against the test machine's kernel, never the host's;
# for the debug kernel (VIRTX_KERNEL=debug) all lies in build/debug.

top   := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
stage := $(CURDIR)
built := $(top)/build$(VIRTX_KERNEL:%=/%)
out   := $(built)/stages/$(notdir $(stage))
linux := $(built)/linux/headers

quiet := $(if $(V),,@)
say    = @printf '  %-8s %s\n' $(1) $(2)

targets := $(if $(VTXDRV),$(out)/vtxdrv.ko) $(if $(VTXCTL),$(out)/vtxctl) \
	   $(if $(NANOX),$(out)/nanox.bin) $(if $(ROM),$(out)/nanox.rom)

all: $(targets)

# --- VTXDRV: kbuild wants a folder of its own; `src` leads it back here ---

kmod := $(out)/vtxdrv

define kbuild
obj-m := vtxdrv.o
vtxdrv-y := $(VTXDRV:%=%.o) $(COMMON_DRV:%=common/%.o)
ccflags-y := -I$(stage)/include -I$(stage)/vtxdrv -I$(top)/common
asflags-y := -I$(stage)/vtxdrv
# What C leaves undefined is found in the module, where the kernel can tell.
UBSAN_SANITIZE := y
src := $(stage)/vtxdrv
$$(obj)/common/%.o: $(top)/common/%.c FORCE
	$$(call if_changed_rule,cc_o_c)
	$$(call cmd,force_checksrc)
endef
export kbuild

$(kmod)/Kbuild: Makefile $(top)/common/stage.mk
	$(quiet)mkdir -p $(kmod)/common
	$(quiet)printf '%s\n' "$$kbuild" >$@

$(out)/vtxdrv.ko: $(kmod)/Kbuild $(wildcard vtxdrv/* vtxdrv/dev/* include/*) \
		  $(wildcard $(top)/common/*.[ch])
	$(call say,KBUILD,vtxdrv.ko)
	$(quiet)$(MAKE) -s -C $(linux) M=$(kmod) CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(quiet)strip --strip-debug -o $@ $(kmod)/vtxdrv.ko

# --- VTXCTL: a static program, so that the test machine needs no libraries ---

# The kernel's own names of VMCS fields, for the words: see common/shim.
linux_common := $(wildcard $(dir $(realpath $(linux)))linux-headers-*-common)

CTL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-missing-field-initializers \
	      -Wno-unused-parameter -pthread \
	     -D_GNU_SOURCE -MMD -MP -I$(stage)/include -I$(stage)/vtxctl -I$(top)/common \
	     -I$(top)/common/shim -idirafter $(linux_common)
ctl_objs := $(VTXCTL:%=$(out)/ctl/%.o) $(COMMON_CTL:%=$(out)/ctl/common/%.o)

$(out)/ctl/%.o: vtxctl/%.c Makefile $(top)/common/stage.mk
	$(call say,CC,vtxctl/$*.c)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(CTL_CFLAGS) -c -o $@ $<

$(out)/ctl/common/%.o: $(top)/common/%.c Makefile $(top)/common/stage.mk
	$(call say,CC,common/$*.c)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(CTL_CFLAGS) -c -o $@ $<

# Capstone, with x86 alone: without that, all its other processors come along.
capstone_others := ARM AArch64 Mips PPC Sparc SystemZ XCore M68K TMS320C64x M680X EVM
CAPSTONE := $(foreach name,$(capstone_others),-Wl,--defsym=$(name)_global_init=0 \
	      -Wl,--defsym=$(name)_option=0) -lcapstone

$(out)/vtxctl: $(ctl_objs)
	$(call say,LD,vtxctl)
	$(quiet)$(CC) -static -pthread -s -o $@ $^ $(CTL_LIBS)

-include $(ctl_objs:.o=.d)

# --- NanoX: flat images ---

ifeq ($(KIT),)
$(out)/nanox.bin: nanox/$(NANOX).asm
	$(call say,NASM,nanox.bin)
	$(quiet)mkdir -p $(out)
	$(quiet)nasm -f bin -Werror -l $(out)/nanox.lst -o $@ $<
else
# In C: 32-bit code that finds nothing there, no library and no operating system.
GUEST_CFLAGS := -m32 -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-stack-protector \
		-fno-asynchronous-unwind-tables -march=i486 -mgeneral-regs-only \
		-Wall -Wextra -Wno-unused-parameter \
		-I$(stage)/nanox -I$(top)/nanox/include
guest_objs := $(NANOX:%=$(out)/guest/%.o) $(KIT:%=$(out)/guest/kit/%.o)

$(out)/guest/%.o: nanox/%.c Makefile $(top)/common/stage.mk
	$(call say,CC,nanox/$*.c)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(out)/guest/%.o: nanox/%.asm Makefile $(top)/common/stage.mk
	$(call say,NASM,nanox/$*.asm)
	$(quiet)mkdir -p $(@D)
	$(quiet)nasm -f elf32 -Werror -o $@ $<

$(out)/guest/kit/%.o: $(top)/nanox/%.c Makefile $(top)/common/stage.mk
	$(call say,CC,kit/$*.c)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(out)/guest/kit/%.o: $(top)/nanox/%.asm Makefile $(top)/common/stage.mk
	$(call say,NASM,kit/$*.asm)
	$(quiet)mkdir -p $(@D)
	$(quiet)nasm -f elf32 -Werror -o $@ $<

$(out)/nanox.elf: $(guest_objs) $(top)/nanox/nanox.ld
	$(call say,LD,nanox.elf)
	$(quiet)ld -m elf_i386 -z noexecstack --no-warn-rwx-segments -T $(top)/nanox/nanox.ld -o $@ $(guest_objs)

$(out)/nanox.bin: $(out)/nanox.elf
	$(call say,OBJCOPY,nanox.bin)
	$(quiet)objcopy -O binary $< $@

-include $(guest_objs:.o=.d)
endif

$(out)/nanox.rom: nanox/$(ROM).asm
	$(call say,NASM,nanox.rom)
	$(quiet)mkdir -p $(out)
	$(quiet)nasm -f bin -Werror -l $(out)/nanox-rom.lst -o $@ $<

clean:
	rm -rf $(out)

.PHONY: all clean
.DELETE_ON_ERROR:
