/* Seconds: of the wall, or with PROCESSOR_TIME in the environment of all threads of the process, which means the same on a busy machine. */
#include <omp.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  if (getenv("PROCESSOR_TIME") == NULL) return omp_get_wtime();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
