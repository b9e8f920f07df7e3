// SPDX-License-Identifier: Apache-2.0
// The C ABI of Rockchip's NPU runtime, librknnrt.so 1.4 to 2.3, declared from its documented facts: what a program
// needs to call it, and what a stand-in needs to be called. Layouts are those of 64-bit machines, x86 and ARM alike.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t rknn_context;

enum { RKNN_MAX_DIMS = 16, RKNN_MAX_NAME_LEN = 256 };

/* What the functions return. */
enum {
  RKNN_SUCC = 0,
  RKNN_ERR_FAIL = -1,
  RKNN_ERR_TIMEOUT = -2,
  RKNN_ERR_DEVICE_UNAVAILABLE = -3,
  RKNN_ERR_MALLOC_FAIL = -4,
  RKNN_ERR_PARAM_INVALID = -5,
  RKNN_ERR_MODEL_INVALID = -6,
  RKNN_ERR_CTX_INVALID = -7,
  RKNN_ERR_INPUT_INVALID = -8,
  RKNN_ERR_OUTPUT_INVALID = -9,
  RKNN_ERR_DEVICE_UNMATCH = -10,
  RKNN_ERR_INCOMPATIBLE_PRE_COMPILE_MODEL = -11,
  RKNN_ERR_INCOMPATIBLE_OPTIMIZATION_LEVEL_VERSION = -12,
  RKNN_ERR_TARGET_PLATFORM_UNMATCH = -13
};

typedef enum {
  RKNN_QUERY_IN_OUT_NUM = 0,
  RKNN_QUERY_INPUT_ATTR = 1,
  RKNN_QUERY_OUTPUT_ATTR = 2,
  RKNN_QUERY_PERF_DETAIL = 3,
  RKNN_QUERY_PERF_RUN = 4,
  RKNN_QUERY_SDK_VERSION = 5,
  RKNN_QUERY_MEM_SIZE = 6,
  RKNN_QUERY_CUSTOM_STRING = 7,
  RKNN_QUERY_NATIVE_INPUT_ATTR = 8,
  RKNN_QUERY_NATIVE_OUTPUT_ATTR = 9
} rknn_query_cmd;

typedef enum {
  RKNN_TENSOR_FLOAT32 = 0,
  RKNN_TENSOR_FLOAT16 = 1,
  RKNN_TENSOR_INT8 = 2,
  RKNN_TENSOR_UINT8 = 3,
  RKNN_TENSOR_INT16 = 4,
  RKNN_TENSOR_UINT16 = 5,
  RKNN_TENSOR_INT32 = 6,
  RKNN_TENSOR_UINT32 = 7,
  RKNN_TENSOR_INT64 = 8,
  RKNN_TENSOR_BOOL = 9,
  RKNN_TENSOR_INT4 = 10,
  RKNN_TENSOR_BFLOAT16 = 11
} rknn_tensor_type;

typedef enum {
  RKNN_TENSOR_QNT_NONE = 0,
  RKNN_TENSOR_QNT_DFP = 1,
  RKNN_TENSOR_QNT_AFFINE_ASYMMETRIC = 2
} rknn_tensor_qnt_type;

typedef enum {
  RKNN_TENSOR_NCHW = 0,
  RKNN_TENSOR_NHWC = 1,
  RKNN_TENSOR_NC1HWC2 = 2,
  RKNN_TENSOR_UNDEFINED = 3
} rknn_tensor_format;

typedef enum {
  RKNN_NPU_CORE_AUTO = 0,
  RKNN_NPU_CORE_0 = 1,
  RKNN_NPU_CORE_1 = 2,
  RKNN_NPU_CORE_2 = 4,
  RKNN_NPU_CORE_0_1 = 3,
  RKNN_NPU_CORE_0_1_2 = 7,
  RKNN_NPU_CORE_ALL = 0xffff,
  RKNN_NPU_CORE_UNDEFINED = 0x10000
} rknn_core_mask;

typedef struct {
  uint32_t n_input;
  uint32_t n_output;
} rknn_input_output_num;

