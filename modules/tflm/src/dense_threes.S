/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The loops of dense.c, for ARMv7E-M and ARMv8-M with the DSP extension.
 *
 * Four weights come in one word, b3 b2 b1 b0. SXTB16 makes the pair (b2, b0) of it, and with a rotation by 8 the pair
 * (b3, b1); SMLAD multiplies a pair with one of the input and adds both products. The input lies widened in the same
 * order (x0 x2 x1 x3), so one word of it meets one pair.
 *
 * Eight columns of three rows are 24 products in 28 instructions: one LDM of the input, three LDRD of weights, 12 SXTB16,
 * 12 SMLAD. More rows would share the input among more, but there are no more registers: three sums, three rows, four
 * words of input and its address, two words of weights and a pair are all fourteen. What else is needed lies in struct
 * tocsin_dense_pass, whose fields' offsets dense.c checks.
 */

	.syntax unified
	.thumb

	.equ WEIGHTS, 0
	.equ STRIDE, 4          /* and the input behind it */
	.equ END32, 12
	.equ END8, 16
	.equ END, 20
	.equ BIAS, 24           /* and its step behind it */
	.equ BASE, 32
	.equ GROUPS, 36
	.equ OUTPUT, 40
	.equ FINISH, 44         /* multiplier, shift, offset, least, most */

	/* In the loops over columns. */
	wa .req r0
	wb .req r1
	pair .req r2
	xp .req r3
	x0 .req r4
	x1 .req r5
	x2 .req r6
	x3 .req r7
	row0 .req r8
	row1 .req r9
	row2 .req r10
	sum0 .req r11
	sum1 .req r12
	sum2 .req lr

	/* Where a group ends; only the sums and row0 are still what they were. */
	pass .req r0
	low .req r1
	out .req r2
	multiplier .req r3
	right .req r4
	offset .req r5
	least .req r6
	most .req r7
	to .req r9
	address .req r10

	.macro four_columns word, sum, even, odd
	sxtb16 pair, \word
	smlad \sum, pair, \even, \sum
	sxtb16 pair, \word, ror #8
	smlad \sum, pair, \odd, \sum
	.endm

	.macro eight_columns_of row, sum
	ldrd wa, wb, [\row], #8
	four_columns wa, \sum, x0, x1
	four_columns wb, \sum, x2, x3
	.endm

	.macro eight_columns
	ldm xp!, {x0, x1, x2, x3}
	eight_columns_of row0, sum0
	eight_columns_of row1, sum1
	eight_columns_of row2, sum2
	.endm

	.macro last_four_columns row, sum
	ldr wa, [\row], #4
	four_columns wa, \sum, x0, x1
	.endm

	/* TFLite's MultiplyByQuantizedMultiplier() for a shift to the right by right + 1; see int8.h. */
	.macro finish sum
	mov low, #0x40000000
	movs out, #0
	smlal low, out, \sum, multiplier
	lsls low, low, #1
	adc out, out, out               /* the product's high half, rounded half up */
	add out, out, out, asr #31
	asrs out, out, right
	adds out, out, #1
	add out, offset, out, asr #1    /* shifted, rounded half away from zero */
	cmp out, least
	it lt
	movlt out, least
	cmp out, most
	it gt
	movgt out, most
	strb out, [to], #1
	.endm

	/* The multipliers' and the shifts' addresses lie where one multiplier and one shift would. */
	.macro finish_per_row sum
	ldr address, [pass, #FINISH]
	ldr multiplier, [address], #4
	str address, [pass, #FINISH]
	ldr address, [pass, #FINISH + 4]
	ldr right, [address], #4
	str address, [pass, #FINISH + 4]
	mvns right, right
	finish \sum
	.endm

	/* void name(struct tocsin_dense_pass *pass) */
	.macro threes_function name, per_row
	.section .text.\name, "ax", %progbits
	.global \name
	.type \name, %function
	.thumb_func
\name:
	push {r4-r11, lr}
	ldr row0, [pass, #WEIGHTS]
	ldr r1, [pass, #END32]
	ldr r2, [pass, #END8]
	ldr r3, [pass, #END]
	push {r0-r3}                    /* pass, and the three ends, at hand when it no longer is */
1:
	ldrd r1, r2, [pass, #BIAS]
	ldm r1, {sum0, sum1, sum2}
	add r1, r1, r2
	str r1, [pass, #BIAS]
	ldr r2, [pass, #BASE]
	add sum0, sum0, r2
	add sum1, sum1, r2
	add sum2, sum2, r2
	ldrd r1, xp, [pass, #STRIDE]
	add row1, row0, r1
	add row2, row1, r1
	ldr wa, [sp, #4]
	cmp xp, wa
	beq 3f
2:
	eight_columns
	eight_columns
	eight_columns
	eight_columns
	ldr wa, [sp, #4]
	cmp xp, wa
	bne 2b
3:
	ldr wa, [sp, #8]
	cmp xp, wa
	beq 4f
	eight_columns
	b 3b
4:
	ldr wa, [sp, #12]
	cmp xp, wa
	beq 5f
	ldrd x0, x1, [xp]
	last_four_columns row0, sum0
	last_four_columns row1, sum1
	last_four_columns row2, sum2
5:
	ldr pass, [sp]
	mov row0, row2                  /* where the last row ends, the next begins */
	ldr to, [pass, #OUTPUT]
	add address, pass, #FINISH
	ldm address, {multiplier, right, offset, least, most}
	.if \per_row
	finish_per_row sum0
	finish_per_row sum1
	finish_per_row sum2
	.else
	mvns right, right
	finish sum0
	finish sum1
	finish sum2
	.endif
	str to, [pass, #OUTPUT]
	ldr r1, [pass, #GROUPS]
	subs r1, r1, #1
	str r1, [pass, #GROUPS]
	bne.w 1b
	add sp, sp, #16
	pop {r4-r11, pc}
	.size \name, . - \name
	.endm

	threes_function tocsin_dense_threes, 0
	threes_function tocsin_dense_threes_per_row, 1

	.section .note.GNU-stack, ""
