// Feeds the generator of draws to the batteries of TestU01 (L'Ecuyer & Simard 2007), in the ways flowc numbers its draws:
//   block  words 0 .. 3 of blocks 0, 1, 2, …: the elements of one large array
//   turn   the same words of block 0 while the second counter word runs: a draw inside a loop
//   step   while the third one runs: a draw of a loss, step after step
//   name   while the name of the draw changes: key words 2 and 3 are the hashes of "item 0", "item 1", …
//   low    blocks as in `block`, each word with its bits reversed, since most tests look at the leading ones
// Usage: crush small|crush|big block|turn|step|name|low [seed [test]]; with the number of one of its tests a battery runs that alone.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bbattery.h"
#include "unif01.h"

static inline uint32_t rotate(uint32_t x, int d) { return (x << d) | (x >> (32 - d)); }

// Threefry-4x32-20: Salmon, Moraes, Dror & Shaw 2011.
static void threefry(const uint32_t key[4], const uint32_t counter[4], uint32_t out[4]) {
  static const int rotations[8][2] = {{10, 26}, {11, 21}, {13, 27}, {23, 5}, {6, 20}, {17, 11}, {25, 10}, {18, 20}};
  uint32_t k[5] = {key[0], key[1], key[2], key[3], 0x1bd11bdau ^ key[0] ^ key[1] ^ key[2] ^ key[3]};
  uint32_t x[4];
  for (int i = 0; i < 4; i++) x[i] = counter[i] + k[i];
  for (int round = 0; round < 20; round++) {
    const int *r = rotations[round % 8];
    const int a = round % 2 == 0 ? 1 : 3, b = round % 2 == 0 ? 3 : 1;
    x[0] += x[a];
    x[a] = rotate(x[a], r[0]) ^ x[0];
    x[2] += x[b];
    x[b] = rotate(x[b], r[1]) ^ x[2];
    if (round % 4 == 3) {
      const uint32_t s = (uint32_t)(round + 1) / 4;
      for (uint32_t i = 0; i < 4; i++) x[i] += k[(s + i) % 5];
      x[3] += s;
    }
  }
  memcpy(out, x, sizeof x);
}

// FNV-1a, as compiler/elaborate/random/draws.ts hashes names.
static uint32_t hash(const char *name, uint32_t h) {
  for (; *name; name++) h = (h ^ (uint32_t)(unsigned char)*name) * 0x01000193u;
  return h;
}

static uint32_t key[4], counter[4], words[4];
static int used = 4, reversed = 0, by_name = 0, running = 0;
static uint64_t names = 0;

static unsigned int next(void) {
  if (used == 4) {
    if (by_name) {
      char name[40];
      snprintf(name, sizeof name, "program.flow:item %llu!0", (unsigned long long)names++);
      key[2] = hash(name, 0x811c9dc5u);
      key[3] = hash(name, 0x9747b28cu);
    }
    threefry(key, counter, words);
    if (!by_name && ++counter[running] == 0) counter[running == 3 ? 0 : running + 1]++;
    used = 0;
  }
  uint32_t x = words[used++];
  if (reversed) {
    x = ((x >> 1) & 0x55555555u) | ((x & 0x55555555u) << 1);
    x = ((x >> 2) & 0x33333333u) | ((x & 0x33333333u) << 2);
    x = ((x >> 4) & 0x0f0f0f0fu) | ((x & 0x0f0f0f0fu) << 4);
    x = ((x >> 8) & 0x00ff00ffu) | ((x & 0x00ff00ffu) << 8);
    x = (x >> 16) | (x << 16);
  }
  return x;
}

static void check(void) {
  static const uint32_t expected[4] = {0x59cd1dbbu, 0xb8879579u, 0x86b5d00cu, 0xac8b6d84u};
  const uint32_t k[4] = {0xa4093822u, 0x299f31d0u, 0x082efa98u, 0xec4e6c89u};
  const uint32_t c[4] = {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u};
  uint32_t out[4];
  threefry(k, c, out);
  if (memcmp(out, expected, sizeof out) != 0) {
    fprintf(stderr, "threefry does not give the published vector\n");
    exit(2);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: crush small|crush|big block|turn|step|name|low [seed [test]]\n");
    return 2;
  }
  check();
  const char *mode = argv[2];
  key[0] = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
  key[2] = hash("program.flow:a!0", 0x811c9dc5u);
  key[3] = hash("program.flow:a!0", 0x9747b28cu);
  if (strcmp(mode, "turn") == 0) running = 1;
  else if (strcmp(mode, "step") == 0) running = 2;
  else if (strcmp(mode, "name") == 0) by_name = 1;
  else if (strcmp(mode, "low") == 0) reversed = 1;
  else if (strcmp(mode, "block") != 0) {
    fprintf(stderr, "unknown order %s\n", mode);
    return 2;
  }
  char name[80];
  snprintf(name, sizeof name, "Threefry-4x32-20 by %s, seed %u", mode, key[0]);
  unif01_Gen *generator = unif01_CreateExternGenBits(name, next);
  int chosen[200] = {0};
  const long test = argc > 4 ? strtol(argv[4], NULL, 10) : 0;
  if (test > 0 && test < 200) chosen[test] = 1;
  if (strcmp(argv[1], "small") == 0) test > 0 ? bbattery_RepeatSmallCrush(generator, chosen) : bbattery_SmallCrush(generator);
  else if (strcmp(argv[1], "crush") == 0) test > 0 ? bbattery_RepeatCrush(generator, chosen) : bbattery_Crush(generator);
  else if (strcmp(argv[1], "big") == 0) test > 0 ? bbattery_RepeatBigCrush(generator, chosen) : bbattery_BigCrush(generator);
  else {
    fprintf(stderr, "unknown battery %s\n", argv[1]);
    return 2;
  }
  unif01_DeleteExternGenBits(generator);
  return 0;
}
