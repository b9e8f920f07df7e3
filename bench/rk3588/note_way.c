// SPDX-License-Identifier: Apache-2.0
/* A small program for Rockchip's runtime, written as people write their first one: frames go to a pool of threads, a
   context and a core each, results are taken in the frames' order, and a frame is done when its last part is.

       note_way MODEL THREADS FRAMES PARTS POST_MS

   Prints frames a second, and how busy each core was. Post-processing is a pause: the interpreter's own time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/rknn/rknn_abi.h"

enum { kMostThreads = 8 };

typedef struct {
  rknn_context context;
  int mask, first, step, parts, frames;
  double post_ms, busy_s;
} Worker;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void pause_ms(double ms) {
  struct timespec t = {(time_t)(ms / 1000), (long)((ms - 1000 * (double)(long)(ms / 1000)) * 1e6)};
  nanosleep(&t, NULL);
}

static void must(int code, const char* what) {
  if (code == RKNN_SUCC) return;
  fprintf(stderr, "%s: %d\n", what, code);
  exit(1);
}

static pthread_barrier_t frame_ends;

/* One part of a picture, or a whole one. */
static void infer(Worker* worker) {
  rknn_tensor_attr input = {0};
  must(rknn_query(worker->context, RKNN_QUERY_INPUT_ATTR, &input, sizeof input), "rknn_query");
  static unsigned char picture[1920 * 1920 * 3];
  rknn_input in = {0, picture, input.n_elems, 0, RKNN_TENSOR_UINT8, RKNN_TENSOR_NHWC};
  must(rknn_inputs_set(worker->context, 1, &in), "rknn_inputs_set");
  const double begun = now_s();
  must(rknn_run(worker->context, NULL), "rknn_run");
  worker->busy_s += now_s() - begun;
  rknn_output out = {1, 0, 0, NULL, 0};
  must(rknn_outputs_get(worker->context, 1, &out, NULL), "rknn_outputs_get");
  must(rknn_outputs_release(worker->context, 1, &out), "rknn_outputs_release");
  pause_ms(worker->post_ms);
}

static void* work(void* data) {
  Worker* worker = data;
  if (worker->parts == 1) {
    for (int frame = worker->first; frame < worker->frames; frame += worker->step) infer(worker);
    return NULL;
  }
  for (int frame = 0; frame < worker->frames; ++frame) {
    for (int part = worker->first; part < worker->parts; part += worker->step) infer(worker);
    pthread_barrier_wait(&frame_ends);
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: note_way MODEL THREADS FRAMES PARTS POST_MS\n");
    return 2;
  }
  const int threads = atoi(argv[2]), frames = atoi(argv[3]), parts = atoi(argv[4]);
  if (threads < 1 || threads > kMostThreads || frames < 1 || parts < 1) return 2;
  Worker workers[kMostThreads] = {0};
  pthread_t handles[kMostThreads];
  must(rknn_init(&workers[0].context, argv[1], 0, 0, NULL), "rknn_init");
  pthread_barrier_init(&frame_ends, NULL, (unsigned)threads);
  for (int i = 0; i < threads; ++i) {
    Worker* worker = &workers[i];
    if (i > 0) must(rknn_dup_context(&workers[0].context, &worker->context), "rknn_dup_context");
    must(rknn_set_core_mask(worker->context, (rknn_core_mask)(1 << i % 3)), "rknn_set_core_mask");
    worker->first = i;
    worker->step = threads;
    worker->frames = frames;
    worker->parts = parts;
    worker->post_ms = atof(argv[5]);
  }
  const double begun = now_s();
  for (int i = 0; i < threads; ++i) pthread_create(&handles[i], NULL, work, &workers[i]);
  for (int i = 0; i < threads; ++i) pthread_join(handles[i], NULL);
  const double took = now_s() - begun;
  printf("%.2f fps, cores", frames / took);
  for (int core = 0; core < 3; ++core) {
    double busy = 0;
    for (int i = core; i < threads; i += 3) busy += workers[i].busy_s;
    printf(" %.0f %%", 100 * busy / took);
  }
  printf("\n");
  for (int i = 0; i < threads; ++i) rknn_destroy(workers[i].context);
  return 0;
}
