// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

/// Gives up what a decoder does not need: memory beyond `memory_bytes`, processor time, open files, core dumps, new privileges, and every
/// system call but reading and writing open descriptors, memory and exit. False when the system refuses the call filter; the limits hold
/// in any case.
bool enter_sandbox(unsigned long long memory_bytes);
