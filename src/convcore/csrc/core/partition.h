/* How outputs, channels and tasks are dealt out: in ranges that are nearly equal, or of one size.
 */
#ifndef CC_PARTITION_H
#define CC_PARTITION_H

#include "../base/integers.h"
#include "../convcore.h"

/* Where range i of `ranges` begins, and the one before ends, if 0 ... n - 1 is cut into nearly
 * equal ranges of multiples of `grain`. */
static inline int64_t cc_partition_start(int64_t n, int64_t grain, int64_t ranges, int64_t i)
{
    return min(ceil_div(n, grain) * i / ranges * grain, n);
}

/* An axis of outputs, cut into tiles of `size` outputs; size 0: nearly equal ones of multiples of
 * `grain`. */
typedef struct {
    int64_t outputs, tiles, size, grain;
} cc_tile_axis;

static inline int64_t cc_tile_axis_start(const cc_tile_axis *axis, int64_t i)
{
    if (i == 0 || i == axis->tiles) /* the usual case, without a division */
        return i ? axis->outputs : 0;
    return axis->size ? min(axis->outputs, i * axis->size)
                      : cc_partition_start(axis->outputs, axis->grain, axis->tiles, i);
}

/* All tiles of outputs: groups x ranges of images x depths x row tiles x column tiles, the last
 * running fastest. A tile has one depth. */
typedef struct {
    int64_t groups, images;
    int64_t together; /* images of a tile */
    int64_t depths;
    cc_tile_axis row, column;
} cc_tile_grid;

/* Outputs origin ... origin + count - 1 of each of a few images. `window`: the index of the tile in
 * the outputs of an image, the same in all images and groups. */
typedef struct {
    int64_t group, image, images, window;
    int64_t origin[CC_AXES], count[CC_AXES];
} cc_tile;

int64_t cc_tile_count(const cc_tile_grid *grid);
cc_tile cc_tile_at(const cc_tile_grid *grid, int64_t index);

#endif
