/* Normal numbers for the references: a cheap 32-bit hash of (trajectory, step), certified by nobody, and Box-Muller with polynomial logarithm, sine and cosine, so that the whole loop vectorises: a lower limit
   for generators that can be trusted. Wants W, the number of trajectories that go together. */
#include <math.h>
#include <stdint.h>

static inline uint32_t mixed(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  return x ^ (x >> 16);
}

static inline float bits(uint32_t u) {
  union { uint32_t u; float f; } c = {u};
  return c.f;
}

static inline float unit(uint32_t h) { return bits(0x3f800000U | (h >> 9)) - 1.0f; }

/* -2 ln x for x in (0, 1], to about 1e-6 */
static inline float minus2log(float x) {
  union { float f; uint32_t u; } c = {x};
  int e = (int)(c.u >> 23) - 127;
  float m = bits((c.u & 0x7fffff) | 0x3f800000U);
  int big = m > 1.41421356f;
  m = big ? 0.5f * m : m;
  e += big;
  float f = m - 1.0f, s = f / (2.0f + f), z = s * s;
  float log = 2.0f * s * (1.0f + z * (0.333333333f + z * (0.2f + z * (0.142857143f + z * 0.111111111f))));
  return -2.0f * (log + e * 0.69314718f);
}

/* sine and cosine of 2 pi u, u in [0, 1) */
static inline void turn(float u, float *s, float *c) {
  float q = u - 0.5f, a = 0.5f - fabsf(q);
  float r = fabsf(q) > 0.25f ? a : fabsf(q);
  float x = 6.28318531f * r, z = x * x;
  float sine = x * (1 + z * (-1.6666667e-1f + z * (8.3333310e-3f + z * (-1.9840874e-4f + z * 2.7525562e-6f))));
  float cosine = 1 + z * (-0.5f + z * (4.1666646e-2f + z * (-1.3888397e-3f + z * 2.4460e-5f)));
  *s = q > 0 ? -sine : sine;
  *c = fabsf(q) > 0.25f ? cosine : -cosine;
}

static void normals(uint32_t key, uint32_t base, float *restrict g) {
#pragma omp simd
  for (int i = 0; i < W / 2; i++) {
    uint32_t h = mixed((base + i) * 0x9e3779b9U ^ key), k = mixed(h + 0x85ebca6bU + key);
    float r = sqrtf(minus2log(1.0f - unit(h))), s, c;
    turn(unit(k), &s, &c);
    g[i] = r * c;
    g[i + W / 2] = r * s;
  }
}