typedef struct {
  uint32_t index; /* set before a query */
  uint32_t n_dims;
  uint32_t dims[RKNN_MAX_DIMS];
  char name[RKNN_MAX_NAME_LEN];
  uint32_t n_elems;
  uint32_t size; /* bytes */
  rknn_tensor_format fmt;
  rknn_tensor_type type;
  rknn_tensor_qnt_type qnt_type;
  int8_t fl;
  int32_t zp;
  float scale;
  uint32_t w_stride; /* 0: the width */
  uint32_t size_with_stride;
  uint8_t pass_through;
  uint32_t h_stride; /* 0: the height */
} rknn_tensor_attr;

typedef struct {
  int64_t run_duration; /* microseconds */
} rknn_perf_run;

typedef struct {
  char api_version[256];
  char drv_version[256];
} rknn_sdk_version;

typedef struct {
  uint32_t total_weight_size;
  uint32_t total_internal_size;
  uint64_t total_dma_allocated_size;
  uint32_t total_sram_size;
  uint32_t free_sram_size;
  uint32_t reserved[10];
} rknn_mem_size;

typedef struct {
  char string[1024];
} rknn_custom_string;

typedef struct {
  void* virt_addr;
  uint64_t phys_addr;
  int32_t fd;
  int32_t offset;
  uint32_t size;
  uint32_t flags;
  void* priv_data;
} rknn_tensor_mem;

typedef struct {
  uint32_t index;
  void* buf;
  uint32_t size;
  uint8_t pass_through; /* 1: no normalisation, quantisation or change of layout */
  rknn_tensor_type type;
  rknn_tensor_format fmt;
} rknn_input;

typedef struct {
  uint8_t want_float;
  uint8_t is_prealloc; /* 1: buf and size are the caller's */
  uint32_t index;
  void* buf;
  uint32_t size;
} rknn_output;

typedef struct {
  rknn_context ctx;
  int32_t real_model_offset;
  uint32_t real_model_size;
  int32_t model_buffer_fd;
  uint32_t model_buffer_flags;
  uint8_t reserved[112];
} rknn_init_extend;

typedef struct {
  uint64_t frame_id;
  int32_t non_block;
  int32_t timeout_ms;
  int32_t fence_fd;
} rknn_run_extend;

typedef struct {
  uint64_t frame_id;
} rknn_output_extend;

/* A `size` of 0: `model` is the file's path. */
int rknn_init(rknn_context* context, void* model, uint32_t size, uint32_t flags,
              rknn_init_extend* extend);
int rknn_dup_context(rknn_context* from, rknn_context* to);
int rknn_destroy(rknn_context context);
int rknn_query(rknn_context context, rknn_query_cmd command, void* info, uint32_t size);
int rknn_inputs_set(rknn_context context, uint32_t count, rknn_input inputs[]);
int rknn_run(rknn_context context, rknn_run_extend* extend);
int rknn_outputs_get(rknn_context context, uint32_t count, rknn_output outputs[],
                     rknn_output_extend* extend);
int rknn_outputs_release(rknn_context context, uint32_t count, rknn_output outputs[]);
int rknn_set_core_mask(rknn_context context, rknn_core_mask mask);
/* Only for models of several pictures a run. */
int rknn_set_batch_core_num(rknn_context context, int core_num);
rknn_tensor_mem* rknn_create_mem(rknn_context context, uint32_t size);
int rknn_destroy_mem(rknn_context context, rknn_tensor_mem* memory);
int rknn_set_io_mem(rknn_context context, rknn_tensor_mem* memory, rknn_tensor_attr* attributes);

#ifdef __cplusplus
}

static_assert(sizeof(void*) == 8, "expected a 64-bit machine");
static_assert(sizeof(rknn_input_output_num) == 8);
static_assert(sizeof(rknn_tensor_attr) == 376);
static_assert(sizeof(rknn_perf_run) == 8);
static_assert(sizeof(rknn_sdk_version) == 512);
static_assert(sizeof(rknn_mem_size) == 64);
static_assert(sizeof(rknn_custom_string) == 1024);
static_assert(sizeof(rknn_tensor_mem) == 40);
static_assert(sizeof(rknn_input) == 32);
static_assert(sizeof(rknn_output) == 24);
static_assert(sizeof(rknn_init_extend) == 136);
static_assert(sizeof(rknn_run_extend) == 24);
#endif
