// SPDX-License-Identifier: Apache-2.0
// What of Osprey a program may link with: everything else stays inside the library.
#pragma once

/// Marks a class or function of the public headers as one that libosprey.so shows to others.
#define OSPREY_API __attribute__((visibility("default")))
