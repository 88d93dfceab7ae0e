; --- reverse: put all on the stack, and take them off again ---

reverse:
	mov	dx, cx
	mov	si, line
	jcxz	.done
.push:
	lodsb
	push	ax
	loop	.push
	mov	cx, dx
	mov	di, line
.pop:
	pop	ax
	stosb
	loop	.pop
.done:
	mov	cx, dx
	ret

