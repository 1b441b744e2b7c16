// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

/// Marks a function whose plain loops the compiler vectorises once per instruction set (baseline, AVX2, AVX-512); the
/// loader picks the best at start. Contraction is off (-ffp-contract=off), so every version gives the same bits.
/// Callees must be inlined to share the instruction set: keep the loop body in the function itself.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define GANTRY_SIMD __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), noinline))
#else
#define GANTRY_SIMD
#endif
