/* The set of kernels of a page's module: there is one, so csrc/dispatch, which chooses between
 * processors', is left out. Included once in each module, by the file that has its name.
 */
#ifndef PAGE_KERNEL_SET_H
#define PAGE_KERNEL_SET_H

#include "export.h"
#include "kernels/kernels.h"

extern const cc_kernels cc_kernels_baseline_f64;
const cc_kernels *cc_kernels_of(cc_type type)
{
    (void)type;
    return &cc_kernels_baseline_f64;
}
int cc_isa_chosen(void) { return 0; }
const char *cc_isa_name(int i) { return i ? NULL : "baseline"; }

#endif
