/* Ensembles of stochastic differential equations by Euler-Maruyama, float32, forwards and with the gradient of a mean at the end in three parameters: geometric Brownian motion, Ornstein-Uhlenbeck, Lorenz
   with additive noise. A block of W trajectories goes forwards, keeps its states and normal numbers in a thread's own memory (the second cache), and goes back: what one would write by hand.
   sde MODEL(0 growth, 1 ou, 2 lorenz) GRADIENT(0, 1) TRAJECTORIES STEPS REPEATS  ->  seconds of each repeat, then the mean, or the derivative by the second parameter. */
#include <stdio.h>
#include <stdlib.h>

#define W 32
#include "clock.h"
#include "normals.h"

typedef float Block[W];
typedef struct {
  int steps, gradient;
  float h, root;
} Task;

static double growth(Task t, uint32_t seed, int b, Block *xs, Block *gs) {
  const float mu = 0.05f, sigma = 0.2f, h = t.h, root = t.root;
  Block x;
  double sum = 0;
  for (int i = 0; i < W; i++) x[i] = 1;
  for (int k = 0; k < t.steps; k++) {
    float *g = t.gradient ? gs[k] : gs[0];
    normals(mixed(k * 0x9e3779b9U + seed), b * (W / 2), g);
    if (t.gradient)
#pragma omp simd
      for (int i = 0; i < W; i++) xs[k][i] = x[i];
#pragma omp simd
    for (int i = 0; i < W; i++) x[i] += x[i] * (mu * h + sigma * root * g[i]);
  }
  if (!t.gradient) {
    for (int i = 0; i < W; i++) sum += x[i];
    return sum;
  }
  Block c, dmu = {0}, dsigma = {0};
  for (int i = 0; i < W; i++) c[i] = 1;
  for (int k = t.steps - 1; k >= 0; k--)
#pragma omp simd
    for (int i = 0; i < W; i++) {
      float p = c[i] * xs[k][i];
      dmu[i] += p * h;
      dsigma[i] += p * root * gs[k][i];
      c[i] += c[i] * (mu * h + sigma * root * gs[k][i]);
    }
  for (int i = 0; i < W; i++) sum += dmu[i] + 1e-30f * (dsigma[i] + c[i]);
  return sum;
}

static double ou(Task t, uint32_t seed, int b, Block *xs, Block *gs) {
  const float rate = 1.5f, centre = 0.3f, sigma = 0.2f, h = t.h, root = t.root;
  Block x;
  double sum = 0;
  for (int i = 0; i < W; i++) x[i] = 1;
  for (int k = 0; k < t.steps; k++) {
    float *g = t.gradient ? gs[k] : gs[0];
    normals(mixed(k * 0x9e3779b9U + seed), b * (W / 2), g);
    if (t.gradient)
#pragma omp simd
      for (int i = 0; i < W; i++) xs[k][i] = x[i];
#pragma omp simd
    for (int i = 0; i < W; i++) x[i] += rate * (centre - x[i]) * h + sigma * root * g[i];
  }
  if (!t.gradient) {
    for (int i = 0; i < W; i++) sum += x[i] * x[i];
    return sum;
  }
  Block c, drate = {0}, dcentre = {0}, dsigma = {0};
  for (int i = 0; i < W; i++) c[i] = 2 * x[i];
  for (int k = t.steps - 1; k >= 0; k--)
#pragma omp simd
    for (int i = 0; i < W; i++) {
      drate[i] += c[i] * (centre - xs[k][i]) * h;
      dcentre[i] += c[i] * rate * h;
      dsigma[i] += c[i] * root * gs[k][i];
      c[i] -= c[i] * rate * h;
    }
  for (int i = 0; i < W; i++) sum += drate[i] + 1e-30f * (dcentre[i] + dsigma[i]);
  return sum;
}

static double lorenz(Task t, uint32_t seed, int b, Block *xs, Block *gs) {
  const float s = 10, rho = 28, beta = 8.0f / 3, noise = 0.5f, h = t.h, root = t.root;
  Block x, y, z, g[3];
  double sum = 0;
  for (int i = 0; i < W; i++) x[i] = y[i] = 1, z[i] = 25;
  for (int k = 0; k < t.steps; k++) {
    for (int d = 0; d < 3; d++) normals(mixed((3 * k + d) * 0x9e3779b9U + seed), b * (W / 2), g[d]);
    if (t.gradient)
#pragma omp simd
      for (int i = 0; i < W; i++) xs[3 * k][i] = x[i], xs[3 * k + 1][i] = y[i], xs[3 * k + 2][i] = z[i];
#pragma omp simd
    for (int i = 0; i < W; i++) {
      float a = s * (y[i] - x[i]), c = x[i] * (rho - z[i]) - y[i], d = x[i] * y[i] - beta * z[i];
      x[i] += a * h + noise * root * g[0][i];
      y[i] += c * h + noise * root * g[1][i];
      z[i] += d * h + noise * root * g[2][i];
    }
  }
  if (!t.gradient) {
    for (int i = 0; i < W; i++) sum += z[i];
    return sum;
  }
  Block cx = {0}, cy = {0}, cz, ds = {0}, drho = {0}, dbeta = {0};
  for (int i = 0; i < W; i++) cz[i] = 1;
  for (int k = t.steps - 1; k >= 0; k--)
#pragma omp simd
    for (int i = 0; i < W; i++) {
      float X = xs[3 * k][i], Y = xs[3 * k + 1][i], Z = xs[3 * k + 2][i];
      float a = h * cx[i], c = h * cy[i], d = h * cz[i];
      ds[i] += a * (Y - X);
      drho[i] += c * X;
      dbeta[i] -= d * Z;
      cx[i] += -s * a + (rho - Z) * c + Y * d;
      cy[i] += s * a - c + X * d;
      cz[i] += -X * c - beta * d;
    }
  for (int i = 0; i < W; i++) sum += drho[i] + 1e-30f * (ds[i] + dbeta[i]);
  return sum;
}

int main(int argc, char **argv) {
  (void)argc;
  int model = atoi(argv[1]), gradient = atoi(argv[2]), n = atoi(argv[3]), steps = atoi(argv[4]), repeats = atoi(argv[5]);
  Task task = {steps, gradient, 1.0f / steps, sqrtf(1.0f / steps)};
  double sum = 0;
  for (int r = 0; r < repeats; r++) {
    sum = 0;
    double began = now();
#pragma omp parallel reduction(+ : sum)
    {
      Block *xs = malloc(sizeof(Block) * (gradient ? 3 * steps : 1));
      Block *gs = malloc(sizeof(Block) * (gradient ? steps : 1));
#pragma omp for schedule(static)
      for (int b = 0; b < n / W; b++)
        sum += (model == 0 ? growth : model == 1 ? ou : lorenz)(task, 12345u + r, b, xs, gs);
      free(xs);
      free(gs);
    }
    printf("%.9g\n", now() - began);
  }
  printf("%.9g\n", sum / (n / W * W));
}
