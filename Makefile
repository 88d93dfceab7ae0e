# SPDX-License-Identifier: GPL-2.0-only
#
# The door for people. All it does is to call ./virtx, which does the work and
# has exact exit statuses; make itself can only say 2.
#
# The words after a stage belong to that stage: `make stage-05 test` runs the
# tests of stage 05, not all of them.

.DEFAULT_GOAL := help

ifeq ($(wildcard /usr/bin/python3),)
$(error VirtX needs Python: run `apt-get install python3` as root)
endif

# One word for the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'
# $(call option,--guest,GUEST): "--guest FILE" if GUEST=FILE was given
option = $(if $(value $(2)),$(1) $(call quote,$(value $(2))))

first := $(firstword $(MAKECMDGOALS))

ifneq ($(filter stage-%,$(MAKECMDGOALS)),)

ifeq ($(filter stage-%,$(first)),)
$(error The stage comes first: make $(filter stage-%,$(MAKECMDGOALS)) $(filter-out stage-%,$(MAKECMDGOALS)))
endif

# "Not yet" (1) is no error of make's.
not_yet := $(if $(filter lab-check,$(MAKECMDGOALS)),|| [ $$? -eq 1 ])

.PHONY: $(sort $(MAKECMDGOALS))
$(first):
	@./virtx --tell-status stage $(foreach word,$(MAKECMDGOALS),$(call quote,$(word))) \
		$(call option,--guest,GUEST) $(call option,--load,LOAD) \
		$(call option,--entry,ENTRY) $(call option,--mem,MEM) \
		$(call option,--rom,ROM) $(call option,--no-reboot,NO_REBOOT) \
		$(call option,--timeout,TIMEOUT) $(call option,--engine,ENGINE) \
		$(call option,--trace,TRACE) $(call option,--all,ALL) \
		$(call option,--kernel,KERNEL) \
		$(call option,--step,STEP) $(call option,--part,PART) $(call option,--plain,PLAIN) \
		$(call option,--follow,FOLLOW) $(call option,--ex,EX) \
		$(call option,--guess,GUESS) $(not_yet)
$(filter-out $(first),$(sort $(MAKECMDGOALS))): $(first)
	@:

else

commands := help setup uninstall doctor where sign-off run test test-all test-nested test-guests \
	    debug-kernel bench jitter lint clean
tests := test test-all test-guests bench jitter

.PHONY: $(commands) new-guest
$(filter-out run $(tests),$(commands)):
	@./virtx $@
run:
	@./virtx --tell-status run $(call option,--mem,MEM) $(call option,--timeout,TIMEOUT) \
		$(call option,--engine,ENGINE)
$(tests):
	@./virtx $@ $(call option,--engine,ENGINE) \
		$(if $(filter test,$@),$(call option,--kernel,KERNEL))
new-guest:
	@./virtx new-guest $(call quote,$(value NAME))

endif
