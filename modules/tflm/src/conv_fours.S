/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The loop of conv.c, for ARMv7E-M and ARMv8-M with the DSP extension.
 *
 * Four weights come in one word, b3 b2 b1 b0. SXTB16 makes the pair (b2, b0) of it, and with a rotation by 8 the pair
 * (b3, b1); SMLAD multiplies a pair with that of one position and adds both products. Each pair meets four positions,
 * whose values lie side by side for one LDM: 16 products in 15 instructions, the loop's own included. More positions
 * would share the weights among more, but there are no more registers: four sums, four words of values and their address
 * and its end, a word of weights, its pair and its address, and the pass are all fourteen.
 *
 * A word of weights may begin anywhere, as LDR may read it unaligned.
 */

	.syntax unified
	.thumb

	/* Of struct tocsin_conv_fours, whose offsets conv.c checks. */
	.equ BIAS, 28
	.equ END_INDEX, 32
	.equ X, 36              /* and its end behind it */
	.equ WEIGHTS, 44

	pass .req r0

	/* In the loop over a row of weights. */
	xp .req r1
	end .req r2
	word .req r3
	x0 .req r4
	x1 .req r5
	x2 .req r6
	x3 .req r7
	row .req r8
	sum0 .req r9
	sum1 .req r10
	sum2 .req r11
	sum3 .req r12
	pair .req lr

	/* Where a row ends: what one LDM brings, in the order of the structure, and what becomes of it. */
	index .req r1
	out .req r2
	stride .req r3
	rounding .req r4
	multiplier .req r5
	right .req r6
	excess .req r7
	value .req r7
	from .req lr

	.macro two_columns
	ldm xp!, {x0, x1, x2, x3}
	smlad sum0, pair, x0, sum0
	smlad sum1, pair, x1, sum1
	smlad sum2, pair, x2, sum2
	smlad sum3, pair, x3, sum3
	.endm

	/* As finish() in depthwise.c, which says why. */
	.macro finish sum
	lsl value, \sum, #1
	smmlar value, value, multiplier, rounding
	add value, value, \sum, asr #31
	asr value, value, right
	ssat value, #8, value
	.endm

	/* void tocsin_conv_fours(struct tocsin_conv_fours *pass) */
	.section .text.tocsin_conv_fours, "ax", %progbits
	.global tocsin_conv_fours
	.type tocsin_conv_fours, %function
	.thumb_func
tocsin_conv_fours:
	push {r4-r11, lr}
	ldr row, [pass, #WEIGHTS]
	ldr index, [pass]
1:
	ldr from, [pass, #BIAS]
	ldr sum0, [from, index]
	mov sum1, sum0
	mov sum2, sum0
	mov sum3, sum0
	ldrd xp, end, [pass, #X]
2:
	ldr word, [row], #4
	sxtb16 pair, word
	two_columns
	sxtb16 pair, word, ror #8
	two_columns
	cmp xp, end
	bne 2b

	ldm pass, {index, out, stride, rounding, multiplier, right, excess}
	sub row, row, excess
	ldr multiplier, [multiplier, index]
	ldr right, [right, index]
	mvn value, right
	lsl rounding, rounding, value
	rsb right, right, #0
	finish sum0
	strb value, [out]
	finish sum1
	strb value, [out, stride]
	finish sum2
	strb value, [out, stride, lsl #1]
	finish sum3
	add from, out, stride
	strb value, [from, stride, lsl #1]
	add index, index, #4
	add out, out, #1
	strd index, out, [pass]
	ldr from, [pass, #END_INDEX]
	cmp index, from
	bne.w 1b
	pop {r4-r11, pc}
	.size tocsin_conv_fours, . - tocsin_conv_fours

	.section .note.GNU-stack, ""
