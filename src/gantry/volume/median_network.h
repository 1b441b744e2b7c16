// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace gantry::median_network {

/// Puts the smaller value of two wires on `low` and the larger on `high`; a side that nobody reads is not computed.
struct Comparator {
  int low = 0, high = 0;
  bool need_low = true, need_high = true;
};

constexpr int most_wires = 128;
constexpr int most_comparators = 640;

/// A list of wires in sorted order, and comparators that bring it about.
struct Wires {
  std::array<int, most_wires> wire{};
  int count = 0;
  constexpr void push(int w) { wire[static_cast<std::size_t>(count++)] = w; }
  constexpr int operator[](int n) const { return wire[static_cast<std::size_t>(n)]; }
};
struct Network {
  std::array<Comparator, most_comparators> comparator{};
  int count = 0;
  Wires sorted;
  constexpr void compare(int low, int high) { comparator[static_cast<std::size_t>(count++)] = {low, high}; }
};

/// Wires first, first + 1, ... that hold sorted values already.
constexpr Wires sorted_wires(int first, int count) {
  Wires w;
  for (int n = 0; n < count; ++n) w.push(first + n);
  return w;
}

constexpr Wires every_second(const Wires& w, int first) {
  Wires part;
  for (int n = first; n < w.count; n += 2) part.push(w[n]);
  return part;
}

/// Odd-even merge of two sorted lists of any length (Knuth, The Art of Computer Programming 3, 5.3.4).
constexpr Wires merge(Network& network, const Wires& x, const Wires& y) {
  if (x.count == 0) return y;
  if (y.count == 0) return x;
  if (x.count == 1 && y.count == 1) {
    network.compare(x[0], y[0]);
    Wires both;
    both.push(x[0]);
    both.push(y[0]);
    return both;
  }
  const Wires odd = merge(network, every_second(x, 0), every_second(y, 0));
  const Wires even = merge(network, every_second(x, 1), every_second(y, 1));
  Wires all;
  all.push(odd[0]);
  for (int n = 1; n < odd.count || n <= even.count; ++n) {
    if (n < odd.count && n <= even.count) {
      network.compare(even[n - 1], odd[n]);
      all.push(even[n - 1]);
      all.push(odd[n]);
    } else {
      all.push(n < odd.count ? odd[n] : even[n - 1]);
    }
  }
  return all;
}

/// Drops what does not reach the sorted places [first, last].
constexpr Network pruned(const Network& network, int first, int last) {
  std::array<bool, most_wires> needed{};
  for (int n = first; n <= last; ++n) needed[static_cast<std::size_t>(network.sorted[n])] = true;
  std::array<Comparator, most_comparators> kept{};
  int count = 0;
  for (int n = network.count - 1; n >= 0; --n) {
    Comparator c = network.comparator[static_cast<std::size_t>(n)];
    c.need_low = needed[static_cast<std::size_t>(c.low)];
    c.need_high = needed[static_cast<std::size_t>(c.high)];
    if (!c.need_low && !c.need_high) continue;
    needed[static_cast<std::size_t>(c.low)] = needed[static_cast<std::size_t>(c.high)] = true;
    kept[static_cast<std::size_t>(count++)] = c;
  }
  Network result;
  result.count = count;
  for (int n = 0; n < count; ++n) result.comparator[static_cast<std::size_t>(n)] = kept[static_cast<std::size_t>(count - 1 - n)];
  result.sorted = network.sorted;
  return result;
}

/// Sorts `count` values, by insertion: for short columns.
constexpr Network sorter(int count) {
  Network network;
  network.sorted.push(0);
  for (int n = 1; n < count; ++n) network.sorted = merge(network, network.sorted, sorted_wires(n, 1));
  return network;
}

/// Merges `lists` sorted lists of `length` values, pair by pair, for the sorted places [first, last].
constexpr Network merger(int lists, int length, int first, int last) {
  Network network;
  std::array<Wires, 8> open{};
  for (int n = 0; n < lists; ++n) open[static_cast<std::size_t>(n)] = sorted_wires(n * length, length);
  int count = lists;
  while (count > 1) {
    int merged = 0;
    for (int n = 0; n + 1 < count; n += 2, ++merged) {
      open[static_cast<std::size_t>(merged)] = merge(network, open[static_cast<std::size_t>(n)], open[static_cast<std::size_t>(n + 1)]);
    }
    if (count % 2 == 1) open[static_cast<std::size_t>(merged++)] = open[static_cast<std::size_t>(count - 1)];
    count = merged;
  }
  network.sorted = open[0];
  return pruned(network, first, last);
}

}  // namespace gantry::median_network
