/* The tables of one instruction set, which CMake names by CC_ISA_SYMBOL: one for each type. */
#include "../kernels/kernels.h"

#define CC_JOIN2(isa, suffix) cc_kernels_##isa##_##suffix
#define CC_JOIN(isa, suffix) CC_JOIN2(isa, suffix)
#define CC_SET2(isa) cc_tables_##isa
#define CC_SET(isa) CC_SET2(isa)

#define CC_TYPE(NAME, suffix, ...) extern const cc_kernels CC_JOIN(CC_ISA_SYMBOL, suffix);
#include "../base/types.def"
#undef CC_TYPE

extern const cc_kernels *const CC_SET(CC_ISA_SYMBOL)[CC_TYPES];
const cc_kernels *const CC_SET(CC_ISA_SYMBOL)[CC_TYPES] = {
#define CC_TYPE(NAME, suffix, ...) [CC_##NAME] = &CC_JOIN(CC_ISA_SYMBOL, suffix),
#include "../base/types.def"
#undef CC_TYPE
};
