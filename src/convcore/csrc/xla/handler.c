/* The handler that XLA calls: operands in, results out, no Python in between. */
#include "../base/arena.h"
#include "../convcore.h"

#include <string.h>
#include <xla/ffi/api/c_api.h>

static int64_t this_process;

static XLA_FFI_Error *error_of(const XLA_FFI_Api *api, XLA_FFI_Error_Code code, const char *message)
{
    XLA_FFI_Error_Create_Args args = {
        .struct_size = XLA_FFI_Error_Create_Args_STRUCT_SIZE, .message = message, .errc = code};
    return api->XLA_FFI_Error_Create(&args);
}

/* The integer that an attribute holds; false if there is none of this name. */
static bool attribute(const XLA_FFI_Attrs *attrs, const char *name, int64_t *value)
{
    for (int64_t i = 0; i < attrs->size; i++) {
        const XLA_FFI_ByteSpan *span = attrs->names[i];
        if (attrs->types[i] != XLA_FFI_AttrType_SCALAR || span->len != strlen(name) ||
            memcmp(span->ptr, name, span->len) != 0)
            continue;
        const XLA_FFI_Scalar *scalar = attrs->attrs[i];
        if (scalar->dtype != XLA_FFI_DataType_S64)
            return false;
        memcpy(value, scalar->value, sizeof *value);
        return true;
    }
    return false;
}

/* Where a buffer's elements are; NULL unless it has that many, of that type. */
static void *elements(const XLA_FFI_Buffer *buffer, XLA_FFI_DataType type, int64_t count)
{
    int64_t found = 1;
    for (int64_t i = 0; i < buffer->rank; i++) found *= buffer->dims[i];
    return buffer->dtype == type && found == count ? buffer->data : NULL;
}

/* Finds the maxima and their indices, which have 32 bits unless `wide`. */
static cc_status maximum(const cc_xla_call *call, void *const *buffers, bool wide)
{
    const int64_t count = call->elements[2];
    int64_t *index = wide ? buffers[2] : cc_arena_acquire((size_t)count * sizeof *index);
    if (!index)
        return CC_NO_MEMORY;
    const cc_status status =
        cc_pool_forward(call->pool, call->type, buffers[0], buffers[1], index, call->threads);
    if (wide)
        return status;
    int32_t *narrow = buffers[2];
    for (int64_t i = 0; i < count && status == CC_OK; i++) narrow[i] = (int32_t)index[i];
    cc_arena_release(index);
    return status;
}

static cc_status run(const cc_xla_call *call, void *const *buffers, bool wide)
{
    const void *a = buffers[0], *b = buffers[1];
    switch (call->product) {
    case CC_XLA_POOL:
        return cc_pool_forward(call->pool, call->type, a, buffers[1], NULL, call->threads);
    case CC_XLA_MAXIMUM:
        return maximum(call, buffers, wide);
    case CC_XLA_WEIGHT_GRADIENT:
        return cc_layer_weight_gradient(call->layer, call->type, call->swapped ? a : b,
                                        call->swapped ? b : a, buffers[2], call->threads);
    case CC_XLA_INPUT_GRADIENT:
        return cc_input_gradient(&call->adjoint, call->type, a, b, buffers[2], call->threads);
    default:
        return cc_layer_forward(call->layer, call->type,
                                &(cc_forward_args){.x = a, .weight = b, .y = buffers[2]},
                                call->threads);
    }
}

/* Finds the buffers, operands first; false unless each has the type and the size that it should. */
static bool find_buffers(const XLA_FFI_CallFrame *frame, const cc_xla_call *call, void **buffers,
                         bool *wide)
{
    const int64_t operands = call->product < CC_XLA_POOL ? 2 : 1;
    const int64_t results = call->product == CC_XLA_MAXIMUM ? 2 : 1;
    const XLA_FFI_DataType real =
        call->type == CC_F32 ? XLA_FFI_DataType_F32 : XLA_FFI_DataType_F64;
    if (frame->args.size != operands || frame->rets.size != results)
        return false;
    for (int64_t i = 0; i < operands + results; i++) {
        const XLA_FFI_Buffer *buffer =
            i < operands ? frame->args.args[i] : frame->rets.rets[i - operands];
        XLA_FFI_DataType type = real;
        if (call->product == CC_XLA_MAXIMUM && i == 2) {
            *wide = buffer->dtype == XLA_FFI_DataType_S64;
            type = *wide ? XLA_FFI_DataType_S64 : XLA_FFI_DataType_S32;
        }
        buffers[i] = elements(buffer, type, call->elements[i]);
        if (!buffers[i])
            return false;
    }
    return true;
}

/* XLA asks first which version of the interface this was compiled with. */
static bool tells_version(const XLA_FFI_CallFrame *frame)
{
    const XLA_FFI_Extension_Base *extension = frame->extension_start;
    if (!extension || extension->type != XLA_FFI_Extension_Metadata)
        return false;
    XLA_FFI_Metadata *metadata = ((const XLA_FFI_Metadata_Extension *)extension)->metadata;
    metadata->api_version.major_version = XLA_FFI_API_MAJOR;
    metadata->api_version.minor_version = XLA_FFI_API_MINOR;
    metadata->traits = 0;
    return true;
}

static XLA_FFI_Error *handle(XLA_FFI_CallFrame *frame)
{
    const XLA_FFI_Api *api = frame->api;
    int64_t process, address;
    if (tells_version(frame) || frame->stage != XLA_FFI_ExecutionStage_EXECUTE)
        return NULL;
    if (!attribute(&frame->attrs, "process", &process) || process != this_process ||
        !attribute(&frame->attrs, "call", &address))
        return error_of(api, XLA_FFI_Error_Code_FAILED_PRECONDITION,
                        "convcore.jax: an executable must run in the process that compiled it, "
                        "got one of another process");
    const cc_xla_call *call = (const cc_xla_call *)(intptr_t)address;
    void *buffers[CC_XLA_BUFFERS] = {NULL};
    bool wide = false;
    if (!find_buffers(frame, call, buffers, &wide))
        return error_of(api, XLA_FFI_Error_Code_INVALID_ARGUMENT,
                        "convcore.jax: arrays must have the operator's number, types and sizes");
    switch (run(call, buffers, wide)) {
    case CC_OK:
        return NULL;
    case CC_NO_MEMORY:
        return error_of(api, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED,
                        "convcore.jax: no memory for scratch");
    case CC_STOPPED:
        return error_of(api, XLA_FFI_Error_Code_CANCELLED, "convcore.jax: stopped");
    default:
        return error_of(api, XLA_FFI_Error_Code_INTERNAL,
                        "convcore.jax: sizes of an operator contradict each other");
    }
}

cc_xla_function cc_xla_handler(int64_t process)
{
    this_process = process;
    return handle;
}
